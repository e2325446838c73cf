#include "replaying.hpp"

TEST_CASE("recorded, streamed: the answers are within", "[wire][streaming]") {
  traffic::replay_all("stream");
}
