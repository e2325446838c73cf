// What an engine takes from the network: events, registrations, the answers of apps and their checkpoints,
// signals. Whatever they are, each is taken or refused in words, and another engine goes on with what was
// kept.
//
// The input is lines. The first letter says what a line is: e(vents), r(egistration), a(nswer, with a letter
// for its status), c(heckpoint), s(ignal), t(ime).
#include <inngest/embedded.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"

namespace {

using namespace inngest::embedded;

constexpr std::string_view registration =
    R"({"appName":"app","url":"http://127.0.0.1/","functions":[{"id":"app-f","name":"f","triggers":[)"
    R"({"event":"a"},{"event":"b/*","expression":"event.data.n > 1"},{"cron":"*/5 * * * *"}],)"
    R"("steps":{"step":{"id":"step","name":"step","runtime":{"type":"http","url":"http://127.0.0.1/?fnId=app-f"},)"
    R"("retries":{"attempts":1}}},"concurrency":[{"limit":1,"key":"event.data.k"}],)"
    R"("cancel":[{"event":"x","if":"event.data.n == async.data.n"}]}]})";

struct machine {
  memory_store store{};
  inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  std::optional<scheduler> engine{};
  std::optional<job> called{};

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
    called.reset();
    keep();
  }

  void keep() {
    for (changes fresh = engine->take_changes(); !fresh.empty(); fresh = engine->take_changes()) {
      store.commit({&fresh, 1});
      engine->kept(fresh, now);
    }
  }

  void call() {
    if (!called) called = engine->take_due(now);
    keep();
    if (called) FUZZ_CHECK(!engine->request_for(*called).url.empty());
  }

  void answer(std::string_view text) {
    call();
    if (!called || text.empty()) return;
    constexpr int statuses[] = {200, 206, 400, 500};
    const auto status = static_cast<std::size_t>(static_cast<unsigned char>(text.front())) % 4;
    engine->finish(*called, {.status = statuses[status], .body = std::string(text.substr(1))}, now);
    called.reset();
  }

  void take(std::string_view line) {
    if (line.empty()) return;
    const std::string text(line.substr(1));
    switch (line.front()) {
      case 'e':
        engine->accept(text, now);
        return;
      case 'r': {
        const app_record app{.id = "app", .text = text};
        engine->register_app(app, read_registration(app), now);
        return;
      }
      case 'a':
        return answer(text);
      case 'c': {
        call();
        if (called) engine->checkpoint(called->run_id, called->id, read_operations(text), now);
        return;
      }
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

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
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
  const run_counts before = it.store.count_runs();
  it.restart();
  const run_counts after = it.store.count_runs();
  FUZZ_CHECK(before.queued == after.queued && before.running == after.running &&
             before.completed == after.completed && before.failed == after.failed);
  return 0;
}
