#include <inngest/protocol/memo.hpp>

#include "catch.hpp"

TEST_CASE("a result becomes a memo, and no result becomes null", "[protocol]") {
  CHECK(inngest::protocol::memo_of_data(R"({"n":1})") == R"({"data":{"n":1}})");
  CHECK(inngest::protocol::memo_of_data("") == R"({"data":null})");
}
