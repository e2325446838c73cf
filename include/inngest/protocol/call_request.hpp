#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

/// A server's request to run a function, or one step of it. It owns its body; events and memos are slices of
/// the body.
class call_request {
 public:
  /// \throws protocol_error when the body is not a call request.
  explicit call_request(std::string body, std::optional<step_hash> target = {});
  ~call_request();
  call_request(const call_request&) = delete;  // its slices point into its own body
  call_request& operator=(const call_request&) = delete;

  /// The step to run, when the server requests a single step.
  const std::optional<step_hash>& target() const { return target_; }
  /// The triggering event, as JSON.
  detail::json_slice event() const { return event_; }
  /// All events of the run, as a JSON array; empty when the request has none.
  detail::json_slice events() const { return events_; }
  const std::string& run_id() const { return run_id_; }
  /// The number of earlier attempts: 0 for the first attempt.
  int attempt() const { return attempt_; }
  /// The maximum number of attempts, including the first; nullopt when the server does not send it.
  std::optional<int> max_attempts() const { return max_attempts_; }
  /// Whether new steps must only be planned and not run, because a parallel group is running.
  bool plan_only() const { return plan_only_; }
  /// Whether events and steps were too large for the request and must be fetched: see adopt_events,
  /// adopt_steps.
  bool use_api() const { return use_api_; }

  // Sent back with saved results; empty when the server does not save any.
  const std::string& function_uuid() const { return function_uuid_; }
  const std::string& queue_item_id() const { return queue_item_id_; }
  const std::string& request_id() const { return request_id_; }
  std::int64_t generation_id() const { return generation_id_; }

  /// Whether the server already has the deferred call with this hashed id.
  bool is_deferred(const step_hash& id) const;
  /// Whether the server can still drop the deferred call.
  bool is_abortable(const step_hash& id) const;

  /// Replaces the events with those of a JSON array; the first one is the triggering event.
  /// \throws protocol_error when the text is not a JSON array.
  void adopt_events(std::string events);

  /// Replaces the steps' memos with those of a JSON object.
  /// \throws protocol_error when the text is not one.
  void adopt_steps(std::string steps);

  /// Replaces the events with the texts from middleware.
  void replace_events(std::string event, std::string events);

  /// Frees memory that only makes memos faster to read. Called before work that may take long.
  void close() const {
    if (document_) document_->close();
  }

  /// The step's memo; null when there is none.
  const memo* find(const step_hash& id) const;

  /// The number of steps with a memo.
  std::size_t memo_count() const { return memos_.size(); }
  /// The size of all memos in bytes.
  std::size_t state_size() const { return state_size_; }
  bool has_results() const { return !stack_.empty(); }
  /// Whether the step's result is the newest one; all others were already in an earlier call.
  bool is_newest(const step_hash& id) const { return !stack_.empty() && detail::is_same(stack_.back(), id); }

  /// The steps with results, in the order in which the results arrived.
  const std::vector<step_hash>& completed() const { return stack_; }

  /// The position of the step's result in the order of all results; past the end when unknown.
  std::size_t completed_at(const step_hash& id) const;

 private:
  static void reading(detail::function_ref<void()> read);

  /// Finds a member by its name. Rejects a duplicate one, because readers could disagree on which one counts.
  class member_check {
   public:
    /// The position of the name among the known ones; their number when it is not known.
    std::size_t note(std::string_view key, std::span<const std::string_view> known,
                     const detail::json_path& at);

   private:
    unsigned seen_ = 0;     // a bit for each name
    std::size_t next_ = 0;  // the name to compare first
  };

  void read_body();

  /// `document`: see memo::document.
  void read_steps(detail::json_value& value, detail::kept_document* document);

  std::size_t group_of(const step_hash& id) const;
  void group_memos();

  void read_defers(detail::json_value& value);

  static bool read_abortable(detail::json_value& value, const detail::json_path& at);

  void read_context(detail::json_value& value);

  /// An integer that all JSON readers read alike, since canonical JSON has only doubles. Null is 0.
  static std::int64_t read_exact_integer(detail::json_value& value, const detail::json_path& at);

  static std::string text_or_nothing(detail::json_value& value, const detail::json_path& at);

  void read_stack(detail::json_value& value, const detail::json_path& at);

  detail::json_buffer body_;
  std::unique_ptr<detail::kept_document> document_;  // the body
  detail::json_buffer fetched_events_;               // replaces the body's
  detail::json_buffer fetched_steps_;
  detail::json_buffer changed_event_;
  std::optional<step_hash> target_;
  detail::json_slice event_;
  detail::json_slice events_;
  std::string run_id_;
  int attempt_ = 0;
  std::optional<int> max_attempts_;
  bool plan_only_ = false;
  bool use_api_ = false;
  std::vector<memo> memos_;  // in the order of their ids
  // Memos whose ids have the same first bits are a group. There are as many groups as memos, and ids are
  // hashes, so a group has about one memo, and a step finds its memo without a search.
  unsigned group_bits_ = 0;
  std::vector<std::size_t> group_starts_;  // the index of the first memo of each group, and the end
  std::size_t state_size_ = 0;
  std::vector<step_hash> stack_;
  std::vector<step_hash> defers_;
  std::vector<step_hash> abortable_defers_;
  std::string function_uuid_;
  std::string queue_item_id_;
  std::string request_id_;
  std::int64_t generation_id_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/call_request.ipp>
#endif
