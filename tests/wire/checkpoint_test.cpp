#include "replaying.hpp"

// Calls in which results are saved while the function goes on.

TEST_CASE("recorded, each step saved at once: every function of the app", "[wire][checkpointing]") {
  traffic::replay_all("ck");
}

TEST_CASE("recorded, three steps saved at a time and a second for each call", "[wire][checkpointing]") {
  traffic::replay_all("ckbuf");
}
