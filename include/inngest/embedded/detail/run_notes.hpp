#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
/// The most changes that one step or request may report, and that a run may have: small ones cost as much as
/// large ones. Replaced ones don't count either.
inline constexpr std::size_t max_metadata_changes = 1000;
inline constexpr std::size_t max_metadata_changes_of_run = 10'000;
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

/// Changes of metadata that are not stored, and why.
class left_out_metadata {
 public:
  void add(const std::string& kind, const std::string& why);
  bool empty() const { return count_ == 0; }
  /// The first of them, and the number of the others: a step may report very many.
  std::string text() const;

 private:
  std::string first_;
  std::size_t count_ = 0;
};

/// The metadata that a step's body has set.
struct step_metadata {
  std::vector<run_note> changes{};  // without run, id, time and target
  left_out_metadata left_out{};
};

/// Reads the metadata that a step's body has set, an array of changes. Changes that are invalid, too large or
/// too many are left out, because metadata does not make a step fail; and those that a later one replaces.
step_metadata read_step_metadata(const json& changes);

/// The size of a change as counted by a server.
std::size_t metadata_size(const run_note& note);

/// How much metadata a run has: the changes that remain, because a later `set` replaces earlier ones of its
/// kind and target. The target counts, too: each change of a step stores it again.
class metadata_usage {
 public:
  /// Counts a note. Ignores other notes than metadata.
  void add(const run_note& note);
  /// Counts what an earlier process has stored.
  void add(const metadata_amount& stored);
  /// The amounts by kind and target, without a run id.
  std::vector<metadata_amount> amounts() const;
  /// The limit of a run that is exceeded; empty when there is none.
  std::string exceeded() const { return exceeded_by(all_); }
  /// The limit of a run that one more change would exceed; empty when there is none.
  std::string exceeded_with(const run_note& change) const { return exceeded_by(with(change)); }

 private:
  struct amount {
    std::size_t changes = 0;
    std::size_t bytes = 0;
  };

  static std::string exceeded_by(const amount& wanted);
  amount with(const run_note& change) const;

  std::map<std::pair<std::string, std::string>, amount> parts_;  // by kind and target
  amount all_{};
};

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
