#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/type_name.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

/// An exception in the protocol's form.
struct error_info {
  std::string name;
  std::string message;
  /// The stack trace: the step call, if known.
  std::string stack{};
  /// The exceptions nested in the original one, outermost first.
  std::vector<step_error::cause> causes{};
};

/// An exception, and whether and when the server retries.
struct failure {
  error_info info;
  bool retriable = true;
  std::optional<std::chrono::milliseconds> retry_after{};
};

inline constexpr std::size_t deepest_cause = 5;

/// A currently handled exception that is not a std::exception.
struct thrown_value {
  std::string type{};  // the type as written in the source code
  std::string text{};  // the value, for texts and numbers
};

thrown_value read_thrown_value();

void describe_causes(const std::exception& outer, error_info& info);

/// Whether a retry could succeed.
constexpr bool is_worth_retrying(error_code code) {
  switch (code) {
    case error_code::non_retriable:
    case error_code::http:
    case error_code::payload:
    case error_code::nested_step:
    case error_code::step_options:
    case error_code::wrong_thread:
    case error_code::too_large:
    case error_code::not_deterministic:
      return false;
    default:
      return true;
  }
}

/// Describes an exception of a handler or step. `thrower` names it, as in "function \"charge\"".
failure describe(const std::exception_ptr& thrown, std::chrono::system_clock::time_point now,
                 const std::string& thrower = "the code");

/// Appends the error as a JSON object.
void write_error(std::string& out, const error_info& info);

/// The name of the error of a call whose step the function did not reach. The engine then calls the whole
/// function, which may have new steps before that one.
inline constexpr const char* step_not_reached = "inngest::step_not_reached";

/// A step in that error's message, which the engine replaces by the step's name.
inline std::string unnamed_step(std::string_view hash) {
  return "the step whose id has the hash " + std::string(hash);
}

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/error_info.ipp>
#endif
