#pragma once

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The state of a middleware during one call. It lives on the stack of wrap_request, and hooks on the same
/// thread find it by its owner. Calls may nest.
template <class State>
class call_state {
 public:
  explicit call_state(const void* owner) : owner_(owner), outer_(top()) { top() = this; }
  ~call_state() { top() = outer_; }
  call_state(const call_state&) = delete;
  call_state& operator=(const call_state&) = delete;

  State state{};

  /// The owner's innermost state on this thread; null outside of its calls.
  static State* find(const void* owner) {
    for (call_state* current = top(); current != nullptr; current = current->outer_) {
      if (current->owner_ == owner) return &current->state;
    }
    return nullptr;
  }
  /// The innermost state of any owner on this thread; null outside of calls.
  static State* innermost() { return top() == nullptr ? nullptr : &top()->state; }

 private:
  static call_state*& top() {
    thread_local call_state* innermost = nullptr;
    return innermost;
  }

  const void* owner_;
  call_state* outer_;
};

}  // namespace inngest::inline INNGEST_ABI::detail
