#include <inngest/embedded/detail/reported_operation.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("operations of an array and a single one are read", "[embedded]") {
  const std::string one =
      R"({"op":"StepRun","id":"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8","name":"a","displayName":"A","opts":{"type":"x"},)"
      R"("data":{"n":1},"timing":{"a":5,"b":7000}})";
  for (const std::string& text : {one, "[" + one + "]"}) {
    const auto read = inngest::embedded::read_operations(text);
    REQUIRE(read.size() == 1);
    CHECK(read[0].op == "StepRun");
    CHECK(read[0].shown_name() == "A");
    CHECK(read[0].data == "{\"n\":1}");
    CHECK(read[0].option("type") == "x");
    CHECK_FALSE(read[0].option("absent"));
    CHECK(read[0].took == 7000);
  }
}

TEST_CASE("an answer that is not of operations is an error that says where", "[embedded]") {
  CHECK_THROWS_AS(inngest::embedded::read_operations("[null]"), inngest::payload_error);
  CHECK_THROWS_AS(inngest::embedded::read_operations("\"text\""), inngest::payload_error);
  CHECK_THROWS_AS(inngest::embedded::read_operations("[{\"op\":\"StepRun\""), inngest::payload_error);
  CHECK_THROWS_WITH(inngest::embedded::read_operations("[{\"op\":\"StepRun\",\"id\":\"nothex\"}]"),
                    Catch::Matchers::ContainsSubstring("operations[0]"));
}

TEST_CASE("an operation with members that cannot be read is an error that names the member", "[embedded]") {
  const auto [members, named] = GENERATE(table<std::string, std::string>({
      {R"("op":"StepRun","op":"StepRun")", "op: twice"},
      {R"("op":"StepRun","id":"0000000000000000000000000000000000000002")", "id: twice"},
      {R"("op":"StepRun","data":1,"\u0064ata":2)", "data: twice"},
      {R"("op":"Sleep")", "duration"},
      {R"("op":"Sleep","opts":{"duration":5})", "opts.duration"},
      {R"("op":"Sleep","name":"1h","opts":[])", "opts"},
      {R"("op":"WaitForEvent","opts":{"event":5,"timeout":"1h"})", "opts.event"},
      {R"("op":"WaitForEvent","name":"a/x")", "opts"},
      {R"("op":"WaitForEvent","opts":{"timeout":"1h"})", "opts.event"},
      {R"("op":"WaitForEvent","name":"a/x","opts":{"timeout":7})", "opts.timeout"},
      {R"("op":"WaitForEvent","name":"a/x","opts":{"timeout":"1h","if":true})", "opts.if"},
      {R"("op":"WaitForSignal","opts":{"signal":5})", "opts.signal"},
      {R"("op":"WaitForSignal","opts":{"timeout":"1h"})", "opts.signal"},
      {R"("op":"InvokeFunction","opts":{"function_id":7})", "opts.function_id"},
      {R"("op":"InvokeFunction","opts":{})", "opts.function_id"},
      {R"("op":"InvokeFunction")", "opts.function_id"},
      {R"("op":"DeferAdd","opts":{"fn_slug":""})", "opts.fn_slug"},
      {R"("op":"DeferAbort")", "opts.target_hashed_id"},
  }));
  const std::string text = R"([{"id":"0000000000000000000000000000000000000001",)" + members + "}]";
  CAPTURE(text);
  CHECK_THROWS_WITH(
      inngest::embedded::read_operations(text),
      Catch::Matchers::ContainsSubstring("operations[0]") && Catch::Matchers::ContainsSubstring(named));
}

TEST_CASE("members of operations may be null or absent where SDKs leave them out", "[embedded]") {
  const std::string members = GENERATE(R"("op":"Sleep","name":"")", R"("op":"Sleep","opts":{"duration":""})",
                                       R"("op":"WaitForEvent","name":"a/x","opts":{"timeout":""})",
                                       R"("op":"WaitForEvent","name":"a/x","opts":{"event":null,"if":null})",
                                       R"("op":"StepRun","opts":null,"name":null,"error":null)",
                                       R"("op":"WaitForSignal","opts":{"signal":"s","conflict":null})");
  CAPTURE(members);
  const std::string text = R"([{"id":"0000000000000000000000000000000000000001",)" + members + "}]";
  CHECK(inngest::embedded::read_operations(text).size() == 1);
}

TEST_CASE("an answer reports a limited number of operations", "[embedded]") {
  const std::string one = R"({"op":"StepPlanned","id":"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"})";
  std::string many = "[" + one;
  for (std::size_t i = 1; i < inngest::embedded::max_reported_operations; ++i) many += "," + one;
  CHECK(inngest::embedded::read_operations(many + "]").size() == 10'000);
  CHECK_THROWS_AS(inngest::embedded::read_operations(many + "," + one + "]"), inngest::protocol_error);
}

TEST_CASE("times of options are durations from now or moments", "[embedded]") {
  const inngest::timestamp now(1000s);
  CHECK(inngest::embedded::time_of("2s", now) == now + 2s);
  CHECK(inngest::embedded::time_of("1970-01-01T01:00:00Z", now) == inngest::timestamp(1h));
  CHECK_FALSE(inngest::embedded::time_of("soon", now));
}
