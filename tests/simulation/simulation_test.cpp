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

TEST_CASE("a request that is repeated before what its events start is stored starts it once",
          "[simulation]") {
  const simulated::script script{.seed = 1715949291U,
                                 .actions = {{action_kind::start, 16472626736034134107U},
                                             {action_kind::take, 8874802721591036878U},
                                             {action_kind::send, 3684380382413524194U}},
                                 .without = {2},
                                 .bodies = {{0, body{sequence{}}},
                                            {1, body{sequence{{.kind = node_kind::slow}}}},
                                            {3, body{sequence{}}},
                                            {4, body{sequence{}}}}};
  CHECK(simulated::run(script).problem == "");
}

TEST_CASE("an event that is stored just before an app registers a function does not start it",
          "[simulation]") {
  const simulated::script script{.seed = 4145000219U,
                                 .actions = {{action_kind::send, 11495533087306990233U},
                                             {action_kind::register_app, 11795505383046182079U},
                                             {action_kind::fill_disk, 6673972981638612987U},
                                             {action_kind::resend, 1393746943772116218U},
                                             {action_kind::begin_commit, 4684611357955286687U}},
                                 .without = {0, 1, 2, 3, 5},
                                 .bodies = {{4, body{sequence{}}}}};
  CHECK(simulated::run(script).problem == "");
}
