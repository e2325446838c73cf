#include <algorithm>
#include <array>
#include <string_view>

#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/protocol/step_kinds.hpp>

#include "catch.hpp"

// The table of step kinds, and what the engine and its page read of it.

using inngest::step_kind;
using inngest::embedded::operation_kind;
using inngest::embedded::progress;
using inngest::protocol::opcode;
using namespace inngest::protocol;

TEST_CASE("each step kind's row is found by its kind, and a server's kind by its operation", "[step_kinds]") {
  for (const step_kind_row& row : step_kinds) {
    INFO(row.name);
    CHECK(&row_of(row.kind) == &row);
    CHECK(to_string(row.kind) == row.name);
    CHECK(row_begun_by(row.begins_with) == (row.work == step_work::body ? nullptr : &row));
  }
  CHECK(row_begun_by(opcode::run_complete) == nullptr);
}

TEST_CASE("the engine's page knows the word of each step kind", "[step_kinds]") {
  constexpr std::array known{"run", "sleep", "wait", "invoke", "request"};
  for (const step_kind_row& row : step_kinds) {
    INFO(row.name);
    CHECK(std::count(known.begin(), known.end(), row.shown_as) == 1);
  }
}

TEST_CASE("a timeline's entry begins the kind of step that is shown", "[step_kinds]") {
  const auto shown = [](progress what) { return row_of(inngest::embedded::kind_begun_by(what)).shown_as; };
  CHECK(shown(progress::sleep_started) == "sleep");
  CHECK(shown(progress::wait_started) == "wait");
  CHECK(shown(progress::invoke_started) == "invoke");
  CHECK(shown(progress::request_started) == "request");
  CHECK(shown(progress::step_planned) == "run");
  CHECK(shown(progress::step_completed) == "run");
}

TEST_CASE("operations are known by their names, and two by those of other SDKs", "[step_kinds]") {
  for (const auto& [code, name] : inngest::detail::enumerators<opcode>) CHECK(opcode_of(name) == code);
  CHECK(opcode_of("Step") == opcode::step_run);
  CHECK(opcode_of("AiGateway") == opcode::ai_gateway);
  CHECK(opcode_of("") == std::nullopt);
  CHECK(opcode_of("steprun") == std::nullopt);
}

TEST_CASE("the engine starts each kind of step by its operation", "[step_kinds]") {
  for (const step_kind_row& row : step_kinds) {
    INFO(row.name);
    CHECK(inngest::embedded::kind_of(row.begins_with) != operation_kind::nothing);
  }
  CHECK(inngest::embedded::kind_of_operation("Step") == operation_kind::step_completed);
  CHECK(inngest::embedded::kind_of_operation("AiGateway") == operation_kind::request);
  CHECK(inngest::embedded::kind_of_operation("None") == operation_kind::nothing);
  CHECK(inngest::embedded::kind_of_operation("DiscoveryRequest") == operation_kind::nothing);
  CHECK_THROWS_AS(inngest::embedded::kind_of_operation("Unheard"), inngest::protocol_error);
}
