#include <inngest/json/detail/canonical.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/memo.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "properties/json_inputs.hpp"
#include "properties/property.hpp"

// A call is read alike however it is written: what a signature covers is its canonical form, and what is used
// is often another text of the same call.

namespace {

namespace protocol = inngest::protocol;
using inngest::json;
using inngest::detail::canonical_json;
using property::chance;
using property::stranger;

const std::vector<std::string> ids = {"a", "b", "c", "d"};

inngest::step_hash hash(const std::string& id) { return inngest::detail::sha1::of(id); }

// ---- random calls -------------------------------------------------------------------------------------

std::string key_of(chance& any, const std::string& id) {
  std::string out = inngest::detail::to_hex(hash(id));
  if (any.one_in(8)) {
    for (char& c : out) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

json random_event(chance& any) {
  json out = {{"name", "app/e"}, {"data", property::random_document(any, 2)}};
  if (any.one_in(2)) out["ts"] = any.between(0, 2'000'000'000'000);
  if (any.one_in(2)) out["id"] = property::random_text(any);
  return out;
}

json random_error(chance& any) {
  json out = {{"name", "E"}, {"message", property::random_text(any)}};
  if (any.one_in(2)) out["cause"] = {{"name", "C"}, {"message", "m"}};
  if (any.one_in(4)) out["noRetry"] = true;
  return out;
}

json random_memo(chance& any) {
  const json value = property::random_document(any, 2);
  switch (any.below(9)) {
    case 0:
      return nullptr;
    case 1:
      return {{"data", value}};
    case 2:
      return {{"data", value}, {"type", "data"}};
    case 3:
      return {{"error", random_error(any)}};
    case 4:
      return {{"error", random_error(any)}, {"type", "error"}};
    case 5:
      return {{"input", json::array({value})}};
    case 6:
      return {{"data", value}, {"more", 1}};
    case 7:
      return {{"type", value}};
    default:
      return value;
  }
}

json random_context(chance& any) {
  json out = {{"run_id", property::random_text(any)}, {"attempt", any.below(5)}};
  const auto perhaps = [&](const char* name, json value) {
    if (any.one_in(3)) return;
    out[name] = any.one_in(8) ? json() : std::move(value);
  };
  perhaps("max_attempts", any.below(20));
  perhaps("fn_id", property::random_text(any));
  perhaps("qi_id", property::random_text(any));
  perhaps("request_id", property::random_text(any));
  perhaps("generation_id",
          property::random_integer(any, -((std::int64_t{1} << 53) - 1), (std::int64_t{1} << 53) - 1));
  perhaps("stack", {{"stack", json::array()}, {"current", any.below(4)}});
  if (out.contains("stack") && out["stack"].is_object()) {
    for (std::size_t i = any.below(4); i > 0; --i)
      out["stack"]["stack"].push_back(any.one_in(6) ? "step" : key_of(any, any.pick(ids)));
    if (any.one_in(8)) out["stack"]["stack"] = nullptr;
  }
  if (any.one_in(2)) out["disable_immediate_execution"] = any.one_in(2);
  if (any.one_in(4)) out["use_api"] = any.one_in(2);
  if (any.one_in(4)) out["env"] = property::random_document(any, 1);
  return out;
}

json random_call(chance& any) {
  json out = {{"event", random_event(any)}, {"ctx", random_context(any)}, {"steps", json::object()}};
  if (any.one_in(2)) out["events"] = json::array({out["event"], random_event(any)});
  for (const std::string& id : ids) {
    if (any.one_in(2)) out["steps"][key_of(any, id)] = random_memo(any);
  }
  if (any.one_in(3)) out["steps"]["step"] = random_memo(any);
  if (any.one_in(3)) out["defers"] = {{key_of(any, any.pick(ids)), property::random_document(any, 1)}};
  if (any.one_in(6)) out["steps"] = nullptr;
  if (any.one_in(4)) out["use_api"] = any.one_in(2);
  if (any.one_in(2)) out["version"] = property::random_document(any, 1);
  return out;
}

/// The call with one value in it replaced, or one member gone.
void change_something(chance& any, json& value) {
  if (!value.is_structured() || value.empty() || any.one_in(6)) {
    value = any.one_in(2) ? json(property::random_integer(any, INT64_MIN, INT64_MAX))
                          : property::random_document(any, 1);
    return;
  }
  auto at = value.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(any.below(value.size())));
  if (any.one_in(8))
    value.erase(at);
  else
    change_something(any, *at);
}

// ---- what a call says ---------------------------------------------------------------------------------

std::string canonical_or_nothing(std::string_view text) { return text.empty() ? "" : canonical_json(text); }

/// A message; where it is the JSON of an error that is no object, in canonical form.
std::string words_of(const std::exception& failure) {
  try {
    return canonical_json(failure.what());
  } catch (const inngest::payload_error&) {
    return failure.what();
  }
}

/// What a step gets from its memo: the result, the failure or why it has none of either.
template <class Result>
json outcome_of(const protocol::memo& memo) {
  try {
    return {{"result", canonical_json(inngest::encode(protocol::read_result<Result>(memo, "id")))}};
  } catch (const inngest::step_error& failure) {
    return {{"failure", words_of(failure)}};
  } catch (const inngest::error&) {
    return "does not fit";
  }
}

json meaning_of(const protocol::memo& memo) {
  json out = {memo.is_null(), memo.is_object(), canonical_json(memo.text)};
  for (const char* key : {"data", "error", "input"}) out.push_back(protocol::holds_only(memo, key));
  out.push_back(outcome_of<json>(memo));
  out.push_back(outcome_of<std::string>(memo));
  out.push_back(outcome_of<std::int16_t>(memo));
  try {
    out.push_back(canonical_json(protocol::result_text(memo, "id")));
  } catch (const inngest::error& failure) {
    out.push_back(words_of(failure));
  }
  return out;
}

/// All that a call says; null when it is refused.
json meaning_of(const std::string& body) {
  try {
    const protocol::call_request call(body);
    json out = {{"run", call.run_id()},
                {"attempt", call.attempt()},
                {"max_attempts", call.max_attempts().value_or(-1)},
                {"plan_only", call.plan_only()},
                {"use_api", call.use_api()},
                {"function", call.function_uuid()},
                {"queue_item", call.queue_item_id()},
                {"request", call.request_id()},
                {"generation", call.generation_id()},
                {"event", canonical_or_nothing(call.event())},
                {"events", canonical_or_nothing(call.events())},
                {"memos", call.memo_count()}};
    for (const inngest::step_hash& id : call.completed()) out["stack"].push_back(inngest::detail::to_hex(id));
    for (const std::string& id : ids) {
      const protocol::memo* memo = call.find(hash(id));
      out["steps"][id] = memo ? meaning_of(*memo) : json();
      out["deferred"][id] = call.is_deferred(hash(id));
    }
    return out;
  } catch (const inngest::error&) {
    return nullptr;
  }
}

std::string shown(const json& document) { return document.dump(-1, ' ', true); }

/// What is wrong with the reading of a call; nothing when each text of it says the same.
std::string problem_with(const json& call, const chance& writing) {
  const std::string text = stranger(writing, {.odd_numbers = true}).write(call);
  const json wanted = meaning_of(canonical_json(text));
  const json found = meaning_of(text);
  if (found == wanted) return {};
  return "of " + text + "\nreads: " + shown(found) + "\nits canonical form: " + shown(wanted);
}

void check_call(const json& call, const chance& writing) {
  property::check_input<json>(
      call, [&](const json& given) { return problem_with(given, writing); }, property::smaller_documents,
      shown);
}

}  // namespace

TEST_CASE("a call is read as its canonical form is however it is written", "[property][call]") {
  property::try_cases(250, [](chance& any) {
    const json call = random_call(any);
    REQUIRE_FALSE(meaning_of(canonical_json(call.dump())).is_null());
    check_call(call, any.part());
  });
}

TEST_CASE("a call that is not one is refused in every form or in none", "[property][call]") {
  std::size_t refused = 0;
  property::try_cases(350, [&](chance& any) {
    json call = random_call(any);
    for (std::size_t i = 1 + any.below(2); i > 0; --i) change_something(any, call);
    refused += meaning_of(call.dump()).is_null() ? 1 : 0;
    check_call(call, any.part());
  });
  CHECK(refused > 60);
}
