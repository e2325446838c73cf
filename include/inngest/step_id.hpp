#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

/// The SHA-1 by which an Inngest server identifies a step.
using step_hash = detail::sha1_digest;

/// The id of a step. It identifies the step, and so its stored result, within the function.
///
/// A literal is hashed at compile time; text made at run time, such as "step-" + node.id, is hashed when
/// used.
class step_id {
 public:
  /// The id of a literal, hashed at compile time.
  template <std::size_t Size>
  consteval step_id(const char (&literal)[Size], const char* file = __builtin_FILE(),
                    int line = __builtin_LINE())
      : text_(literal, Size - 1), hash_(detail::sha1::of(text_)), line_(line), file_(file) {}

  /// The id of text made at run time. The text must outlive the call.
  template <class Text>
    requires(std::is_convertible_v<const Text&, std::string_view> && !std::is_array_v<Text> &&
             !std::is_same_v<Text, step_id>)
  step_id(const Text& text, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : text_(text), hash_(detail::sha1_at_run_time(text_)), line_(line), file_(file) {}

  /// The id as written. It points to the caller's text.
  constexpr std::string_view text() const { return text_; }
  /// The hash of the id.
  constexpr const step_hash& hash() const { return hash_; }
  /// The source file of the step's call.
  constexpr const char* file() const { return file_; }
  /// The line of the step's call.
  constexpr int line() const { return line_; }

 private:
  // This order of the members avoids padding: Clang 14 drops it from constants.
  std::string_view text_;
  step_hash hash_;
  int line_;
  const char* file_;
};

/// Options of a step. Every step accepts them instead of an id:
/// `ctx.step.run({.id = "charge", .name = "Charge the card"}, ...)`.
struct step_options {
  /// Identifies the step within the function.
  step_id id;
  /// The displayed name. Default: the id.
  std::string name{};
  /// How often a failed run step is retried, if less than function_options::retries, which is the default.
  std::optional<int> retries{};
  /// The delay after the failure of the given attempt (0 is the first). Default: the server decides.
  std::function<duration_ms(int attempt)> backoff{};
  /// How long a run step may take. After that, its stop_token is signalled, a late result is discarded, and
  /// the attempt fails with deadline_exceeded.
  std::optional<duration_ms> deadline{};
};

namespace detail {

struct step_hash_hasher {
  std::size_t operator()(const step_hash& hash) const noexcept;
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/step_id.ipp>
#endif
