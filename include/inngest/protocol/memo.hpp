#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

/// The stored result of a step: a slice of the call request, decoded when the handler reads it.
///
/// A result is `{"data": X}`, a failure `{"error": {...}}`, and a replaced input `{"input": [...]}`. A sleep
/// or a wait that timed out is null. A received event is the event itself.
struct memo {
  step_hash id{};
  detail::json_slice text{};
  detail::kept_document* document = nullptr;  // for reading an object in place; may be null
  detail::json_bookmark place{};

  bool is_null() const { return text.starts_with("null"); }
  bool is_object() const { return text.starts_with('{'); }
  /// Whether the memo is a result in the form that servers send.
  bool begins_with_data() const {
    constexpr char begin[] = {'{', '"', 'd', 'a', 't', 'a', '"', ':'};
    return text.size() >= sizeof begin && std::memcmp(text.data(), begin, sizeof begin) == 0;  // no call
  }
};

/// The memo of a step with this result: `{"data": X}`. The operation of a step without a result has no data,
/// which is null.
std::string memo_of_data(std::string_view data);

/// The first eight bytes of an id as a number, in the order of ids.
std::uint64_t first_bytes(const step_hash& id);

/// Orders memos by the bytes of their ids. The first eight bytes almost always decide.
bool comes_before(const step_hash& a, const step_hash& b);

/// Whether the memo is an object with the key `wanted` and optionally "type", and no other keys.
bool holds_only(const memo& memo, std::string_view wanted);

std::string text_member(const json& object, const char* key);

/// The error of a failed step. Reads leniently, because the error may come from any SDK or the server.
step_error read_step_error(std::string_view text, std::string_view id);

/// Throws the step_error of a failed step; returns for every other memo.
void throw_if_failed(const memo& memo, std::string_view id);
/// throw_if_failed, as a pointer: see execution::step_functions.
using failure_thrower = void (*)(const memo&, std::string_view);

inline std::string memo_path(std::string_view id) { return "steps[\"" + std::string(id) + "\"]"; }

/// Reads the members of a memo that is an object: in the call request if that is still open, otherwise in a
/// document of its own.
class memo_reader {
 public:
  explicit memo_reader(const memo& memo);
  ~memo_reader();
  memo_reader(const memo_reader&) = delete;
  memo_reader& operator=(const memo_reader&) = delete;

  detail::json_object object();
  /// Called after all members were read.
  void note_end() { is_at_end_ = true; }

 private:
  const memo& memo_;
  const bool is_in_place_;
  bool is_at_end_ = false;
  std::optional<detail::json_document> own_;
};

/// Reads X of `{"data": X}` in one pass. \throws payload_error when X does not fit the type, or when the memo
/// has another form.
template <class Result>
Result read_data(const memo& memo) {
  memo_reader reader(memo);
  detail::json_object members = reader.object();
  auto next = members.begin();
  Result out = detail::read<Result>(detail::take(*next, {}).value, {});
  while (++next != members.end()) {
    if (detail::take(*next, {}).key != "type") detail::fail_at({}, "not only a result");
  }
  reader.note_end();
  return out;
}

/// The result of a completed step: X of `{"data": X}`, or the memo itself when it has an unknown form.
/// \throws step_error when the step failed; payload_error when the result does not fit.
template <class Result>
Result read_result(const memo& memo, std::string_view id, failure_thrower throw_failure = &throw_if_failed) {
  if (memo.begins_with_data()) {
    try {
      return read_data<Result>(memo);
    } catch (const payload_error&) {  // the code below finds the reason
    }
  }
  try {
    throw_failure(memo, id);
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

/// The result of a completed step, as JSON text. \throws step_error when the step failed.
std::string_view result_text(const memo& memo, std::string_view id);

/// The event that a wait received; nullopt when it timed out.
/// \throws step_error when the wait failed; payload_error when the event's data does not fit.
template <event_type Event>
std::optional<Event> read_received(const memo& memo, std::string_view id,
                                   failure_thrower throw_failure = &throw_if_failed,
                                   detail::event_readers readers = detail::all_event_readers()) {
  if (memo.is_null()) return std::nullopt;
  throw_failure(memo, id);
  return detail::read_event<Event>(memo.text, readers);
}

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/memo.ipp>
#endif
