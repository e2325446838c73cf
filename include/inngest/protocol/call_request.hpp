#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/function_ref.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/step_id.hpp>

namespace inngest::protocol {

/// A server's request to run a function, or one step of it. It owns its body; events and memos are slices
/// of that.
class call_request {
 public:
  /// \throws protocol_error for a body that is not a call request.
  explicit call_request(std::string body, std::optional<step_hash> target = {})
      : body_(std::move(body)), target_(target) {
    reading([&] { read_body(); });
    if (event_.empty() && !use_api_) throw protocol_error("the call request has no event");
  }
  call_request(const call_request&) = delete;  // its slices point into itself
  call_request& operator=(const call_request&) = delete;

  /// The step to run when the server asks for exactly one.
  const std::optional<step_hash>& target() const { return target_; }
  /// The triggering event, as JSON.
  std::string_view event() const { return event_; }
  /// All events of the run, as a JSON array; empty when the request has none.
  std::string_view events() const { return events_; }
  const std::string& run_id() const { return run_id_; }
  /// 0 at the first attempt.
  int attempt() const { return attempt_; }
  /// Attempts in all, the first included; unknown from a server that does not say.
  std::optional<int> max_attempts() const { return max_attempts_; }
  /// A step that is found must be planned, not run at once: a parallel group is under way.
  bool plan_only() const { return plan_only_; }
  /// Events and steps were too large for the request and must be fetched: see adopt_events, adopt_steps.
  bool use_api() const { return use_api_; }

  // What a server wants back with saved results; empty from one that does not save any.
  const std::string& function_uuid() const { return function_uuid_; }
  const std::string& queue_item_id() const { return queue_item_id_; }
  const std::string& request_id() const { return request_id_; }
  std::int64_t generation_id() const { return generation_id_; }

  /// Whether a deferred call of this hashed id was taken in before.
  bool is_deferred(const step_hash& id) const {
    return std::find(defers_.begin(), defers_.end(), id) != defers_.end();
  }

  /// Replaces the events by those of a JSON array; the first is the triggering one.
  /// \throws protocol_error when it is none.
  void adopt_events(std::string events) {
    fetched_events_ = detail::json_buffer(std::move(events));
    reading([&] {
      detail::json_document document(fetched_events_.text());
      detail::json_value root = document.root();
      detail::expect(root, detail::json_type::array, detail::json_path("events"), "array");
      for (auto item : detail::elements_of(root, {})) {
        detail::json_value first = detail::take(item, {});
        detail::expect(first, detail::json_type::object, detail::json_path("events"), "object");
        event_ = detail::raw_text(first, {});
        break;
      }
    });
    events_ = fetched_events_.text();
  }

  /// Replaces the steps' memos by those of a JSON object. \throws protocol_error when it is none.
  void adopt_steps(std::string steps) {
    fetched_steps_ = detail::json_buffer(std::move(steps));
    memos_.clear();
    state_size_ = 0;
    reading([&] {
      detail::json_document document(fetched_steps_.text());
      detail::json_value root = document.root();
      read_steps(root);
    });
  }

  /// Replaces the events by texts that middleware made.
  void replace_events(std::string event, std::string events) {
    changed_event_ = detail::json_buffer(std::move(event));
    fetched_events_ = detail::json_buffer(std::move(events));
    event_ = changed_event_.text();
    events_ = fetched_events_.text();
  }

  /// The step's memo; null when it has none.
  const memo* find(const step_hash& id) const {
    const auto found = std::lower_bound(memos_.begin(), memos_.end(), id,
                                        [](const memo& a, const step_hash& b) { return a.id < b; });
    return found != memos_.end() && found->id == id ? &*found : nullptr;
  }

  /// How many steps have a memo.
  std::size_t memo_count() const { return memos_.size(); }
  /// Bytes of all memos.
  std::size_t state_size() const { return state_size_; }
  bool has_results() const { return !stack_.empty(); }
  /// Whether the step's result is the last that came: all before it was there in an earlier call.
  bool is_newest(const step_hash& id) const { return !stack_.empty() && stack_.back() == id; }

  /// The steps that have results, in the order in which those came.
  const std::vector<step_hash>& completed() const { return stack_; }

  /// When the step got its result: its place in the order of all results; past the end when unknown.
  std::size_t completed_at(const step_hash& id) const {
    return static_cast<std::size_t>(std::find(stack_.begin(), stack_.end(), id) - stack_.begin());
  }

 private:
  static void reading(detail::function_ref<void()> read) {
    try {
      read();
    } catch (const payload_error& problem) {
      throw protocol_error(std::string("the call request can't be read: ") + problem.what());
    }
  }

  /// Refuses a member that is there twice: which of the two counts would depend on the reader.
  class member_check {
   public:
    void note(std::string_view key, std::initializer_list<std::string_view> known,
              const detail::json_path& at) {
      const auto found = std::find(known.begin(), known.end(), key);
      if (found == known.end()) return;
      const unsigned bit = 1u << (found - known.begin());
      if ((seen_ & bit) != 0) detail::fail_at(detail::json_path(at, key), "the member is there twice");
      seen_ |= bit;
    }

   private:
    unsigned seen_ = 0;
  };

  void read_body() {
    detail::json_document document(body_.text());
    member_check members;
    for (auto item : document.object()) {
      detail::json_field field = detail::take(item, {});
      const std::string_view key = field.key;
      members.note(key, {"event", "events", "steps", "ctx", "defers", "use_api"}, {});
      detail::json_value& value = field.value;
      if (key == "event") {
        detail::expect(value, detail::json_type::object, detail::json_path("event"), "object");
        event_ = detail::raw_text(value, {});
      } else if (key == "events") {
        events_ = detail::raw_text(value, {});
      } else if (key == "steps") {
        read_steps(value);
      } else if (key == "ctx") {
        read_context(value);
      } else if (key == "defers") {
        read_defers(value);
      } else if (key == "use_api") {
        use_api_ = detail::read<bool>(value, detail::json_path("use_api")) || use_api_;
      }
    }
    document.expect_end();
  }

  void read_steps(detail::json_value& value) {
    const detail::json_path at("steps");
    if (detail::is_null(value, at)) return;
    detail::expect(value, detail::json_type::object, at, "object");
    for (auto item : detail::members_of(value, at)) {
      detail::json_field field = detail::take(item, at);
      memo found;
      const std::string_view key = field.key;
      if (!detail::from_hex(key, found.id)) continue;  // not a step's id: nothing can ask for it
      found.text = detail::raw_text(field.value, at);
      state_size_ += found.text.size();
      memos_.push_back(found);
    }
    // Canonical JSON has its keys in order, so this is usually a check only.
    const auto before = [](const memo& a, const memo& b) { return a.id < b.id; };
    if (!std::is_sorted(memos_.begin(), memos_.end(), before))
      std::sort(memos_.begin(), memos_.end(), before);
    // The same id in small and in capital letters is two names, but one step.
    const auto same = [](const memo& a, const memo& b) { return a.id == b.id; };
    const auto twice = std::adjacent_find(memos_.begin(), memos_.end(), same);
    if (twice != memos_.end())
      detail::fail_at(detail::json_path(at, detail::to_hex(twice->id)), "the step is there twice");
  }

  void read_defers(detail::json_value& value) {
    const detail::json_path at("defers");
    if (detail::is_null(value, at)) return;
    detail::expect(value, detail::json_type::object, at, "object");
    for (auto item : detail::members_of(value, at)) {
      detail::json_field field = detail::take(item, at);
      step_hash id{};
      if (detail::from_hex(field.key, id)) defers_.push_back(id);
    }
  }

  void read_context(detail::json_value& value) {
    const detail::json_path at("ctx");
    if (detail::is_null(value, at)) return;
    detail::expect(value, detail::json_type::object, at, "object");
    member_check members;
    for (auto item : detail::members_of(value, at)) {
      detail::json_field field = detail::take(item, at);
      const std::string_view key = field.key;
      members.note(key,
                   {"run_id", "attempt", "max_attempts", "disable_immediate_execution", "use_api", "stack",
                    "fn_id", "qi_id", "request_id", "generation_id"},
                   at);
      detail::json_value& member = field.value;
      const detail::json_path here(at, key);
      if (key == "run_id")
        run_id_ = detail::read<std::string>(member, here);
      else if (key == "attempt")
        attempt_ = detail::read<int>(member, here);
      else if (key == "max_attempts")
        max_attempts_ = detail::read<std::optional<int>>(member, here);
      else if (key == "disable_immediate_execution")
        plan_only_ = detail::read<bool>(member, here);
      else if (key == "use_api")
        use_api_ = detail::read<bool>(member, here) || use_api_;
      else if (key == "stack")
        read_stack(member, here);
      else if (key == "fn_id")
        function_uuid_ = text_or_nothing(member, here);
      else if (key == "qi_id")
        queue_item_id_ = text_or_nothing(member, here);
      else if (key == "request_id")
        request_id_ = text_or_nothing(member, here);
      else if (key == "generation_id")
        generation_id_ = read_exact_integer(member, here);
    }
  }

  /// An integer that every reader of JSON reads alike: canonical JSON has doubles only. 0 for null.
  static std::int64_t read_exact_integer(detail::json_value& value, const detail::json_path& at) {
    constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;
    const std::int64_t out = detail::read<std::optional<std::int64_t>>(value, at).value_or(0);
    if (out < -largest || out > largest) detail::fail_at(at, "expected an integer within 2^53");
    return out;
  }

  static std::string text_or_nothing(detail::json_value& value, const detail::json_path& at) {
    return detail::read<std::optional<std::string>>(value, at).value_or("");
  }

  void read_stack(detail::json_value& value, const detail::json_path& at) {
    if (detail::is_null(value, at)) return;
    detail::expect(value, detail::json_type::object, at, "object");
    member_check members;
    for (auto item : detail::members_of(value, at)) {
      detail::json_field field = detail::take(item, at);
      const std::string_view key = field.key;
      members.note(key, {"stack"}, at);
      if (key != "stack") continue;
      if (detail::is_null(field.value, at)) continue;
      detail::expect(field.value, detail::json_type::array, at, "array");
      for (auto id : detail::elements_of(field.value, at)) {
        detail::json_value text = detail::take(id, at);
        detail::expect(text, detail::json_type::string, at, "string");
        step_hash hash{};
        if (detail::from_hex(detail::take(text.get_string(), at), hash)) stack_.push_back(hash);
      }
    }
  }

  detail::json_buffer body_;
  detail::json_buffer fetched_events_;  // in place of the body's
  detail::json_buffer fetched_steps_;
  detail::json_buffer changed_event_;
  std::optional<step_hash> target_;
  std::string_view event_;
  std::string_view events_;
  std::string run_id_;
  int attempt_ = 0;
  std::optional<int> max_attempts_;
  bool plan_only_ = false;
  bool use_api_ = false;
  std::vector<memo> memos_;
  std::size_t state_size_ = 0;
  std::vector<step_hash> stack_;
  std::vector<step_hash> defers_;
  std::string function_uuid_;
  std::string queue_item_id_;
  std::string request_id_;
  std::int64_t generation_id_ = 0;
};

}  // namespace inngest::protocol
