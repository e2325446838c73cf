#include <inngest/embedded/detail/scheduling/active_runs.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/error.hpp>

#include "catch.hpp"

namespace active_runs_testing {

using namespace inngest::embedded;
using scheduling::active_runs;

std::shared_ptr<const function_definition> function(const std::string& slug) {
  function_definition out;
  out.slug = slug;
  return std::make_shared<const function_definition>(std::move(out));
}

std::unique_ptr<active_run> made(const std::string& id, const std::string& event = "e") {
  auto out = std::make_unique<active_run>();
  out->record.run.id = id;
  out->record.run.event_id = event;
  return out;
}

}  // namespace active_runs_testing

using namespace active_runs_testing;

TEST_CASE("a second run with the id of another is refused, and changes nothing", "[embedded][active_runs]") {
  active_runs runs;
  active_run& first = runs.add(made("R1", "first"), function("app-f"));
  for (const char* slug : {"app-f", "app-g"}) {
    CHECK_THROWS_AS(runs.add(made("R1", "second"), function(slug)), inngest::protocol_error);
    CHECK_THROWS_WITH(runs.add(made("R1", "second"), function(slug)),
                      Catch::Matchers::ContainsSubstring("already a run with the id R1"));
  }
  CHECK(runs.size() == 1);
  CHECK(runs.find("R1") == &first);
  CHECK(first.record.run.event_id == "first");
  CHECK(runs.of_function("app-f") == std::vector<active_run*>{&first});
  CHECK(runs.ids_of_function("app-g").empty());
}

TEST_CASE("the id of a run that has ended may be used again", "[embedded][active_runs]") {
  active_runs runs;
  const auto first = runs.take_out(runs.add(made("R1", "first"), function("app-f")));
  CHECK(first->record.run.event_id == "first");
  CHECK(runs.find("R1") == nullptr);
  CHECK(runs.ids_of_function("app-f").empty());
  active_run& second = runs.add(made("R1", "second"), function("app-f"));
  CHECK(runs.find("R1") == &second);
  CHECK(runs.ids_of_function("app-f") == std::vector<std::string>{"R1"});
}

TEST_CASE("runs are found by id, function, singleton key and batch buffer until they are taken out",
          "[embedded][active_runs]") {
  active_runs runs;
  active_run& first = runs.add(made("R1"), function("app-f"));
  active_run& second = runs.add(made("R2"), function("app-f"));
  runs.set_singleton(first, "key");
  second.record.gathering = "batch";
  runs.set_buffer(second);
  CHECK(runs.ids_of_function("app-f") == std::vector<std::string>{"R1", "R2"});
  CHECK(runs.singleton("key") == &first);
  CHECK(runs.buffer("batch") == &second);
  runs.take_out(first);
  CHECK(runs.ids_of_function("app-f") == std::vector<std::string>{"R2"});
  CHECK(runs.singleton("key") == nullptr);
  CHECK(runs.singletons() == 0);
  CHECK(runs.buffer("batch") == &second);
  runs.take_out(second);
  CHECK(runs.buffers() == 0);
  CHECK(runs.empty());
}
