#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <inngest/detail/sha1.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest {

/// The SHA-1 by which an Inngest server knows a step.
using step_hash = detail::sha1_digest;

/// The id of a step: what tells it from the function's other steps, and its results from theirs.
///
/// A literal is hashed while the program compiles. A text that is made at run time, such as
/// "step-" + node.id, is hashed when it is used.
class step_id {
 public:
  template <std::size_t Size>
  consteval step_id(const char (&literal)[Size], const char* file = __builtin_FILE(),
                    int line = __builtin_LINE())
      : text_(literal, Size - 1), hash_(detail::sha1::of(text_)), line_(line), file_(file) {}

  template <class Text>
    requires(std::is_convertible_v<const Text&, std::string_view> && !std::is_array_v<Text> &&
             !std::is_same_v<Text, step_id>)
  step_id(const Text& text, const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : text_(text), hash_(detail::sha1::of(text_)), line_(line), file_(file) {}

  /// The id as written. It points to the caller's text, which must live as long as the call.
  constexpr std::string_view text() const { return text_; }
  constexpr const step_hash& hash() const { return hash_; }
  /// Where the step is called.
  constexpr const char* file() const { return file_; }
  constexpr int line() const { return line_; }

 private:
  // In this order there is no padding between the members, which Clang 14 leaves out of constants.
  std::string_view text_;
  step_hash hash_;
  int line_;
  const char* file_;
};

/// What can be said of a step beside its id. Wherever a step id is taken, options are taken too:
/// `ctx.step.run({.id = "charge", .name = "Charge the card"}, ...)`.
struct step_options {
  step_id id;
  /// Shown in place of the id; the id when empty.
  std::string name{};
  /// How often a failed run step is tried again, where that is less than function_options::retries allows.
  std::optional<int> retries{};
  /// How long to wait after the given attempt (0 is the first) has failed. Default: as the server does.
  std::function<duration_ms(int attempt)> backoff{};
  /// How long a run step may take. Then its stop_token is told, and what it gives afterwards is not
  /// taken: the attempt has failed with deadline_exceeded.
  std::optional<duration_ms> deadline{};
};

namespace detail {

struct step_hash_hasher {
  std::size_t operator()(const step_hash& hash) const noexcept {
    std::size_t out;
    static_assert(sizeof out <= sizeof(step_hash));
    std::memcpy(&out, hash.data(), sizeof out);  // SHA-1 is spread evenly already
    return out;
  }
};

}  // namespace detail
}  // namespace inngest
