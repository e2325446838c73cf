#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/parse_real.hpp>

// Canonical JSON: RFC 8785. It is what an Inngest server signs, whatever it sends.

namespace inngest::inline INNGEST_ABI::detail {

/// Appends a finite number as ECMAScript writes it: the shortest digits that read back as the same double.
void write_canonical_number(std::string& out, double value);

/// The place of the first byte from `at` on that is a quote, a backslash or a control character; the text's
/// size when there is none.
std::size_t find_special(std::string_view text, std::size_t at);

/// Whether UTF-8 text comes before another in the order of their UTF-16 code units.
bool utf16_less(std::string_view a, std::string_view b);

void append_utf8(std::string& out, std::uint32_t code_point);

/// The four hex digits at `at` as a number; -1 when they are not there.
int utf16_unit(std::string_view text, std::size_t at);

/// Undoes the escapes of a JSON string, given without its quotes. False for an escape that JSON does not
/// have; half of a surrogate pair is one, but is appended as the three bytes that its number takes.
bool unescape(std::string& out, std::string_view text);

/// Turns JSON text into its canonical form in two passes: the first checks everything and sorts the members
/// of each object by name, the second writes. Nothing is copied in between, so that deep and large texts
/// cost no more than their length.
class canonical_writer {
 public:
  explicit canonical_writer(std::string_view text) : text_(text) {}

  /// \throws payload_error
  std::string run();

 private:
  struct member {
    std::string_view name;  // without escapes
    std::uint32_t value;    // where it begins
  };
  struct object {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t first;  // of its members
    std::uint32_t count;
  };

  /// Says where, never what: such errors are logged, and payloads are not.
  [[noreturn]] void fail(const char* problem) const;

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space();

  bool take(char wanted);

  // ---- the first pass -------------------------------------------------------------------------------

  void scan_value(std::size_t depth);

  void check_depth(std::size_t depth) const;

  void scan_array(std::size_t depth);

  void scan_object(std::size_t depth);

  void sort_members(std::vector<member>::iterator first);

  std::string_view scan_name();

  /// Moves past a string and gives what stands between its quotes.
  std::string_view scan_string();

  void scan_digits();

  std::string_view scan_number();

  // ---- the second pass: the text is valid by now --------------------------------------------------------

  void write_value();

  void write_array();

  void write_object();

  void write_string();

  void write_text(std::string_view text);

  void write_number();

  /// Whether a number that no double can hold is too small, not too large.
  static bool is_tiny(std::string_view token);

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::string scratch_;            // the string that was scanned last, without escapes, if it has any
  std::deque<std::string> names_;  // of members, if they have escapes; pointed to
  std::vector<object> objects_;    // that are not empty, in the order in which they begin
  std::vector<member> members_;    // of all objects that have ended
  std::vector<member> open_;       // of the objects around the place where the first pass is
};

/// `text` in canonical form (RFC 8785): no white space, members ordered by the UTF-16 code units of their
/// names, numbers as ECMAScript writes doubles, no needless escapes.
/// \throws payload_error for what has no such form: text that is not JSON, two members with the same name
/// in one object, half of a surrogate pair, a number that no double can hold, more nesting than
/// INNGEST_MAX_JSON_DEPTH.
inline std::string canonical_json(std::string_view text) { return canonical_writer(text).run(); }

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/canonical.ipp>
#endif
