#include <string>

#include "../catch.hpp"
#include "reduce.hpp"
#include "script.hpp"
#include "world.hpp"

// Some worlds by chance with every run of the tests, and what went wrong once. `run.sh` goes on.

using simulated::action_kind;
using simulated::body;
using simulated::node_kind;
using simulated::sequence;

TEST_CASE("a simulated world keeps its promises", "[simulation]") {
  const auto seed = GENERATE(range(1, 31));
  const simulated::result result =
      simulated::run(simulated::random_script(static_cast<std::uint64_t>(seed), 150), seed % 10 == 0);
  INFO("seed " << seed);
  CHECK(result.problem == "");
  CHECK(result.actions >= 150);
}

TEST_CASE("the same script gives the same world", "[simulation]") {
  const simulated::script script = simulated::random_script(7, 120);
  const simulated::result once = simulated::run(script, false, true),
                          again = simulated::run(script, false, true);
  CHECK(once.story == again.story);
  CHECK(once.story.size() > 1000);
}

TEST_CASE("an event whose sender was told of a failed commit starts nothing, though the commit was kept",
          "[simulation]") {
  const simulated::script script{
      .seed = 172U,
      .actions = {{action_kind::send, 10240676594894254127U},
                  {action_kind::begin_commit, 10429262755147458600U},
                  {action_kind::start, 4191201940517153763U},
                  {action_kind::work, 5781074809144350309U},
                  {action_kind::begin_commit, 12399052847358295168U}},
      .without = {1},
      .bodies = {{0, body{sequence{{.kind = node_kind::wait, .id = "s5", .ms = 1000, .target = "sim/b"}}}}}};
  CHECK(simulated::run(script).problem == "");
}

TEST_CASE("a call that an end in order has put back and a later one do not run a step twice",
          "[simulation]") {
  const sequence slow{{.kind = node_kind::slow, .ms = 790409},
                      {.kind = node_kind::run, .id = "s3", .failures = 1}};
  const sequence quick{{.kind = node_kind::run, .id = "s4"}};
  const simulated::script script{
      .seed = 6036U,
      .actions = {{action_kind::send, 12957745969556053848U},
                  {action_kind::work, 9190960811295532624U},
                  {action_kind::advance, 3354925939191806685U},
                  {action_kind::work, 14257290171233704087U},
                  {action_kind::advance, 3672933556299361693U},
                  {action_kind::work, 10156420663328434521U},
                  {action_kind::work, 3174356347714054273U},
                  {action_kind::work, 7086407965332005690U},
                  {action_kind::take, 15787557351136230913U},
                  {action_kind::advance, 788978142914845701U},
                  {action_kind::work, 10030360020380741423U},
                  {action_kind::stop, 12207768427957721838U},
                  {action_kind::work, 12059751565881626900U}},
      .without = {0, 3, 4},
      .bodies = {{1, body{}},
                 {2, body{sequence{{.kind = node_kind::run, .id = "s2", .failures = 2},
                                   {.kind = node_kind::race, .branches = {slow, quick}},
                                   {.kind = node_kind::run, .id = "s5"}}}}}};
  CHECK(simulated::run(script).problem == "");
}
