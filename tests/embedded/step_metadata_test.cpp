// Scores and metadata that a step's body sets: the engine keeps them with the step.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/testing.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::run_note;
using inngest::embedded::run_status;

namespace {

struct none {};
INNGEST_FIELDS(none)
using begun = inngest::event<"test/begun", none>;
using context = inngest::context<begun>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

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
