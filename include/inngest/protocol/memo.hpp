#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

/// What the server remembers of a step: a slice of the call request, decoded only when the handler asks.
///
/// A result is `{"data": X}`, a failure `{"error": {...}}`, a server's replacement input `{"input": [...]}`;
/// a sleep or a wait that timed out is null, a received event the bare event.
struct memo {
  step_hash id{};
  std::string_view text{};  // in a json_buffer

  bool is_null() const { return text.starts_with("null"); }
  bool is_object() const { return text.starts_with('{'); }
};

/// Whether the memo is an object whose keys are `wanted` and at most "type".
bool holds_only(const memo& memo, std::string_view wanted);

std::string text_member(const json& object, const char* key);

/// The error of a failed step's memo, leniently: it may come from any SDK, or from the server.
step_error read_step_error(std::string_view text, std::string_view id);

/// Throws the step_error that a failed step's memo holds; returns for every other memo.
void throw_if_failed(const memo& memo, std::string_view id);

inline std::string memo_path(std::string_view id) { return "steps[\"" + std::string(id) + "\"]"; }

/// Reads what `{"data": X}` holds, in one go; nothing when the memo is of another shape, or X does not fit.
template <class Result>
std::optional<Result> read_data(const memo& memo) {
  if (!memo.text.starts_with("{\"data\":")) return std::nullopt;
  std::optional<Result> out;
  try {
    detail::json_document document(memo.text);
    for (auto item : document.object()) {
      detail::json_field field = detail::take(item, {});
      const std::string_view key = field.key;
      if (key == "data" && !out)
        out.emplace(detail::read<Result>(field.value, {}));
      else if (key != "type")
        return std::nullopt;
    }
  } catch (const payload_error&) {  // whoever wants to know why reads it slowly
    return std::nullopt;
  }
  return out;
}

/// The result of a step that ran: what `{"data": X}` holds, or the memo itself when it is of no shape we
/// know. \throws step_error when the step failed; payload_error when the result does not fit.
template <class Result>
Result read_result(const memo& memo, std::string_view id) {
  if (auto fast = read_data<Result>(memo)) return std::move(*fast);
  try {
    if (holds_only(memo, "error")) throw read_step_error(memo.text, id);
    if (holds_only(memo, "data")) {
      detail::json_document document(memo.text);
      for (auto item : document.object()) {
        detail::json_field field = detail::take(item, {});
        if (field.key == "data") return detail::read<Result>(field.value, {});
      }
    }
    return decode<Result>(memo.text);
  } catch (const payload_error& problem) {
    const std::string within = problem.path().empty() ? "" : "." + problem.path();
    throw payload_error(memo_path(id) + within, problem.problem());
  }
}

/// The result of a step that ran, as JSON text. \throws step_error when it failed.
std::string_view result_text(const memo& memo, std::string_view id);

/// The event that a wait received; nothing when it timed out.
/// \throws step_error when the wait failed; payload_error when the event's data does not fit.
template <event_type Event>
std::optional<Event> read_received(const memo& memo, std::string_view id) {
  if (memo.is_null()) return std::nullopt;
  throw_if_failed(memo, id);
  return detail::read_event<Event>(memo.text);
}

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/memo.ipp>
#endif
