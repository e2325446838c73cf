#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>
#include <inngest/realtime/message.hpp>

// Notes of runs: metadata, and the messages that they publish.

namespace inngest::inline INNGEST_ABI::embedded {

/// A server's limits for the values of one change and for those of all changes of a run. Changes that a later
/// one replaces don't count, so that a long run may report its progress again and again.
inline constexpr std::size_t max_metadata_size = 64 * 1024;
inline constexpr std::size_t max_metadata_of_run = 1024 * 1024;
/// The maximum size of a message; the same as a server's.
inline constexpr std::size_t max_message_size = 512 * 1024;
/// The maximum size of a message that a store stores completely.
inline constexpr std::size_t max_kept_message = 16 * 1024;

/// A metadata change is too large: status 413.
class metadata_too_large : public payload_error {
  using payload_error::payload_error;
};

/// Reads the body of `POST /v1/runs/{id}/metadata`: the notes of its changes, without run, id and time.
/// \throws payload_error that names the invalid member; metadata_too_large.
std::vector<run_note> read_metadata(std::string_view body);

/// Reads the metadata that a step's body has set, an array of changes: the notes, without run, id, time and
/// target. Invalid changes are left out, because metadata does not make a step fail.
std::vector<run_note> read_step_metadata(const json& changes);

/// The size of a change as counted by a server.
std::size_t metadata_size(const run_note& note);

/// The size of the changes that remain: a later `set` replaces earlier ones of its kind and target.
std::size_t remaining_metadata_size(const std::vector<run_note>& notes);

/// The note of a published message. A large one is shortened.
run_note note_of(const realtime::message& message);

/// The metadata that results from the changes, in their order:
/// [{"kind": "userland.a", "target": {...} or null, "values": {...}}, ...].
json combined_metadata(const std::vector<run_note>& notes);

/// The kind of metadata that holds a run's tags: see basic_context::tag.
inline constexpr std::string_view tags_kind = "userland.tags";

/// The changes of tags that the notes contain. Ignores values that are not valid tags.
std::vector<tag_change> tag_changes_of(const std::vector<run_note>& notes);

/// A value as text: a text without quotes, an integer without a decimal point, everything else as JSON. In
/// expressions all numbers of an event are doubles.
std::string plain_text_of(const json& value);

/// The value of a tag: the plain text of a text, a number or a bool; `nullopt` for everything else, and for a
/// text that is too long.
std::optional<std::string> tag_value_of(const json& value);

/// Received data as JSON: itself if it is JSON, otherwise a JSON string. Bytes that are not UTF-8 are
/// replaced.
std::string message_data(std::string_view body);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_notes.ipp>
#endif
