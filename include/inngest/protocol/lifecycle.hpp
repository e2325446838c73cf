#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI {

/// The error with which a function failed, as reported by its server.
struct run_error {
  /// The exception's type name, such as "std::runtime_error".
  std::string name;
  /// The message.
  std::string message;
  /// The stack trace, if known.
  std::string stack;
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::protocol {

/// The event that a server sends when a run ends: "inngest/function.failed",
/// "inngest/function.cancelled" or "inngest/function.finished".
class lifecycle_event {
 public:
  /// Missing members become empty.
  explicit lifecycle_event(std::string_view event);
  lifecycle_event(const lifecycle_event&) = delete;
  lifecycle_event& operator=(const lifecycle_event&) = delete;

  /// The event that started the run, as JSON; empty when it is missing.
  std::string_view event() const { return event_; }
  const std::string& run_id() const { return run_id_; }
  const run_error& error() const { return error_; }
  /// The function's result, as JSON.
  std::string_view result() const { return result_.empty() ? "null" : result_; }

 private:
  detail::json_buffer data_;
  std::string_view event_;
  std::string_view result_;
  std::string run_id_;
  run_error error_;
};

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/lifecycle.ipp>
#endif
