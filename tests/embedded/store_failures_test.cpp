#include <inngest/embedded.hpp>
#include <inngest/embedded/store.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using namespace inngest::embedded;

namespace {

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

/// A store as on a disk that can be full, or slow to forget.
class fragile_store final : public store {
 public:
  std::atomic<bool> is_full{false};
  bool on_disk = true;
  /// So many commits succeed, then it is full.
  std::atomic<int> commits_left{1'000'000};
  /// The next commits happen, but say that they did not.
  std::atomic<int> lies{0};
  std::function<void()> while_forgetting{};

  void commit(std::span<const changes> all) override {
    if (lies > 0) {
      --lies;
      memory_.commit(all);
      throw inngest::store_error("test.db", "the outcome is unknown");
    }
    if (commits_left-- <= 0) is_full = true;
    if (is_full) throw inngest::store_error("test.db", "the disk is full");
    memory_.commit(all);
  }
  unfinished_work load() override { return memory_.load(); }
  bool is_on_disk() const override { return on_disk; }
  void forget_before(inngest::timestamp time) override {
    if (while_forgetting) while_forgetting();
    memory_.forget_before(time);
  }
  std::optional<event_record> find_event(std::string_view id) const override {
    return memory_.find_event(id);
  }
  std::vector<event_record> find_events(const event_query& query) const override {
    return memory_.find_events(query);
  }
  std::optional<run_record> find_run(std::string_view id) const override { return memory_.find_run(id); }
  std::vector<run> find_runs(const run_query& query) const override { return memory_.find_runs(query); }
  std::vector<run> runs_of(std::string_view id) const override { return memory_.runs_of(id); }
  std::vector<run> runs() const override { return memory_.runs(); }
  std::vector<memo_record> memos_of(std::string_view id) const override { return memory_.memos_of(id); }
  run_counts count_runs() const override { return memory_.count_runs(); }

 private:
  memory_store memory_;
};

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

}  // namespace

TEST_CASE("while the store takes nothing events are refused with its reason, and then it goes on",
          "[embedded][store]") {
  const auto app = make_client();
  const auto store = std::make_shared<fragile_store>();
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("first", [&] { store->is_full = ran.fetch_add(1) == 0; });
    ctx.step.run("second", [&] { ++ran; });
  });
  engine engine(app, {function}, {.store = store});
  const auto sent = engine.send(go{});

  support::hold_until(store->is_full);
  CHECK_THROWS_WITH(engine.accept(R"({"name":"test/other","data":{}})"),
                    Catch::Matchers::ContainsSubstring("the store \"test.db\" the disk is full"));
  CHECK_THROWS_WITH(engine.send(go{}), Catch::Matchers::ContainsSubstring("the disk is full"));
  CHECK_FALSE(engine.wait_until_idle(50ms));
  CHECK(ran == 1);  // the function doesn't go on before its result is kept

  store->is_full = false;
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto runs = engine.runs_of(sent.ids.at(0));
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].status == run_status::completed);
  CHECK(store->memos_of(runs[0].id).size() == 2);
  CHECK_NOTHROW(engine.accept(R"({"name":"test/other","data":{}})"));
}

TEST_CASE("an engine that ends while its store forgets does not wait for the next time",
          "[embedded][store]") {
  const auto app = make_client();
  const auto store = std::make_shared<fragile_store>();
  std::atomic<bool> forgets{false}, ends{false};
  store->while_forgetting = [&] {
    forgets = true;
    support::hold_until(ends);
    std::this_thread::sleep_for(20ms);  // until it has told the workers
  };
  const auto begun = std::chrono::steady_clock::now();
  {
    const engine engine(app, {}, {.workers = 1, .store = store});
    support::hold_until(forgets);
    ends = true;
  }
  CHECK(std::chrono::steady_clock::now() - begun < 1min);
}

TEST_CASE("a send that threw has not happened, and a repeated one counts once", "[embedded][store]") {
  const auto app = make_client();
  const auto store = std::make_shared<fragile_store>();
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto&) { ++ran; });
  engine engine(app, {function}, {.store = store});
  const std::string event = R"({"name":"test/go","data":{}})";
  const std::string seed = "1743130137367,eii2YKXRVTJPuA==";

  store->is_full = true;
  CHECK_THROWS_AS(engine.accept(event, seed), inngest::unreachable);
  store->is_full = false;
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(ran == 0);
  CHECK(store->find_events({}).empty());

  const auto accept_at_last = [&] {
    std::vector<std::string> ids;
    REQUIRE(support::eventually([&] {
      try {
        ids = engine.accept(event, seed);
      } catch (const inngest::unreachable&) {  // until the committer has seen that there is room again
      }
      return !ids.empty();
    }));
    return ids;
  };
  store->lies = 1;
  CHECK_THROWS_AS(engine.accept(event, seed), inngest::unreachable);
  const auto ids = accept_at_last();
  CHECK(accept_at_last() == ids);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(ran == 1);
  CHECK(engine.runs_of(ids.front()).size() == 1);
}

TEST_CASE("a send that threw does not happen in the next process either, though its commit was kept",
          "[embedded][store]") {
  const auto app = make_client();
  const auto store = std::make_shared<fragile_store>();
  store->on_disk = GENERATE(true, false);
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto&) { ++ran; });
  {
    engine engine(app, {function}, {.store = store});
    store->lies = 1;
    CHECK_THROWS_AS(engine.accept(R"({"name":"test/go","data":{}})"), inngest::unreachable);
    REQUIRE(engine.wait_until_idle(support::patience));
  }
  CHECK(store->find_events({}).empty());
  engine next(app, {function}, {.store = store});
  REQUIRE(next.wait_until_idle(support::patience));
  CHECK(ran == 0);
}

TEST_CASE("an event that was stored is taken, although what it started can't be stored yet",
          "[embedded][store]") {
  const auto app = make_client();
  const auto store = std::make_shared<fragile_store>();
  store->on_disk = GENERATE(true, false);
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto&) { ++ran; });
  engine engine(app, {function}, {.store = store});
  store->commits_left = 1;  // that of the event
  std::vector<std::string> ids;
  CHECK_NOTHROW(ids = engine.accept(R"({"name":"test/go","data":{}})"));
  CHECK(ran == 0);
  store->commits_left = 1'000'000;
  store->is_full = false;
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(ran == 1);
  CHECK(engine.runs_of(ids.at(0)).size() == 1);
}
