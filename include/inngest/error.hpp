#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

/// What kind of error this is; stable, so that programs may switch on it.
enum class error_code {
  configuration,      ///< a client, function or server was set up wrongly
  payload,            ///< JSON that does not fit its type
  non_retriable,      ///< thrown by user code: do not retry
  retry_after,        ///< thrown by user code: retry at a given time
  step_failed,        ///< a step failed for good; thrown to the handler by its step call
  nested_step,        ///< a step was called inside another step's body
  wrong_thread,       ///< a step was called on a thread other than its handler's
  deadline_exceeded,  ///< a step's body took too long
  too_large,          ///< an event, result or answer is larger than a server takes
  expression,         ///< a CEL expression that can't be parsed
  not_deterministic,  ///< a handler did not call the same steps when it was called again
  event_rejected,     ///< the server refused an event
  request_rejected,   ///< the server refused another request
  unauthorized,       ///< the server refused a key
  unreachable,        ///< no server answered
  protocol,           ///< a server's answer or request that is not of the protocol
  step_options,       ///< what a step was given can't work, such as too long a sleep
  store,              ///< what keeps an embedded engine's state can't be opened, read or written
};

/// The code's name, such as "payload".
constexpr std::string_view to_string(error_code code) {
  switch (code) {
    case error_code::configuration:
      return "configuration";
    case error_code::payload:
      return "payload";
    case error_code::non_retriable:
      return "non_retriable";
    case error_code::retry_after:
      return "retry_after";
    case error_code::step_failed:
      return "step_failed";
    case error_code::nested_step:
      return "nested_step";
    case error_code::wrong_thread:
      return "wrong_thread";
    case error_code::deadline_exceeded:
      return "deadline_exceeded";
    case error_code::too_large:
      return "too_large";
    case error_code::expression:
      return "expression";
    case error_code::not_deterministic:
      return "not_deterministic";
    case error_code::event_rejected:
      return "event_rejected";
    case error_code::request_rejected:
      return "request_rejected";
    case error_code::unauthorized:
      return "unauthorized";
    case error_code::unreachable:
      return "unreachable";
    case error_code::protocol:
      return "protocol";
    case error_code::step_options:
      return "step_options";
    case error_code::store:
      return "store";
  }
  return "unknown";
}

/// Every error of the library derives from this one.
class error : public std::runtime_error {
 public:
  error(error_code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  error_code code() const noexcept { return code_; }

 private:
  error_code code_;
};

namespace detail {

/// An error that has a message and nothing else. Each derived class has a name of its own, which a server
/// shows when the error ends a step or run.
template <error_code Code>
class error_of : public error {
 public:
  explicit error_of(const std::string& message) : error(Code, message) {}
};

}  // namespace detail

/// A client, function, option or server that can't work as given. Thrown when it is created.
class configuration_error : public error {
 public:
  explicit configuration_error(const std::string& message) : error(error_code::configuration, message) {}

 protected:
  configuration_error(error_code code, const std::string& message) : error(code, message) {}
};

/// A step was given what can't work: too long a sleep, an expression that can't be parsed. Thrown by the
/// step's call before anything is sent, and never retried: the same call would fail again.
class step_options_error : public configuration_error {
 public:
  step_options_error(const std::string& step_id, const std::string& problem);
};

/// JSON that does not fit the type it is read into or written from. Never retried: the same bytes would
/// fail again.
class payload_error : public error {
 public:
  /// `path` names the value, such as "data.nodes[2].position.x"; empty for the whole text.
  payload_error(std::string path, const std::string& problem);
  const std::string& path() const noexcept { return path_; }
  /// The message without the path.
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::string path_;
  std::string problem_;
};

/// Throw it from a step or handler to fail without further attempts.
class non_retriable_error : public detail::error_of<error_code::non_retriable> {
  using error_of::error_of;
};

/// Throw it from a step or handler to say when the next attempt should start. An Inngest server keeps
/// the time between one second and 24 hours.
class retry_after_error : public error {
 public:
  retry_after_error(const std::string& message, duration_ms delay);
  retry_after_error(const std::string& message, detail::saturated_time at);

  /// Time from `now` to the next attempt; never negative.
  std::chrono::milliseconds delay(std::chrono::system_clock::time_point now) const;

 private:
  std::chrono::milliseconds delay_{};
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> at_;
};

/// What a step call throws to its handler when the step has failed for good: it used up its attempts or
/// threw `non_retriable_error`. `what()` is the original's message.
class step_error : public error {
 public:
  /// An exception that was nested in another: its type name and message.
  struct cause {
    std::string name;
    std::string message;
  };

  step_error(std::string step_id, std::string name, const std::string& message,
             std::vector<cause> causes = {});
  /// The id given to the step call.
  const std::string& step_id() const noexcept { return step_id_; }
  /// The type name of the exception that the step threw, such as "std::runtime_error".
  const std::string& name() const noexcept { return name_; }
  /// What was nested in it, outermost first.
  const std::vector<cause>& causes() const noexcept { return causes_; }

 private:
  std::string step_id_;
  std::string name_;
  std::vector<cause> causes_;
};

/// A step's body did not end within step_options::deadline.
class deadline_exceeded : public detail::error_of<error_code::deadline_exceeded> {
  using error_of::error_of;
};

/// Something is larger than an Inngest server takes. Never retried.
class too_large : public detail::error_of<error_code::too_large> {
  using error_of::error_of;
};

/// A step was called inside another step's body, where its result could not be memoized.
class nested_step_error : public error {
 public:
  nested_step_error(std::string_view inner, std::string_view outer);
};

/// A step, group or deferred call was used on a thread other than the one that runs the handler. The run
/// fails with it, also when the other thread catches it.
class wrong_thread_error : public error {
 public:
  /// `step` is empty for what has no id.
  wrong_thread_error(std::string_view step, std::string_view function);
};

/// The server refused an event: its name, its size, its data.
class event_rejected : public error {
 public:
  explicit event_rejected(const std::string& message, std::vector<std::string> accepted = {});
  /// The ids of those of the list, from its front, that the server took before it refused one.
  const std::vector<std::string>& accepted() const noexcept { return accepted_; }

 private:
  std::vector<std::string> accepted_;
};

/// The server refused the event key or the signing key.
class unauthorized : public detail::error_of<error_code::unauthorized> {
  using error_of::error_of;
};

/// No server answered, after all attempts.
class unreachable : public detail::error_of<error_code::unreachable> {
  using error_of::error_of;
};

/// The server refused a request of its API other than an event.
class request_rejected : public error {
 public:
  request_rejected(const std::string& message, int status);
  /// The HTTP status of its answer.
  int status() const noexcept { return status_; }

 private:
  int status_;
};

/// The other side does not speak the protocol: a call request or an answer that can't be read.
class protocol_error : public detail::error_of<error_code::protocol> {
  using error_of::error_of;
};

/// What keeps an embedded engine's state can't be opened, read or written: its disk is full, its file
/// damaged, another process's, or of a newer version.
class store_error : public error {
 public:
  store_error(std::string path, const std::string& problem);
  /// The file.
  const std::string& path() const noexcept { return path_; }
  /// The message without the file.
  const std::string& problem() const noexcept { return problem_; }

 private:
  std::string path_;
  std::string problem_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/error.ipp>
#endif
