#pragma once

namespace inngest::detail {

/// What a middleware keeps during one call: lies on the stack of its wrap_request and is found by the hooks
/// that run on that thread meanwhile. Calls may nest, and several middleware may each have theirs.
template <class State>
class call_state {
 public:
  explicit call_state(const void* owner) : owner_(owner), outer_(top()) { top() = this; }
  ~call_state() { top() = outer_; }
  call_state(const call_state&) = delete;
  call_state& operator=(const call_state&) = delete;

  State state{};

  /// The owner's innermost on this thread; null outside of its calls.
  static State* find(const void* owner) {
    for (call_state* each = top(); each != nullptr; each = each->outer_) {
      if (each->owner_ == owner) return &each->state;
    }
    return nullptr;
  }

 private:
  static call_state*& top() {
    thread_local call_state* innermost = nullptr;
    return innermost;
  }

  const void* owner_;
  call_state* outer_;
};

}  // namespace inngest::detail
