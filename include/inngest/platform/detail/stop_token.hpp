#pragma once

#include <atomic>
#include <concepts>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>

// The classes of <stop_token>, for standard libraries without it: see <inngest/stop_token.hpp>. Names and
// guarantees are those of the standard. It uses a mutex, which is slower.

namespace inngest::inline INNGEST_ABI::detail::own_stop {

/// The shared state of the sources, tokens and callbacks of one stop.
class stop_state {
 public:
  /// The part of a stop_callback that does not depend on its type.
  class callback {
   public:
    virtual void call() noexcept = 0;

   protected:
    virtual ~callback() = default;
  };

  bool is_requested() const noexcept { return requested_; }

  /// Calls the callbacks on this thread. Returns false if a stop was already requested.
  bool request() noexcept;

  /// Adds a callback. Returns false if a stop was already requested; the caller then calls the callback.
  bool add(callback& added);

  /// Removes a callback, and waits until it has returned, unless it removes itself.
  void remove(const callback& removed) noexcept;

 private:
  std::atomic<bool> requested_{false};
  std::mutex mutex_;  // guards the members below
  std::condition_variable callback_ended_;
  std::list<callback*> callbacks_;
  callback* running_ = nullptr;
  std::thread::id requester_{};
};

struct nostopstate_t {
  explicit nostopstate_t() = default;
};
inline constexpr nostopstate_t nostopstate{};

/// Like std::stop_token.
class stop_token {
 public:
  stop_token() noexcept = default;

  bool stop_requested() const noexcept { return state_ && state_->is_requested(); }
  /// False when no stop was requested and no source exists any more.
  bool stop_possible() const noexcept { return state_ && (state_->is_requested() || !sources_.expired()); }
  void swap(stop_token& other) noexcept { std::swap(*this, other); }

  friend bool operator==(const stop_token& a, const stop_token& b) noexcept { return a.state_ == b.state_; }
  friend void swap(stop_token& a, stop_token& b) noexcept { a.swap(b); }

 private:
  friend class stop_source;
  template <class Callback>
  friend class stop_callback;

  stop_token(std::shared_ptr<stop_state> state, std::weak_ptr<const void> sources) noexcept;

  std::shared_ptr<stop_state> state_;
  std::weak_ptr<const void> sources_;
};

/// Like std::stop_source.
class stop_source {
 public:
  stop_source() : state_(std::make_shared<stop_state>()), sources_(std::make_shared<char>()) {}
  explicit stop_source(nostopstate_t) noexcept {}

  stop_token get_token() const noexcept { return {state_, sources_}; }
  bool stop_requested() const noexcept { return state_ && state_->is_requested(); }
  bool stop_possible() const noexcept { return state_ != nullptr; }
  /// Calls the callbacks on this thread. Returns false if a stop was already requested, or there is no state.
  bool request_stop() const noexcept;
  void swap(stop_source& other) noexcept { std::swap(*this, other); }

  friend bool operator==(const stop_source& a, const stop_source& b) noexcept { return a.state_ == b.state_; }
  friend void swap(stop_source& a, stop_source& b) noexcept { a.swap(b); }

 private:
  std::shared_ptr<stop_state> state_;
  std::shared_ptr<const void> sources_;  // counts the sources
};

/// Like std::stop_callback.
template <class Callback>
class stop_callback : private stop_state::callback {
 public:
  using callback_type = Callback;

  template <class Given>
    requires std::constructible_from<Callback, Given>
  explicit stop_callback(stop_token token,
                         Given&& given) noexcept(std::is_nothrow_constructible_v<Callback, Given>)
      : callback_(std::forward<Given>(given)) {
    if (!token.state_) return;
    if (token.state_->add(*this))
      state_ = std::move(token.state_);
    else
      call();
  }
  ~stop_callback() {
    if (state_) state_->remove(*this);
  }
  stop_callback(const stop_callback&) = delete;
  stop_callback& operator=(const stop_callback&) = delete;

 private:
  void call() noexcept override { std::forward<Callback>(callback_)(); }

  Callback callback_;
  std::shared_ptr<stop_state> state_;
};

template <class Callback>
stop_callback(stop_token, Callback) -> stop_callback<Callback>;

}  // namespace inngest::inline INNGEST_ABI::detail::own_stop

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/stop_token.ipp>
#endif
