// What users' code throws, what processes do not survive, clocks that are set: the engine goes on and says
// so.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/inngest.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;

using support::eventually;

namespace {

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"test/go", numbered>;

/// Lines of a log.
class log_book {
 public:
  inngest::logger logger() {
    return inngest::logger([this](inngest::log_level level, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::string(to_string(level)) + ": " + std::string(text));
    });
  }
  std::vector<std::string> with(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const std::string& line : lines_) {
      if (line.find(part) != line.npos) out.push_back(line);
    }
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class recording_transport final : public inngest::http::transport {
 public:
  std::atomic<int> sent{0};
  inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
    ++sent;
    return {.status = 200, .body = R"({"ids":["1"],"status":200})"};
  }
};

inngest::client client_with(log_book& book, std::shared_ptr<inngest::http::transport> transport = nullptr) {
  return inngest::client({.id = "app",
                          .event_key = "key",
                          .mode = inngest::mode::dev,
                          .transport = std::move(transport),
                          .send_attempts = 1,
                          .log = book.logger(),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// A store of a user's, whose functions may throw.
class throwing_store final : public support::forwarding_store {
 public:
  std::function<void()> on_commit{}, on_load{}, on_forget{}, on_find{};
  std::atomic<bool> on_disk{false};

  void commit(std::span<const changes> all) override {
    if (on_commit) on_commit();
    memory.commit(all);
  }
  unfinished_work load() override {
    if (on_load) on_load();
    return memory.load();
  }
  void forget_before(inngest::timestamp time) override {
    if (on_forget) on_forget();
    memory.forget_before(time);
  }
  std::optional<run_record> find_run(std::string_view id) const override {
    if (on_find) on_find();
    return memory.find_run(id);
  }
  bool is_on_disk() const override { return on_disk; }
};

void throw_something(int kind) {
  if (kind == 0) throw inngest::store_error("net", "is away");
  if (kind == 1) throw 42;
  if (kind == 2) throw std::string("away");
}

}  // namespace

// ---- constructors -----------------------------------------------------------------------------------------

TEST_CASE("an engine whose constructor throws leaves its client as it was", "[embedded][failures]") {
  log_book book;
  const auto transport = std::make_shared<recording_transport>();
  const auto app = client_with(book, transport);
  const auto store = std::make_shared<throwing_store>();
  const auto function = app.create_function(
      {.id = "t"}, inngest::any_of(inngest::on<go>(), inngest::cron("0 0 * * *")), [](auto&) {});
  store->on_disk = GENERATE(true, false);
  const int kind = GENERATE(0, 1, 2);
  const auto where = GENERATE("load", "commit");
  (where == std::string("load") ? store->on_load : store->on_commit) = [kind] { throw_something(kind); };
  bool threw = false;
  try {
    const engine broken(app, {function}, {.store = store});
  } catch (...) {
    threw = true;
  }
  CHECK(threw);
  app.send(go{});
  CHECK(transport->sent == 1);

  store->on_load = store->on_commit = nullptr;
  engine works(app, {function}, {.store = store});  // and another engine may have it
  app.send(go{});
  CHECK(transport->sent == 1);
  CHECK(works.wait_until_idle(support::patience));
}

TEST_CASE("a second engine of a client is refused, and the first goes on", "[embedded][failures]") {
  log_book book;
  const auto app = client_with(book);
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "t"}, inngest::on<go>(), [&](auto&) { ++ran; });
  engine first(app, {function});
  CHECK_THROWS_AS(engine(app, {function}), inngest::configuration_error);
  app.send(go{});
  CHECK(first.wait_until_idle(support::patience));
  CHECK(ran == 1);
}

// ---- stores -----------------------------------------------------------------------------------------------

TEST_CASE("a store of a user's may throw anything: send throws, and what was begun goes on later",
          "[embedded][failures]") {
  log_book book;
  const auto app = client_with(book);
  const auto store = std::make_shared<throwing_store>();
  store->on_disk = GENERATE(true, false);
  const int kind = GENERATE(0, 1, 2);
  std::atomic<bool> is_away{false};
  store->on_commit = [&is_away, kind] {
    if (is_away) throw_something(kind);
  };
  std::atomic<int> first{0}, second{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("first", [&] {
      is_away = true;
      ++first;
    });
    ctx.step.run("second", [&] { ++second; });
  });
  engine engine(app, {function}, {.store = store});
  const auto sent = engine.send(go{});
  REQUIRE(eventually([&] { return !book.with("can't write to its store").empty(); }));
  CHECK_THROWS_AS(app.send(go{}), inngest::unreachable);
  CHECK(second == 0);
  is_away = false;
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(second == 1);
  CHECK(engine.runs_of(sent.ids.at(0)).at(0).status == run_status::completed);
  CHECK_NOTHROW(app.send(go{}));
}

TEST_CASE("a store of a user's may throw when it is asked, and when it forgets", "[embedded][failures]") {
  log_book book;
  const auto app = client_with(book);
  const auto store = std::make_shared<throwing_store>();
  const int kind = GENERATE(0, 1);
  store->on_forget = [kind] { throw_something(kind); };
  store->on_find = [kind] { throw_something(kind); };
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto&) {});
  engine engine(app, {function}, {.store = store});
  CHECK_THROWS(engine.find_run("x"));
  CHECK_THROWS(engine.rerun("x"));
  engine.send(go{});
  CHECK(engine.wait_until_idle(support::patience));
  CHECK(eventually(
      [&] { return !book.with("error: the engine can't remove old records from its store").empty(); }));
}

TEST_CASE("while the store forgets the engine works", "[embedded][failures]") {
  log_book book;
  const auto app = client_with(book);
  const auto store = std::make_shared<throwing_store>();
  std::atomic<bool> forgets{false}, released{false};
  store->on_forget = [&] {
    forgets = true;
    eventually([&] { return released.load(); });
  };
  std::atomic<int> ran{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("a", [&] { ++ran; });
    ctx.step.sleep("b", 1ms);
  });
  engine engine(app, {function}, {.workers = 1, .store = store});
  REQUIRE(eventually([&] { return forgets.load(); }));
  engine.send(go{});
  CHECK(engine.wait_until_idle(support::patience));
  CHECK(ran == 1);
  released = true;
}

// ---- callbacks --------------------------------------------------------------------------------------------

namespace {

/// Middleware of which one hook throws something.
class throwing_hook final : public inngest::middleware {
 public:
  explicit throwing_hook(std::string name) : name_(std::move(name)) {}
  void on_run_start(const inngest::call_info&) override { at("on_run_start"); }
  void on_memoization_end(const inngest::call_info&) override { at("on_memoization_end"); }
  void on_step_start(const inngest::call_info&, const inngest::step_info&) override { at("on_step_start"); }
  void on_step_complete(const inngest::call_info&, const inngest::step_info&, std::string_view) override {
    at("on_step_complete");
  }
  void on_run_complete(const inngest::call_info&, std::string_view) override { at("on_run_complete"); }
  inngest::http::response wrap_request(const inngest::http::request&,
                                       inngest::next_call<inngest::http::response> next) override {
    at("wrap_request");
    return next();
  }

 private:
  void at(const char* hook) const {
    if (name_ == hook) throw 42;
  }
  const std::string name_;
};

}  // namespace

TEST_CASE("a hook of middleware may throw anything: the run fails and says so", "[embedded][failures]") {
  log_book book;
  const auto hook = GENERATE("on_run_start", "on_memoization_end", "on_step_start", "on_step_complete",
                             "on_run_complete", "wrap_request");
  INFO(hook);
  const auto app = client_with(book);
  const auto function =
      app.create_function({.id = "f", .retries = 0, .middleware = {std::make_shared<throwing_hook>(hook)}},
                          inngest::on<go>(), [&](auto& ctx) { ctx.step.run("a", [] { return 1; }); });
  engine engine(app, {function});
  engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.runs().at(0).status == run_status::failed);
  CHECK(book.with("error: run " + engine.runs().at(0).id).size() == 1);
}

TEST_CASE("callbacks may throw anything", "[embedded][failures]") {
  log_book book;
  const auto app = client_with(book);
  std::atomic<int> ran{0};
  const auto function =
      app.create_function({.id = "f", .retries = 2}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
        ctx.step.run({.id = "a", .backoff = [](int) -> std::chrono::milliseconds { throw 42; }}, [&] {
          if (ran++ == 0) throw std::runtime_error("once");
        });
      });
  std::atomic<int> told{0}, asked{0};
  engine engine(app, {function},
                {.retry_delay = [&](int) -> std::chrono::milliseconds {
                   if (asked++ == 0) throw 42;
                   return 1ms;
                 },
                 .on_progress =
                     [&](const run&, const timeline_entry&) {
                       ++told;
                       throw 42;
                     }});
  const auto id = engine.send(go{}).ids.at(0);
  REQUIRE(eventually([&] { return !book.with("engine_options::retry_delay threw").empty(); }));
  CHECK(eventually([&] { return !book.with("engine_options::on_progress threw").empty(); }));
  CHECK(book.with("step_options::backoff of step \"a\" threw").size() == 1);
  CHECK(told > 0);
  const run_status status = engine.runs_of(id).at(0).status;  // it waits for its next attempt, or has had it
  CHECK((status == run_status::waiting || status == run_status::completed));
}

TEST_CASE("transports may throw anything: the step fails", "[embedded][failures]") {
  struct throwing_transport final : inngest::http::transport {
    inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
      throw 42;
    }
  };
  log_book book;
  const auto app = client_with(book);
  const auto function = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<go>(),
      [&](inngest::context<go>& ctx) { ctx.step.fetch("a", {.url = "http://localhost/"}); });
  engine engine(app, {function}, {.requests = std::make_shared<throwing_transport>()});
  engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.runs().at(0).status == run_status::failed);
}

TEST_CASE("a log's sink may throw anything", "[embedded][failures]") {
  const inngest::client app({.id = "app",
                             .log = inngest::logger([](inngest::log_level, std::string_view) { throw 42; }),
                             .environment = [](const char*) { return std::nullopt; }});
  const auto function =
      app.create_function({.id = "f", .retries = 1}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
        ctx.log.info("begun");
        if (ctx.attempt == 0) throw std::runtime_error("once");
      });
  engine engine(app, {function}, {.retry_delay = [](int) { return 1ms; }});
  engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.runs().at(0).status == run_status::completed);
}

// ---- processes that end -----------------------------------------------------------------------------------

TEST_CASE("an attempt that its process does not survive is a failed one", "[embedded][failures]") {
  log_book book;
  const auto keeps = std::make_shared<throwing_store>();
  std::atomic<bool> has_ended{false};
  keeps->on_commit = [&] {
    if (has_ended) throw_something(0);  // a process that has ended writes nothing
  };
  std::vector<int> attempts;
  std::atomic<int> failures{0};
  std::string message;
  const auto where = GENERATE("step", "function", "parallel");
  INFO(where);
  const auto starts = [&](bool is_first) {
    has_ended = false;
    const auto app = client_with(book);
    const auto function = app.create_function(
        {.id = "f", .retries = 2}, inngest::on<go>(),
        [&](inngest::context<go>& ctx) {
          const auto fatal = [&] {
            attempts.push_back(ctx.attempt);
            has_ended = true;
            return 1;
          };
          if (where == std::string("function")) fatal();
          if (where == std::string("step")) ctx.step.run("boom", fatal);
          if (where == std::string("parallel")) {
            auto boom = ctx.step.start("boom", fatal);
            auto other = ctx.step.start("other", [] { return 2; });
            try {
              boom.get();
            } catch (const inngest::step_error& problem) {
              message = problem.what();
              throw;
            }
            other.get();
          }
        },
        inngest::on_failure([&](inngest::failure_context<go>& ctx) {
          message = ctx.error.message;
          ++failures;
        }));
    engine engine(app, {function}, {.workers = 1, .store = keeps});
    if (is_first) engine.send(go{});
    eventually([&] { return has_ended || engine.wait_until_idle(1ms); });
    return has_ended.load();
  };
  for (int i = 0; i < 3; ++i) CHECK(starts(i == 0));
  CHECK_FALSE(starts(false));  // it has failed
  CHECK(attempts == std::vector<int>{0, 1, 2});
  CHECK(failures == 1);
  CHECK_THAT(message, ContainsSubstring("the process ended while"));
  if (where == std::string("parallel")) CHECK_THAT(message, ContainsSubstring("\"boom\""));
  CHECK(keeps->memory.count_runs().failed == 1);
  CHECK(book.with("warn: run ").size() >= 2);
}

// ---- clocks -----------------------------------------------------------------------------------------------

TEST_CASE("an engine's clock never goes back, and follows a clock that is set forward", "[embedded][clock]") {
  engine_clock clock;
  const engine_clock::system_time noon{std::chrono::hours(12)};
  const engine_clock::steady_time start{};
  CHECK(clock.advance(noon, start) == noon);
  CHECK(clock.advance(noon + 5s, start + 5s) == noon + 5s);
  CHECK(clock.advance(noon + 6s - 1h, start + 6s) == noon + 5500ms);  // set back by an hour: half as fast
  CHECK(clock.advance(noon + 16s - 1h, start + 16s) == noon + 10500ms);
  CHECK(clock.advance(noon - 3000s, start + 616s) == noon + 310500ms);
  CHECK(clock.advance(noon + 2h, start + 7217s) == noon + 2h);    // it has caught up
  CHECK(clock.advance(noon - 48h, start + 7217s) == noon - 48h);  // set back by days
  CHECK(clock.advance(noon + 5h, start + 7218s) == noon + 5h);    // set forward
}

TEST_CASE("sleeps and retries take about as long when the clock is set back", "[embedded][clock]") {
  log_book book;
  const auto app = client_with(book);
  std::atomic<std::int64_t> offset{0};
  const auto system_time = [&] { return std::chrono::system_clock::now() + std::chrono::hours(offset); };
  std::atomic<int> failed{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    if (ctx.event.data.n == 0) return ctx.step.sleep("rest", 300ms);
    if (failed++ == 0) throw std::runtime_error("once");
  });
  engine engine(app, {function}, {.retry_delay = [](int) { return 300ms; }, .system_time = system_time});
  std::vector<inngest::any_event> events{go{.data = {.n = 0}}, go{.data = {.n = 1}}};
  const auto ids = engine.send(events).ids;
  REQUIRE(eventually([&] {
    const auto first = engine.runs_of(ids[0]).at(0);
    const auto jobs = engine.find_run(first.id)->timeline;
    return failed >= 1 && std::any_of(jobs.begin(), jobs.end(), [](const timeline_entry& entry) {
             return entry.what == progress::sleep_started;
           });
  }));
  offset = -1;
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("a sleep takes about as long when the clock is set back while no engine runs",
          "[embedded][clock]") {
  log_book book;
  const auto store = std::make_shared<memory_store>();
  const auto make = [](const inngest::client& app) {
    return app.create_function({.id = "f"}, inngest::on<go>(),
                               [&](inngest::context<go>& ctx) { ctx.step.sleep("rest", 300ms); });
  };
  {
    const auto app = client_with(book);
    engine engine(app, {make(app)}, {.store = store});
    engine.send(go{});
    REQUIRE(eventually([&] {
      const auto jobs = store->load().jobs;
      return jobs.empty() || jobs[0].what == job::kind::wake;
    }));
  }
  const auto app = client_with(book);
  engine engine(app, {make(app)},
                {.store = store, .system_time = [] { return std::chrono::system_clock::now() - 1h; }});
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("what is due is done when the clock is set forward", "[embedded][clock]") {
  log_book book;
  const auto app = client_with(book);
  std::atomic<std::int64_t> offset{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(),
                                            [&](inngest::context<go>& ctx) { ctx.step.sleep("rest", 1h); });
  engine engine(app, {function}, {.system_time = [&] {
                  return std::chrono::system_clock::now() + std::chrono::hours(offset);
                }});
  engine.send(go{});
  REQUIRE(eventually([&] { return engine.metrics().sleeping == 1; }));
  offset = 2;
  CHECK(engine.wait_until_idle(support::patience));
}

// ---- the log ----------------------------------------------------------------------------------------------

TEST_CASE("failed attempts, failed runs and what is resumed are logged", "[embedded][log]") {
  log_book book;
  const auto store = std::make_shared<memory_store>();
  std::atomic<int> calls_of_third{0};
  const auto make = [&](const inngest::client& app) {
    return app.create_function({.id = "f", .retries = 1}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
      if (ctx.event.data.n == 3) {
        if (++calls_of_third == 2) throw std::runtime_error("lost");
        const auto first = ctx.step.start("first", [] { return 1; });
        const auto second = ctx.step.start("second", [] { return 2; });
        return;
      }
      if (ctx.event.data.n == 0) ctx.step.run("charge", [] { throw std::runtime_error("card declined"); });
      if (ctx.event.data.n == 1) throw std::runtime_error("broken");
      ctx.step.sleep("rest", 1h);
    });
  };
  {
    const auto app = client_with(book);
    engine engine(app, {make(app)}, {.store = store, .retry_delay = [](int) { return 1ms; }});
    CHECK(book.with("resumes").empty());
    const auto first = engine.send(go{.data = {.n = 0}}).ids.at(0);
    const auto second = engine.send(go{.data = {.n = 1}}).ids.at(0);
    REQUIRE(engine.wait_until_idle(support::patience));
    const std::string of_first = "run " + engine.runs_of(first).at(0).id + " of function \"f\"";
    const std::string of_second = "run " + engine.runs_of(second).at(0).id + " of function \"f\"";
    const auto retried =
        book.with("warn: " + of_first + ": step \"charge\": attempt 1 failed, the next is due at 2");
    CHECK(retried.size() == 1);
    CHECK(book.with("card declined").size() >= 2);
    CHECK(book.with("warn: " + of_first + ": step \"charge\": attempt 2 failed permanently").size() == 1);
    CHECK(book.with("error: " + of_first + " failed: ").size() == 1);
    CHECK(book.with("warn: " + of_second + ": attempt 1 failed, the next is due at 2").size() == 1);
    CHECK(book.with("error: " + of_second + " failed: ").size() == 1);
    const auto third = engine.send(go{.data = {.n = 3}}).ids.at(0);
    REQUIRE(engine.wait_until_idle(support::patience));
    const std::string of_third = "run " + engine.runs_of(third).at(0).id + " of function \"f\"";
    const auto lost = book.with("warn: " + of_third);
    REQUIRE(lost.size() == 1);
    CHECK_THAT(lost[0], ContainsSubstring("step \"first\": attempt 1 failed, the next is due at 2") ||
                            ContainsSubstring("step \"second\": attempt 1 failed, the next is due at 2"));
    engine.send(go{.data = {.n = 2}});
    REQUIRE(eventually([&] { return store->load().jobs.size() == 1 && store->count_runs().running == 1; }));
  }
  const auto app = client_with(book);
  const engine again(app, {make(app)}, {.store = store});
  CHECK(book.with("info: the engine resumes 1 run with ").size() == 1);
}

namespace {

/// An app elsewhere that answers 7, from the second call on: the first one does not reach it.
struct far_app final : inngest::embedded::remote_apps {
  struct route final : inngest::embedded::app_route {
    explicit route(far_app& to) : app(&to) {}
    std::optional<inngest::http::response> call(inngest::embedded::remote_call made) override {
      const std::lock_guard lock(app->mutex);
      app->calls.push_back(made);
      if (app->calls.size() == 1) return std::nullopt;
      return inngest::http::response{.status = 200, .headers = {{"x-inngest-sdk", "js:v4"}}, .body = "7"};
    }
    far_app* app;
  };

  std::unique_ptr<inngest::embedded::app_route> route_to(
      const inngest::embedded::function_definition&) override {
    return is_there ? std::make_unique<route>(*this) : nullptr;
  }

  std::atomic<bool> is_there{false};
  std::mutex mutex;
  std::vector<inngest::embedded::remote_call> calls;
};

}  // namespace

TEST_CASE("calls of apps elsewhere wait until they can be reached and use up no attempt",
          "[embedded][failures]") {
  log_book book;
  const auto apps = std::make_shared<far_app>();
  engine engine(client_with(book), {});
  engine.register_app(
      "far", R"({"appName":"far","url":"http://127.0.0.1:1/","functions":[{"id":"far-f","name":"f",)"
             R"("triggers":[{"event":"test/go"}],"steps":{"step":{"id":"step","name":"step",)"
             R"("runtime":{"type":"http","url":"http://127.0.0.1:1/"},"retries":{"attempts":0}}}}]})");
  const auto ids = engine.accept(R"({"name":"test/go","data":{}})");
  REQUIRE(eventually([&] { return !book.with("wait for an http_server").empty(); }));
  engine.reach_apps_by(apps);  // which has no route yet
  engine.retry_remote_apps();
  CHECK(engine.runs_of(ids.at(0)).at(0).status == inngest::embedded::run_status::queued);
  apps->is_there = true;
  engine.retry_remote_apps();
  REQUIRE(engine.wait_until_idle(support::patience));
  const run ended = engine.runs_of(ids.at(0)).at(0);
  CHECK(ended.output_text == "7");
  for (const timeline_entry& entry : ended.timeline) CHECK(entry.attempt == 0);
  CHECK(book.with("wait for an http_server").size() == 1);
  REQUIRE(apps->calls.size() == 2);
  CHECK(apps->calls.back().run_id == ended.id);
  CHECK(apps->calls.back().step == "step");
}
