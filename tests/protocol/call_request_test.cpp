#include <inngest/protocol/call_request.hpp>

#include <map>
#include <string>

#include <inngest/protocol/memo.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using inngest::json;
using inngest::protocol::call_request;
using inngest::protocol::memo;
using support::hash_of;

std::string refused(const std::string& body) {
  return support::message_of<inngest::protocol_error>([&] { call_request{body}; });
}

inngest::step_hash hash(std::string_view id) { return inngest::detail::sha1::of(id); }

const std::string least = R"({"event":{"name":"a","data":{}}})";

}  // namespace

TEST_CASE("the least call request is an event", "[call]") {
  const call_request call{least};
  CHECK(call.event() == R"({"name":"a","data":{}})");
  CHECK(call.run_id().empty());
  CHECK(call.attempt() == 0);
  CHECK_FALSE(call.max_attempts().has_value());
  CHECK_FALSE(call.plan_only());
  CHECK_FALSE(call.use_api());
  CHECK(call.find(hash("a")) == nullptr);
}

TEST_CASE("a full call request is read in any order of its keys, and with white space", "[call]") {
  const call_request call{
      R"( { "use_api" : false , "version":2, "steps": { ")" + hash_of("b") + R"(" : {"data":1} ,
    ")" +
      hash_of("a") + R"(": null, "not a hash": 5 }, "defers": {}, "ctx": {"stack":{"current":2,"stack":[")" +
      hash_of("b") + R"(",")" + hash_of("a") + R"("]}, "run_id":"R", "attempt":1, "max_attempts":4,
    "disable_immediate_execution":true, "env":"", "unknown":[{}]}, "events":[{"name":"a"}] , "event":{"name":"a"} } )"};
  CHECK(call.run_id() == "R");
  CHECK(call.attempt() == 1);
  CHECK(call.max_attempts() == 4);
  CHECK(call.plan_only());
  REQUIRE(call.find(hash("a")) != nullptr);
  CHECK(call.find(hash("a"))->is_null());
  REQUIRE(call.find(hash("b")) != nullptr);
  CHECK(call.find(hash("b"))->is_object());
  CHECK(call.find(hash("c")) == nullptr);
  CHECK(call.completed_at(hash("b")) == 0);
  CHECK(call.completed_at(hash("a")) == 1);
  CHECK(call.completed_at(hash("c")) == 2);
  CHECK(call.event() == R"({"name":"a"})");
  CHECK(json::parse(call.events()) == json::parse(R"([{"name":"a"}])"));
}

TEST_CASE("null stands for nothing wherever a server may send it", "[call]") {
  for (const char* rest :
       {R"("steps":null)", R"("ctx":null)", R"("ctx":{"stack":null})", R"("ctx":{"stack":{"stack":null}})",
        R"("ctx":{"max_attempts":null})", R"("events":null)", R"("defers":null)"}) {
    CAPTURE(rest);
    CHECK_NOTHROW(call_request{R"({"event":{"name":"a"},)" + std::string(rest) + "}"});
  }
}

TEST_CASE("use_api counts at either place", "[call]") {
  CHECK(call_request{R"({"event":{},"use_api":true})"}.use_api());
  CHECK(call_request{R"({"event":{},"ctx":{"use_api":true},"use_api":false})"}.use_api());
  CHECK(call_request{R"({"use_api":true,"ctx":{"use_api":false},"event":{}})"}.use_api());
  CHECK(refused(R"({"ctx":{"use_api":true},"use_api":7})") ==
        refused(R"({"use_api":7,"ctx":{"use_api":true}})"));
  CHECK_FALSE(refused(R"({"use_api":true,"ctx":{"use_api":"no"}})") == "(no exception)");
}

TEST_CASE("what is no call request is refused with the reason", "[call][garbage]") {
  for (const std::string& body : {std::string(),
                                  std::string(" "),
                                  std::string("null"),
                                  std::string("5"),
                                  std::string("[]"),
                                  std::string("{}"),
                                  std::string("text"),
                                  std::string("{\"event\":null}"),
                                  std::string("{\"event\":5}"),
                                  std::string("{\"event\":[]}"),
                                  std::string("{\"event\":{}"),
                                  std::string("{\"event\":{}} x"),
                                  std::string("{\"event\":{}}}"),
                                  std::string("{\"event\":{}}{}"),
                                  std::string("\xff\xfe"),
                                  std::string(1, '\0'),
                                  std::string(R"({"event":{},"steps":5})"),
                                  std::string(R"({"event":{},"steps":[]})"),
                                  std::string(R"({"event":{},"ctx":5})"),
                                  std::string(R"({"event":{},"ctx":{"attempt":"x"}})"),
                                  std::string(R"({"event":{},"ctx":{"attempt":1.5}})"),
                                  std::string(R"({"event":{},"ctx":{"attempt":99999999999}})"),
                                  std::string(R"({"event":{},"ctx":{"run_id":5}})"),
                                  std::string(R"({"event":{},"ctx":{"stack":5}})"),
                                  std::string(R"({"event":{},"ctx":{"stack":{"stack":[1]}}})"),
                                  std::string(R"({"event":{},"use_api":1})")}) {
    CAPTURE(body);
    CHECK(refused(body).rfind("the call request", 0) == 0);
  }
}

TEST_CASE("every prefix of a call request is refused", "[call][garbage]") {
  const std::string body = support::call{.steps = {{hash_of("a"), {{"data", {1, "x", nullptr}}}}}}.text();
  for (std::size_t size = 0; size < body.size(); ++size) {
    CAPTURE(body.substr(0, size));
    CHECK_THROWS_AS(call_request(body.substr(0, size)), inngest::protocol_error);
  }
}

TEST_CASE("a memo that is garbage is not taken for null", "[call][garbage]") {
  const std::string body = R"({"event":{},"steps":{")" + hash_of("s") + R"(":nope}})";
  try {
    const call_request call{body};
    CHECK_FALSE(call.find(hash("s"))->is_null());
  } catch (const inngest::protocol_error&) {
    SUCCEED("refused");
  }
}

TEST_CASE("a thousand memos are found whatever their order", "[call]") {
  json steps = json::object();
  std::string text = R"({"event":{},"steps":{)";
  for (int i = 0; i < 1000; ++i) {
    if (i > 0) text += ',';
    text += '"' + hash_of(std::to_string(i)) + R"(":{"data":)" + std::to_string(i) + "}";
  }
  const call_request call{text + "}}"};
  for (int i = 0; i < 1000; ++i) {
    const memo* found = call.find(hash(std::to_string(i)));
    REQUIRE(found != nullptr);
    CHECK(inngest::protocol::read_result<int>(*found, "s") == i);
  }
  CHECK(call.find(hash("1000")) == nullptr);
}

TEST_CASE("memos whose ids begin alike are all found, and fetched ones replace them", "[call]") {
  const int count = GENERATE(1, 2, 3, 64, 65, 1000);
  const auto id_of = [](int i, char first) {  // differs only in its last bytes
    inngest::step_hash out{};
    out.fill(static_cast<decltype(out)::value_type>(first));
    out[18] = static_cast<decltype(out)::value_type>(i / 256);
    out[19] = static_cast<decltype(out)::value_type>(i % 256);
    return out;
  };
  for (const char first : {'\0', 'a', '\xff'}) {
    json steps = json::object();
    for (int i = 0; i < count; ++i) steps[inngest::detail::to_hex(id_of(i, first))] = {{"data", i}};
    call_request call{json{{"event", json::object()}, {"steps", steps}}.dump()};
    for (int i = 0; i < count; ++i) {
      const memo* found = call.find(id_of(i, first));
      REQUIRE(found);
      CHECK(inngest::protocol::read_result<int>(*found, "s") == i);
    }
    for (const char absent : {'\0', 'a', 'b', '\xff'}) CHECK_FALSE(call.find(id_of(count, absent)));

    call.adopt_steps(json{{inngest::detail::to_hex(hash("b")), nullptr}}.dump());
    CHECK(call.find(hash("b")));
    CHECK_FALSE(call.find(id_of(0, first)));
    call.adopt_steps("{}");
    CHECK_FALSE(call.find(hash("b")));
  }
}

TEST_CASE("a hash in capitals is the same hash", "[call]") {
  std::string id = hash_of("a");
  for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(call_request{R"({"event":{},"steps":{")" + id + R"(":null}})"}.find(hash("a")) != nullptr);
}

TEST_CASE("a memo's shape is told by its only key", "[call][memo]") {
  const auto with = [](const std::string& text, auto check) {
    const call_request call{R"({"event":{},"steps":{")" + hash_of("s") + "\":" + text + "}}"};
    return check(*call.find(hash("s")));
  };
  const auto failed = [](const memo& m) { return inngest::protocol::holds_only(m, "error"); };
  CHECK(with(R"({"error":{"name":"N"}})", failed));
  CHECK(with(R"({ "error" : {"name":"N"} , "type":"x" })", failed));
  CHECK(with(R"({"type":"step of a type with a long name","error":{"name":"N"}})", failed));
  CHECK_FALSE(with(R"({"error":{"name":"N"},"more":1})", failed));
  CHECK_FALSE(with(R"({"data":{"error":1}})", failed));
  CHECK_FALSE(with("null", failed));
  CHECK_FALSE(with(R"("error")", failed));
  CHECK_FALSE(with("{}", failed));
}

TEST_CASE("a memo's shape is told by its key however that is escaped", "[call][memo]") {
  const json call = {{"event", json::object()}, {"steps", json::object()}};
  std::string body = call.dump();
  body.insert(body.size() - 2, "\"" + hash_of("a") + R"(":{"\u0065rror":{"name":"E","message":"m"}},")" +
                                   hash_of("b") + R"(":{"d\u0061ta":7,"typ\u0065":"x"})");
  const call_request read{body};
  CHECK(inngest::protocol::read_result<int>(*read.find(hash("b")), "b") == 7);
  CHECK_THROWS_AS(inngest::protocol::read_result<json>(*read.find(hash("a")), "a"), inngest::step_error);
}

TEST_CASE("a result is unwrapped only when the memo is a wrapper and nothing else", "[call][memo]") {
  const auto result = [](const std::string& text) {
    const call_request call{R"({"event":{},"steps":{")" + hash_of("s") + "\":" + text + "}}"};
    return inngest::protocol::read_result<json>(*call.find(hash("s")), "s");
  };
  CHECK(result(R"({"data":5})") == 5);
  CHECK(result(R"({"data":5,"type":"data"})") == 5);
  CHECK(result(R"({"data":null})") == nullptr);
  CHECK(result(R"({"data":{"data":1}})") == json{{"data", 1}});
  CHECK(result(R"({"data":1,"name":"an event"})") == json{{"data", 1}, {"name", "an event"}});
  CHECK(result(R"({"other":1})") == json{{"other", 1}});
  CHECK(result("[1]") == json{1});
}

TEST_CASE("a memo that is no wrapper is read whole, though it has a member data", "[call][memo]") {
  const call_request call{R"({"event":{},"steps":{")" + hash_of("s") + R"(":{"data":"x","name":"n"}}})"};
  CHECK(
      inngest::protocol::read_result<std::map<std::string, std::string>>(*call.find(hash("s")), "s").size() ==
      2);
}

TEST_CASE("depth in a call request is an error of the event or the step, never a crash", "[call][depth]") {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += '[';
  CHECK_THROWS_AS(call_request(R"({"event":{"data":)" + deep + "}}"), inngest::protocol_error);
  CHECK_THROWS_AS(call_request(R"({"event":{},"steps":)" + deep), inngest::protocol_error);
  CHECK_THROWS_AS(call_request(deep), inngest::protocol_error);
}

namespace {

using words = std::vector<std::string>;

/// A call with a result for every word, as JSON text; step 0 has the first.
std::string call_with_results(const words& results) {
  std::string steps;
  for (std::size_t i = 0; i < results.size(); ++i)
    steps += (i > 0 ? ",\"" : "\"") + hash_of(std::to_string(i)) + "\":{\"data\":" + results[i] + "}";
  return R"({"event":{"name":"a"},"steps":{)" + steps + "}}";
}

template <class Result>
Result result_of(const call_request& call, int step) {
  const std::string id = std::to_string(step);
  return inngest::protocol::read_result<Result>(*call.find(hash(id)), id);
}

}  // namespace

TEST_CASE("results are read in any order, again, and after the body was closed", "[call][memo]") {
  words results;
  for (int i = 0; i < 50; ++i)
    results.push_back(R"( ["\u00e9\n\"\\ )" + std::to_string(i) + R"(", "plain" ] )");
  const call_request call{call_with_results(results)};
  const auto expected = [](int i) { return words{"é\n\"\\ " + std::to_string(i), "plain"}; };
  for (int i = 49; i >= 0; --i) CHECK(result_of<words>(call, i) == expected(i));
  for (int i = 0; i < 25; ++i) CHECK(result_of<words>(call, i) == expected(i));
  call.close();
  for (int i = 49; i >= 0; --i) CHECK(result_of<words>(call, i) == expected(i));
}

TEST_CASE("a result that does not fit spoils none of the others", "[call][memo]") {
  const call_request call{call_with_results({R"(["a"])", R"(["b" 7])", R"(["b", 7])", R"(["c"])"})};
  CHECK(result_of<words>(call, 0) == words{"a"});
  CHECK_THROWS_AS(result_of<words>(call, 2), inngest::payload_error);
  CHECK_THROWS_AS(result_of<words>(call, 1), inngest::payload_error);
  CHECK(result_of<words>(call, 3) == words{"c"});
  CHECK(result_of<words>(call, 0) == words{"a"});
}

namespace {

/// Reads another result while it is read.
struct nosy {
  std::string own, other;
};
const call_request* call_of_nosy = nullptr;
INNGEST_FIELDS(nosy, own, other)
void validate(const nosy& read) {
  CHECK(result_of<words>(*call_of_nosy, 1) == words{"x", "y"});
  CHECK(read.own == "mine");
}

}  // namespace

TEST_CASE("reading a result while another is read disturbs neither", "[call][memo]") {
  const call_request call{
      call_with_results({R"([{"own":"mine","other":"a"},{"own":"mine","other":"b"}])", R"(["x","y"])"})};
  call_of_nosy = &call;
  const auto read = result_of<std::vector<nosy>>(call, 0);
  CHECK(read.size() == 2);
  CHECK(read.back().other == "b");
}

TEST_CASE("a call request with a member twice is refused, wherever the two are", "[call]") {
  const std::string event = R"("event":{"name":"a","data":{}})";
  for (const std::string& member :
       {std::string(R"("ctx":{})"), std::string(R"("defers":{})"), event, std::string(R"("events":[])"),
        std::string(R"("steps":{})"), std::string(R"("use_api":false)")}) {
    CAPTURE(member);
    const std::string name = member.substr(1, member.find('"', 1) - 1);
    const std::string rest = member == event ? "" : "," + event;
    CHECK(refused("{" + member + "," + member + rest + "}").find(name + ": duplicate member") !=
          std::string::npos);
    CHECK(refused("{" + member + R"(,"x":1,"version":2,)" + member + rest + "}").find("duplicate member") !=
          std::string::npos);
  }
  for (const std::string name : {"attempt", "max_attempts", "generation_id"}) {
    CAPTURE(name);
    const std::string member = "\"" + name + "\":1";
    const std::string problem = refused(R"({"ctx":{"run_id":"r",)" + member + R"(,"env":"","stack":null,)" +
                                        member + "}," + event + "}");
    CHECK(problem.find("ctx." + name + ": duplicate member") != std::string::npos);
  }
  const call_request unknown{R"({"x":1,"ctx":{"env":"","env":"","run_id":"r"},"x":2,)" + event + "}"};
  CHECK(unknown.run_id() == "r");
}
