// Scores and metadata that a step's body sets: the engine keeps them with the step.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/testing.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::run_note;
using inngest::embedded::run_status;

namespace {

struct none {};
INNGEST_FIELDS(none)
using begun = inngest::event<"test/begun", none>;
using context = inngest::context<begun>;

inngest::client make_client(inngest::logger log = inngest::logger(inngest::log_to_stderr,
                                                                  inngest::log_level::off)) {
  return inngest::client(
      {.id = "app", .log = std::move(log), .environment = [](const char*) { return std::nullopt; }});
}

/// The warnings of an engine.
class warnings {
 public:
  inngest::logger logger() {
    return inngest::logger(
        [this](const inngest::log_record& record) {
          const std::lock_guard lock(mutex_);
          all_.emplace_back(record.message);
        },
        inngest::log_level::warn);
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

/// What a run of a step with the body leaves in a store in memory or on disk.
struct outcome {
  std::string run{};
  std::vector<run_note> notes{};
  std::map<std::string, json> values{};
  std::vector<std::string> warnings{};
};

/// Sets something in each kind of attempt: one that is retried, a final one, and two uses of an id.
auto make_function(const inngest::client& app) {
  return app.create_function({.id = "f", .retries = 2}, inngest::on<begun>(), [](context& ctx) {
    ctx.step.run("judge", [&] {
      ctx.score("quality", ctx.attempt == 0 ? 0.1 : 0.9);
      ctx.set_metadata("rows", {{"read", 3}}, inngest::metadata_change::add);
      ctx.set_metadata("rows", {{"read", 4}}, inngest::metadata_change::add);
      if (ctx.attempt == 0) throw std::runtime_error("busy");
    });
    for (const int number : {1, 2}) {
      ctx.step.run("again", [&] { ctx.score("number", number); });
    }
    ctx.step.run("large", [&] { ctx.set_metadata("text", {{"all", std::string(70'000, 'x')}}); });
  });
}

/// The values by target and kind.
std::map<std::string, json> combined(const inngest::embedded::store& store, const std::string& run_id) {
  std::map<std::string, json> out;
  for (const json& found : inngest::embedded::combined_metadata(store.notes_of(run_id)))
    out[found["target"].dump() + found["kind"].get<std::string>()] = found["values"];
  return out;
}

template <class Body>
outcome run_step(const Body& body) {
  const support::temporary_folder folder;
  std::shared_ptr<inngest::embedded::store> store = std::make_shared<inngest::embedded::memory_store>();
  if (GENERATE(false, true))
    store = std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = (folder.path() / "runs.db").string()});
  warnings logged;
  const inngest::client app = make_client(logged.logger());
  const auto f = app.create_function({.id = "f"}, inngest::on<begun>(),
                                     [&](context& ctx) { ctx.step.run("report", [&] { body(ctx); }); });
  outcome out;
  {
    engine running{app, {f}, {.store = store}};
    out.run = running.start(f, json::object());
    CHECK(running.wait_for(out.run, support::patience).status == run_status::completed);
  }
  out.notes = store->notes_of(out.run);
  out.values = combined(*store, out.run);
  out.warnings = logged.all();
  return out;
}

run_note change(std::string op, std::string values, std::string kind = "userland.n") {
  return {.id = "1",
          .what = run_note::kind::metadata,
          .subject = std::move(kind),
          .name = std::move(op),
          .text = std::move(values)};
}

void check(const std::map<std::string, json>& found) {
  CHECK(found.at(R"({"step_attempt":0,"step_id":"judge"}inngest.score)") ==
        json{{"quality", {{"value", 0.1}}}});
  CHECK(found.at(R"({"step_id":"judge"}inngest.score)") == json{{"quality", {{"value", 0.9}}}});
  CHECK(found.at(R"({"step_id":"judge"}userland.rows)")["read"] == 7);
  CHECK(found.at(R"({"step_id":"again"}inngest.score)") == json{{"number", {{"value", 1.0}}}});
  CHECK(found.at(R"({"step_id":"again","step_index":1}inngest.score)") == json{{"number", {{"value", 2.0}}}});
  CHECK(found.size() == 6);  // the large one is left out
}

}  // namespace

TEST_CASE("the engine keeps what a step's body says about the step", "[embedded][metadata]") {
  const support::temporary_folder folder;
  const bool in_file = GENERATE(false, true);
  const bool checkpoints = GENERATE(false, true);
  const auto open = [&]() -> std::shared_ptr<inngest::embedded::store> {
    if (in_file)
      return std::make_shared<inngest::embedded::sqlite_store>(
          inngest::embedded::sqlite_options{.path = (folder.path() / "runs.db").string()});
    return std::make_shared<inngest::embedded::memory_store>();
  };
  inngest::client_options options{.id = "app",
                                  .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                                  .environment = [](const char*) { return std::nullopt; }};
  options.checkpointing.enabled = checkpoints;
  const inngest::client client(options);
  const auto f = make_function(client);
  std::string id;
  {
    const auto store = open();
    engine engine{client, {f}, {.store = store, .retry_delay = [](int) { return 5ms; }}};
    id = engine.start(f, json::object());
    CHECK(engine.wait_for(id, support::patience).status == run_status::completed);
    check(combined(*store, id));
  }
  if (in_file) check(combined(*open(), id));
}

TEST_CASE("a test reads what a step's body says about the step", "[testing][metadata]") {
  const auto app = make_client();
  inngest::testing::harness t{app, {make_function(app)}};
  const auto run = t.send(begun{});
  REQUIRE(t.execute(run));
  CHECK(run.step("judge").score("quality") == 0.9);
  CHECK(run.step("judge").metadata("rows") == json{{"read", 7}});
  CHECK(run.step("again", 1).score("number") == 2.0);
  CHECK(run.step("again").score("quality") == std::nullopt);
  CHECK(run.step("large").metadata("text").is_null());
  CHECK(run.score("quality") == std::nullopt);
}

TEST_CASE("what a step's body replaces does not count as metadata of the run", "[embedded][metadata]") {
  const outcome found = run_step([](context& ctx) {
    for (int i = 0; i < 30; ++i) ctx.set_metadata("k", {{"text", std::string(60'000, 'x')}, {"i", i}});
    ctx.score("quality", 0.5);
  });
  CHECK(found.values.at(R"({"step_id":"report"}userland.k)")["i"] == 29);
  CHECK(found.values.contains(R"({"step_id":"report"}inngest.score)"));
  CHECK(found.notes.size() == 2);
  CHECK(found.warnings.empty());
}

TEST_CASE("metadata that a step's body sets over a limit is left out with a warning",
          "[embedded][metadata]") {
  SECTION("of a change") {
    const outcome found = run_step([](context& ctx) {
      ctx.set_metadata("large", {{"text", std::string(70'000, 'x')}});
      ctx.set_metadata("small", {{"i", 1}});
    });
    CHECK(found.notes.size() == 1);
    REQUIRE(found.warnings.size() == 1);
    CHECK_THAT(found.warnings[0], ContainsSubstring(found.run) && ContainsSubstring("step \"report\"") &&
                                      ContainsSubstring("userland.large") && ContainsSubstring("65536"));
  }
  SECTION("of a run") {
    const outcome found = run_step([](context& ctx) {
      for (int i = 0; i < 20; ++i)
        ctx.set_metadata("k" + std::to_string(i), {{"text", std::string(60'000, 'x')}});
      ctx.score("quality", 0.5);
    });
    CHECK(found.notes.size() == 18);
    CHECK(found.values.contains(R"({"step_id":"report"}inngest.score)"));
    REQUIRE(found.warnings.size() == 1);
    CHECK_THAT(found.warnings[0], ContainsSubstring(found.run) && ContainsSubstring("step \"report\"") &&
                                      ContainsSubstring("userland.k17") && ContainsSubstring("1 MB"));
  }
}

TEST_CASE("the metadata of a run has one limit for all processes", "[embedded][metadata]") {
  const support::temporary_folder folder;
  const std::string file = (folder.path() / "runs.db").string();
  std::shared_ptr<inngest::embedded::store> store;
  const auto open = [&, in_file = GENERATE(false, true)] {
    if (in_file) store.reset();
    if (in_file)
      store =
          std::make_shared<inngest::embedded::sqlite_store>(inngest::embedded::sqlite_options{.path = file});
    if (!store) store = std::make_shared<inngest::embedded::memory_store>();
  };
  warnings logged;
  const inngest::client app = make_client(logged.logger());
  const auto f = app.create_function({.id = "f"}, inngest::on<begun>(), [](context& ctx) {
    const auto report = [&] {
      for (int i = 0; i < 10; ++i)
        ctx.set_metadata("k" + std::to_string(i), {{"text", std::string(60'000, 'x')}});
    };
    ctx.step.run("first", report);
    ctx.step.wait_for_signal("go", {.signal = "go", .timeout = 1h});
    ctx.step.run("second", report);
  });
  std::string id;
  open();
  {
    engine before{app, {f}, {.store = store}};
    id = before.start(f, json::object());
    CHECK(support::eventually([&] { return !store->load().waits.empty(); }));
  }
  open();
  {
    engine after{app, {f}, {.store = store}};
    app.send_signal("go");
    CHECK(after.wait_for(id, support::patience).status == run_status::completed);
  }
  CHECK(store->notes_of(id).size() == 17);
  REQUIRE(logged.all().size() == 1);
  CHECK_THAT(logged.all()[0], ContainsSubstring("step \"second\"") && ContainsSubstring("1 MB"));
}

TEST_CASE("a step reports a limited number of changes, and what it replaces does not count",
          "[embedded][metadata]") {
  SECTION("different kinds") {
    const outcome found = run_step([](context& ctx) {
      for (int i = 0; i < 50'000; ++i) ctx.set_metadata("k" + std::to_string(i), {{"i", i}});
    });
    CHECK(found.notes.size() == 1000);
    REQUIRE(found.warnings.size() == 1);
    CHECK_THAT(found.warnings[0], ContainsSubstring("userland.k1000") && ContainsSubstring("1000 changes") &&
                                      ContainsSubstring("48999 more"));
  }
  SECTION("one kind") {
    const outcome found = run_step([](context& ctx) {
      for (int i = 0; i < 5'000; ++i) ctx.set_metadata("k", {{"i", i}});
    });
    CHECK(found.notes.size() == 1);
    CHECK(found.values.at(R"({"step_id":"report"}userland.k)")["i"] == 4'999);
    CHECK(found.warnings.empty());
  }
}

TEST_CASE("the sum of integers is an integer if it fits", "[embedded][metadata]") {
  const auto sum = [](const std::string& first, const std::string& second) {
    const json all = inngest::embedded::combined_metadata(
        {change("set", R"({"n":)" + first + "}"), change("add", R"({"n":)" + second + "}")});
    return all.at(0).at("values").at("n").dump();
  };
  CHECK(sum("1", "2") == "3");
  CHECK(sum("-1", "-2") == "-3");
  CHECK(sum("1", "0.5") == "1.5");
  CHECK(sum("9223372036854775806", "1") == "9223372036854775807");
  CHECK(sum("9223372036854775807", "1") == "9.223372036854776e+18");
  CHECK(sum("-9223372036854775808", "-1") == "-9.223372036854776e+18");
  CHECK(sum("18446744073709551615", "1") == "1.8446744073709552e+19");
}

TEST_CASE("the metadata of a run is counted without what a later change replaces", "[embedded][metadata]") {
  using namespace inngest::embedded;
  metadata_usage usage;
  const std::string large = R"({"text":")" + std::string(60'000, 'x') + "\"}";
  for (int i = 0; i < 30; ++i) usage.add(change("set", large));
  usage.add({.what = run_note::kind::message, .text = std::string(2'000'000, 'x')});
  CHECK(usage.exceeded().empty());
  for (int i = 0; i < 16; ++i) usage.add(change("merge", large));
  CHECK(usage.exceeded().empty());
  CHECK(usage.exceeded_with(change("merge", large)) == "more than 1 MB");
  CHECK(usage.exceeded_with(change("set", large, "userland.m")) == "more than 1 MB");
  CHECK(usage.exceeded_with(change("set", large)).empty());
  usage.add(change("merge", large));
  CHECK(usage.exceeded() == "more than 1 MB");
  usage.add(change("set", "{}"));
  CHECK(usage.exceeded().empty());

  run_note of_step = change("set", "{}");
  of_step.target = std::string(2'000'000, 'x');
  CHECK(usage.exceeded_with(of_step) == "more than 1 MB");

  for (std::size_t i = 1; i < max_metadata_changes_of_run; ++i) usage.add(change("add", R"({"n":1})"));
  CHECK(usage.exceeded().empty());
  CHECK(usage.exceeded_with(change("add", R"({"n":1})")) == "more than 10000 changes");
  CHECK(usage.exceeded_with(change("set", R"({"n":1})")).empty());
}

TEST_CASE("a request has a limited number of changes, and a target of limited length",
          "[embedded][metadata]") {
  using namespace inngest::embedded;
  json body{{"metadata", json::array()}};
  for (std::size_t i = 0; i < max_metadata_changes; ++i)
    body["metadata"].push_back({{"kind", "userland.k"}, {"op", "merge"}, {"values", {{"i", i}}}});
  CHECK(read_metadata(body.dump()).size() == max_metadata_changes);
  body["target"] = {{"step_id", std::string(70'000, 'x')}};
  CHECK_THROWS_AS(read_metadata(body.dump()), metadata_too_large);
  body.erase("target");
  body["metadata"].push_back(body["metadata"].at(0));
  CHECK_THROWS_AS(read_metadata(body.dump()), metadata_too_large);
}
