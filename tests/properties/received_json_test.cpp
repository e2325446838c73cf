#include <inngest/embedded/detail/app_answer.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/received_json.hpp>

#include <cstddef>
#include <string>

#include "catch.hpp"
#include "properties/json_inputs.hpp"
#include "properties/property.hpp"

// Whatever apps and senders of events write, what the engine keeps of it is JSON for every later reader.

namespace {

namespace embedded = inngest::embedded;
using inngest::json;
using property::chance;
using property::stranger;

/// As the strictest reader has it.
bool is_strict_json(const std::string& text) {
  return text.find('\0') == std::string::npos && !text.starts_with("\xef\xbb\xbf") && json::accept(text);
}

/// A document, its text damaged more often than not.
std::string perhaps_damaged(chance& any, const json& document) {
  std::string text = stranger(any.part()).write(document);
  if (any.one_in(8)) text.insert(0, "\xef\xbb\xbf");
  if (any.one_in(8)) text += '\0';
  for (std::size_t i = any.below(3); i > 0; --i) text = property::damaged(any, std::move(text));
  return text;
}

json object(chance& any) {
  json out = property::random_document(any, 3);
  return out.is_object() ? out : json{{"k", out}};
}

}  // namespace

TEST_CASE("an app's result is kept as JSON whatever bytes it has", "[property][received]") {
  property::try_cases(2000, [](chance& any) {
    const std::string body = perhaps_damaged(any, property::random_document(any, 3));
    INFO("the answer: " << body);
    const auto read = embedded::read_app_answer({.status = 200, .body = body}, false);
    REQUIRE(is_strict_json(read.output));
    if (is_strict_json(body)) REQUIRE(read.output == body);
  });
}

TEST_CASE("a result that is nested too deeply fails the run, and does not become text", "[received]") {
  const auto answer = [](std::size_t levels) {
    const std::string body = std::string(levels, '[') + std::string(levels, ']');
    return embedded::read_app_answer({.status = 200, .body = body}, false);
  };
  CHECK(answer(embedded::max_received_depth).what == embedded::app_answer::kind::completed);
  const auto deep = answer(embedded::max_received_depth + 1);
  CHECK(deep.what == embedded::app_answer::kind::failed);
  CHECK_FALSE(deep.may_retry);
  CHECK(deep.error.message == "Your function's output is nested deeper than 496 levels");
  const std::string no_json(1000, '[');
  CHECK(embedded::read_app_answer({.status = 200, .body = no_json}, false).output == json(no_json).dump());
}

TEST_CASE("an app's error is kept as JSON whatever bytes it has", "[property][received]") {
  property::try_cases(2000, [](chance& any) {
    json error = object(any);
    error["name"] = "E";
    error["message"] = property::random_text(any);
    const std::string body = perhaps_damaged(any, error);
    INFO("the answer: " << body);
    const auto read = embedded::read_app_answer({.status = 500, .body = body}, false);
    REQUIRE(is_strict_json(embedded::memo_of(read.error)));
  });
}

TEST_CASE("the operations that an app reports are kept as JSON or refused", "[property][received]") {
  property::try_cases(2000, [](chance& any) {
    const json operation = {{"op", "StepRun"},
                            {"id", std::string(40, 'a')},
                            {"displayName", "n"},
                            {"data", property::random_document(any, 3)}};
    const bool whole = any.one_in(4);
    const std::string body =
        whole ? stranger(any.part()).write({operation}) : perhaps_damaged(any, json::array({operation}));
    INFO("the answer: " << body);
    const auto read = embedded::read_app_answer({.status = 206, .body = body}, false);
    for (const auto& kept : read.operations) {
      REQUIRE((kept.data.empty() || is_strict_json(kept.data)));
      REQUIRE((kept.options.empty() || is_strict_json(kept.options)));
    }
    if (whole) REQUIRE(read.what == embedded::app_answer::kind::operations);
  });
}

TEST_CASE("an event is kept as JSON or refused", "[property][received]") {
  property::try_cases(2000, [](chance& any) {
    json event = {{"name", "a/b"}, {"data", object(any)}, {"user", object(any)}, {"id", "i"}};
    if (any.one_in(2)) event["extra"] = property::random_document(any, 2);
    const json sent = any.one_in(2) ? event : json::array({event, event});
    const bool whole = any.one_in(4);
    const std::string body = whole ? stranger(any.part()).write(sent) : perhaps_damaged(any, sent);
    INFO("the body: " << body);
    try {
      for (const auto& read : embedded::read_incoming_events(body))
        REQUIRE(is_strict_json(embedded::make_event_record(read, "id", inngest::timestamp{}).text));
    } catch (const inngest::payload_error&) {
      REQUIRE_FALSE(whole);
    }
  });
}
