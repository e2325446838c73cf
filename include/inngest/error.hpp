#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

/// The kind of an error. The values are stable, so programs may switch on them.
enum class error_code {
  configuration,      ///< a client, function or server was set up wrongly
  payload,            ///< JSON does not fit its type
  non_retriable,      ///< thrown by user code: do not retry
  retry_after,        ///< thrown by user code: retry at a given time
  step_failed,        ///< a step failed permanently; thrown by its step call
  nested_step,        ///< a step was called inside another step's body
  wrong_thread,       ///< a step was called on a thread other than its handler's
  deadline_exceeded,  ///< a step's body took too long
  too_large,          ///< an event, result or answer exceeds a server limit
  expression,         ///< a CEL expression that can't be parsed
  not_deterministic,  ///< a handler called different steps when it was replayed
  event_rejected,     ///< the server refused an event
  request_rejected,   ///< the server refused another request
  unauthorized,       ///< the server refused a key
  unreachable,        ///< no server answered, or an engine could not store a request
  protocol,           ///< a server's answer or request violates the protocol
  step_options,       ///< a step has invalid options, such as too long a sleep
  store,              ///< an embedded engine's store can't be opened, read or written
  database,           ///< your own database failed: an outbox or a step's transaction
  timed_out,          ///< a run has not ended within the time that its caller waits
  run_failed,         ///< a run whose output was wanted did not complete
  decryption,         ///< a value can't be decrypted, for example because its key is missing
  http,               ///< thrown by an endpoint's handler: answer with a status
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
    case error_code::database:
      return "database";
    case error_code::timed_out:
      return "timed_out";
    case error_code::run_failed:
      return "run_failed";
    case error_code::decryption:
      return "decryption";
    case error_code::http:
      return "http";
  }
  return "unknown";
}

/// The base class of all errors of the library.
class error : public std::runtime_error {
 public:
  /// `message` becomes what().
  error(error_code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// The kind of the error.
  error_code code() const noexcept { return code_; }

 private:
  error_code code_;
};

namespace detail {

/// An error that has only a message. Every derived class has its own name, which a server shows when the
/// error ends a step or run.
template <error_code Code>
class error_of : public error {
 public:
  /// `message` becomes what().
  explicit error_of(const std::string& message) : error(Code, message) {}
};

}  // namespace detail

/// A client, function, option or server is set up incorrectly: thrown when it is created. Also thrown for an
/// argument that names nothing, such as the id of an unknown run, or that is out of range.
class configuration_error : public error {
 public:
  /// `message` becomes what().
  explicit configuration_error(const std::string& message) : error(error_code::configuration, message) {}

 protected:
  /// For derived classes with their own code.
  configuration_error(error_code code, const std::string& message) : error(code, message) {}
};

/// A step has invalid options, such as too long a sleep or an expression that can't be parsed. The step call
/// throws it before anything is sent. It is never retried, because the same call would fail again.
class step_options_error : public configuration_error {
 public:
  /// The message names the step, then the problem.
  step_options_error(const std::string& step_id, const std::string& problem);
};

/// JSON does not fit the C++ type, when it is read or written. It is never retried, because the same JSON
/// would fail again.
class payload_error : public error {
 public:
  /// `path` locates the value, such as "data.nodes[2].position.x"; empty for the whole text.
  payload_error(std::string path, const std::string& problem);
  /// The location of the value, such as "data.nodes[2].position.x"; empty for the whole text.
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

/// Throw it from a step or handler to choose the time of the next attempt. An Inngest server limits the delay
/// to between one second and 24 hours.
class retry_after_error : public error {
 public:
  /// Retries after the delay.
  retry_after_error(const std::string& message, duration_ms delay);
  /// Retries at the given time.
  retry_after_error(const std::string& message, detail::precise_time at);

  /// The time from `now` to the next attempt, rounded up; never negative.
  std::chrono::milliseconds delay(std::chrono::system_clock::time_point now) const;

 private:
  std::chrono::milliseconds delay_{};
  std::optional<detail::precise_time> at_;
};

/// A step failed permanently: it used up its attempts or threw `non_retriable_error`. Its step call throws
/// this error to the handler. `what()` is the message of the original exception.
class step_error : public error {
 public:
  /// An exception nested in the original one.
  struct cause {
    /// Its type name.
    std::string name;
    /// Its message.
    std::string message;
  };

  /// `name` is the type name of the original exception.
  step_error(std::string step_id, std::string name, const std::string& message,
             std::vector<cause> causes = {});
  /// The id given to the step call.
  const std::string& step_id() const noexcept { return step_id_; }
  /// The type name of the exception that the step threw, such as "std::runtime_error".
  const std::string& name() const noexcept { return name_; }
  /// The exceptions nested in the original one, outermost first.
  const std::vector<cause>& causes() const noexcept { return causes_; }

 private:
  std::string step_id_;
  std::string name_;
  std::vector<cause> causes_;
};

/// A step's body ran longer than step_options::deadline.
class deadline_exceeded : public detail::error_of<error_code::deadline_exceeded> {
  using error_of::error_of;
};

/// An event, result or answer exceeds a limit of the Inngest server. Never retried.
class too_large : public detail::error_of<error_code::too_large> {
  using error_of::error_of;
};

/// A step was called inside another step's body, where its result can't be memoized.
class nested_step_error : public error {
 public:
  /// The ids of the inner and the outer step.
  nested_step_error(std::string_view inner, std::string_view outer);
};

/// A step, group or deferred call was used on a thread other than the handler's. The run fails with this
/// error even if that thread catches it.
class wrong_thread_error : public error {
 public:
  /// `step` is the step's id; empty for calls without an id.
  wrong_thread_error(std::string_view step, std::string_view function);
};

/// The server refused an event because of its name, size or data.
class event_rejected : public error {
 public:
  /// `accepted` contains the ids of the events that the server accepted before the rejected one.
  explicit event_rejected(const std::string& message, std::vector<std::string> accepted = {});
  /// The ids of the events before the rejected one, which the server has accepted.
  const std::vector<std::string>& accepted() const noexcept { return accepted_; }

 private:
  std::vector<std::string> accepted_;
};

/// The server refused the event key or the signing key.
class unauthorized : public detail::error_of<error_code::unauthorized> {
  using error_of::error_of;
};

/// The receiver did not take a request: no server answered, after all attempts, or an embedded engine can't
/// write to its store or has ended. The same request may succeed later.
class unreachable : public detail::error_of<error_code::unreachable> {
  using error_of::error_of;
};

/// The server refused an API request other than an event.
class request_rejected : public error {
 public:
  /// `status` is the HTTP status of the answer.
  request_rejected(const std::string& message, int status);
  /// The HTTP status of the answer.
  int status() const noexcept { return status_; }

 private:
  int status_;
};

/// A request or an answer violates the protocol and can't be read.
class protocol_error : public detail::error_of<error_code::protocol> {
  using error_of::error_of;
};

/// An embedded engine's store can't be opened, read or written: the disk is full, or the file is damaged,
/// open in another process, or written by a newer version.
class store_error : public error {
 public:
  /// The message names the file, then the problem.
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
