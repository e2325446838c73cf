#include "replaying.hpp"

// Calls as they come without checkpointing: one answer for each step.

TEST_CASE("recorded, each step in a call of its own: every function of the app", "[wire]") {
  traffic::replay_all("nock");
}

TEST_CASE("recorded: a scheduled run", "[wire]") { traffic::replay_all("cron"); }
