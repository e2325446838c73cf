// Nothing runs on a result that is not on disk.
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"

using namespace std::chrono_literals;
using namespace inngest::embedded;

namespace {

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"test/go", numbered>;

/// A store whose commits take a random time, and which knows what is durable.
class slow_store final : public support::forwarding_store {
 public:
  explicit slow_store(bool on_disk = true) : on_disk_(on_disk) {}

  void commit(std::span<const changes> all) override {
    std::this_thread::sleep_for(std::chrono::microseconds(pause()));
    memory.commit(all);
    const std::lock_guard lock(mutex_);
    for (const changes& batch : all) {
      for (const memo_record& memo : batch.memos) durable_[memo.run_id].insert(hash_text(memo.step));
      for (const std::uint64_t id : batch.started_jobs) started_.insert(id);
      for (const job& added : batch.added_jobs) known_[added.run_id].insert(added.id);
    }
  }
  bool is_on_disk() const override { return on_disk_; }

  /// Whether all of these steps' results are durable.
  bool has(const std::string& run_id, const inngest::json& steps) {
    const std::lock_guard lock(mutex_);
    for (const auto& [hash, memo] : steps.items()) {
      if (!durable_[run_id].contains(hash)) return false;
    }
    return true;
  }
  /// How many of the run's calls are durably started.
  std::size_t started(const std::string& run_id) {
    const std::lock_guard lock(mutex_);
    std::size_t out = 0;
    for (const std::uint64_t id : known_[run_id]) out += started_.contains(id) ? 1 : 0;
    return out;
  }

 private:
  static std::string hash_text(const inngest::step_hash& hash) { return inngest::detail::to_hex(hash); }
  int pause() {
    const std::lock_guard lock(mutex_);
    return std::uniform_int_distribution(0, 8'000)(random_);
  }

  const bool on_disk_;
  std::mutex mutex_;
  std::mt19937 random_{7};
  std::map<std::string, std::set<std::string>> durable_;
  std::map<std::string, std::set<std::uint64_t>> known_;
  std::set<std::uint64_t> started_;
};

/// Looks at each call's request before the function does.
class request_check final : public inngest::middleware {
 public:
  explicit request_check(std::shared_ptr<slow_store> store) : store_(std::move(store)) {}

  inngest::http::response wrap_request(const inngest::http::request& request,
                                       inngest::next_call<inngest::http::response> next) override {
    const auto body = inngest::json::parse(request.body);
    const std::string run_id = body["ctx"]["run_id"];
    ++calls;
    if (!store_->has(run_id, body["steps"])) ++not_durable;
    if (store_->started(run_id) == 0) ++not_started;
    return next();
  }

  std::atomic<int> calls{0}, not_durable{0}, not_started{0};

 private:
  std::shared_ptr<slow_store> store_;
};

inngest::client quiet_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

}  // namespace

TEST_CASE("no call begins before every result in its request is durable", "[embedded][durability]") {
  const bool on_disk = GENERATE(true, false);
  const auto app = quiet_client();
  const auto store = std::make_shared<slow_store>(on_disk);
  const auto check = std::make_shared<request_check>(store);
  const auto fan = app.create_function(
      {.id = "fan", .middleware = {check}}, inngest::on<go>(), [](inngest::context<go>& ctx) {
        auto seen = ctx.group.parallel(std::vector<int>{0, 1, 2, 3}, [&](int i) {
          return ctx.step.run("part-" + std::to_string(i), [i] { return i; });
        });
        ctx.step.sleep("rest", 1ms);
        seen.push_back(ctx.step.run("joined", [] { return 9; }));
        return seen;
      });
  engine engine(app, {fan}, {.workers = 6, .store = store});
  constexpr int runs = 40;
  std::vector<inngest::any_event> events;
  for (int i = 0; i < runs; ++i) events.emplace_back(go{{.n = i}});
  engine.send(events);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(check->calls >= runs);
  CHECK(check->not_durable == 0);
  CHECK(check->not_started == 0);
}

TEST_CASE("what on_progress and wait_for tell is durable", "[embedded][durability]") {
  const auto app = quiet_client();
  const auto store = std::make_shared<slow_store>();
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [](inngest::context<go>& ctx) {
    ctx.step.run("a", [] { return 1; });
    ctx.step.sleep("rest", 1ms);
    return ctx.step.run("b", [] { return 2; });
  });
  std::atomic<int> told{0}, too_early{0};
  engine engine(app, {function},
                {.store = store, .on_progress = [&](const run& run, const timeline_entry& entry) {
                   ++told;
                   const auto stored = store->find_run(run.id);
                   const auto& lines = stored ? stored->run.timeline : std::vector<timeline_entry>();
                   const auto same = [&](const timeline_entry& line) {
                     return line.what == entry.what && line.step == entry.step && line.at == entry.at;
                   };
                   if (std::none_of(lines.begin(), lines.end(), same)) ++too_early;
                 }});
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(engine.send(go{{.n = i}}).ids.at(0));
  for (const std::string& id : ids) {
    const auto started = engine.runs_of(id);
    REQUIRE(started.size() == 1);
    CHECK(engine.wait_for(started[0].id, support::patience).status == run_status::completed);
  }
  CHECK(told >= 20 * 5);
  CHECK(too_early == 0);
}
