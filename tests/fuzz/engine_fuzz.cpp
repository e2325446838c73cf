// What an engine takes from the network: events, registrations, the answers of apps and their checkpoints,
// signals. Whatever they are, each is taken or refused in words, and another engine goes on with what was
// kept.
//
// The input is lines. The first letter says what a line is: e(vents), E(vents with one seed), r(egistration),
// k: a call begins, a(nswer to the oldest call under way, with a letter for its status), A(nswer to the
// newest), c(heckpoint), s(ignal), x: the newest call's run is cancelled, t(ime).
#include <inngest/embedded.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

using namespace inngest::embedded;

constexpr std::string_view registration =
    R"({"appName":"app","url":"http://127.0.0.1/","functions":[{"id":"app-f","name":"f","triggers":[)"
    R"({"event":"a"},{"event":"b/*","expression":"event.data.n > 1"},{"cron":"*/5 * * * *"}],)"
    R"("steps":{"step":{"id":"step","name":"step","runtime":{"type":"http","url":"http://127.0.0.1/?fnId=app-f"},)"
    R"("retries":{"attempts":1}}},"concurrency":[{"limit":2,"key":"event.data.k"}],)"
    R"("cancel":[{"event":"x","if":"event.data.n == async.data.n"}]},)"
    R"({"id":"app-one","triggers":[{"event":"a"},{"event":"inngest/function.cancelled"}],)"
    R"("singleton":{"mode":"cancel"},"cancel":[{"event":"inngest/function.finished"}],)"
    R"("steps":{"step":{"runtime":{"url":"http://127.0.0.1/"}}}},)"
    R"({"id":"app-ends","triggers":[{"event":"inngest/function.failed"},{"event":"inngest/function.finished"}],)"
    R"("steps":{"step":{"runtime":{"url":"http://127.0.0.1/"}}}},)"
    R"({"id":"app-batch","triggers":[{"event":"a"}],"batchEvents":{"maxSize":2,"timeout":"90s"},)"
    R"("steps":{"step":{"runtime":{"url":"http://127.0.0.1/"}}}},)"
    R"({"id":"app-last","triggers":[{"event":"a"}],"debounce":{"period":"90s"},"throttle":{"limit":1,"period":"60s"},)"
    R"("steps":{"step":{"runtime":{"url":"http://127.0.0.1/"}}}}]})";

struct machine {
  memory_store store{};
  inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  std::optional<scheduler> engine{};
  std::deque<job> called{};

  machine() {
    restart();
    engine->register_app({.id = "app", .text = std::string(registration)},
                         read_registration({.id = "app", .text = std::string(registration)}), now);
    keep();
  }

  void restart() {
    engine.emplace(
        std::vector<function_definition>(), store.load(), [](int) { return std::chrono::milliseconds(1000); },
        now);
    called.clear();
    keep();
  }

  void keep() {
    for (changes fresh = engine->take_changes(); !fresh.empty(); fresh = engine->take_changes()) {
      store.commit({&fresh, 1});
      engine->committed(fresh, now);
    }
  }

  void call() {
    const auto next = engine->take_due(now);
    keep();
    if (!next) return;
    FUZZ_CHECK(!engine->request_for(*next).url.empty());
    called.push_back(*next);
  }

  void answer(std::string_view text, bool newest) {
    if (called.empty()) call();
    if (called.empty() || text.empty()) return;
    const job answered = newest ? called.back() : called.front();
    if (newest)
      called.pop_back();
    else
      called.pop_front();
    constexpr int statuses[] = {200, 206, 400, 500};
    const auto status = static_cast<std::size_t>(static_cast<unsigned char>(text.front())) % 4;
    engine->finish(answered,
                   {.status = statuses[status],
                    .headers = {{"x-inngest-sdk", "fuzz:v1"}, {"x-inngest-req-version", "2"}},
                    .body = std::string(text.substr(1))},
                   now);
  }

  void take(std::string_view line) {
    if (line.empty()) return;
    const std::string text(line.substr(1));
    switch (line.front()) {
      case 'e':
        engine->accept(text, now);
        return;
      case 'E':
        engine->accept(text, now, "1743130137367,eii2YKXRVTJPuA==", [&](const std::string& id) {
          return store.find_event(id).has_value();
        });
        return;
      case 'r': {
        const app_record app{.id = "app", .text = text};
        engine->register_app(app, read_registration(app), now);
        return;
      }
      case 'k':
        return call();
      case 'a':
        return answer(text, false);
      case 'A':
        return answer(text, true);
      case 'c': {
        if (called.empty()) call();
        if (called.empty()) return;
        engine->checkpoint(called.back().run_id, called.back().id, read_operations(text), now);
        return;
      }
      case 'x':
        if (!called.empty()) engine->cancel(called.back().run_id, now);
        return;
      case 's':
        engine->signal(text, "null", now);
        return;
      case 't':
        now += std::chrono::minutes(1 + static_cast<unsigned char>(text.empty() ? '\0' : text.front()));
        return;
      default:
        return;
    }
  }
};

}  // namespace

void targets::fuzz_engine(std::string_view rest) {
  machine it;
  for (int lines = 0; !rest.empty() && lines < 200; ++lines) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    try {
      it.take(rest.substr(0, end));
    } catch (const inngest::error& refused) {
      FUZZ_CHECK(*refused.what() != '\0');
    }
    it.keep();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const bool had_calls = !it.called.empty();
  const run_counts before = it.store.count_runs();
  it.restart();
  const run_counts after = it.store.count_runs();
  // a call that was under way is a failed attempt now, and its run may have ended by that
  FUZZ_CHECK(had_calls || (before.queued == after.queued && before.running == after.running &&
                           before.completed == after.completed && before.failed == after.failed));
}
