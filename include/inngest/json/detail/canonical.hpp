#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/parse_real.hpp>

// Canonical JSON (RFC 8785). An Inngest server signs this form of its requests.

namespace inngest::inline INNGEST_ABI::detail {

/// Appends a finite number as ECMAScript writes it: the shortest digits that read back as the same double.
void write_canonical_number(std::string& out, double value);

/// The position of the first quote, backslash or control character from `at` on; the text's size when there
/// is none.
std::size_t find_special(std::string_view text, std::size_t at);

/// Compares two UTF-8 texts by their UTF-16 code units.
bool utf16_less(std::string_view a, std::string_view b);

void append_utf8(std::string& out, std::uint32_t code_point);

/// The value of the four hex digits at `at`; -1 when there are none.
int utf16_unit(std::string_view text, std::size_t at);

/// Replaces the escapes of a JSON string, given without its quotes. Returns false for an invalid escape. Half
/// of a surrogate pair is invalid, but is appended as three bytes.
bool unescape(std::string& out, std::string_view text);

/// Converts JSON text into its canonical form in two passes: the first checks everything and sorts the
/// members of every object by name, the second writes. Nothing is copied in between, so the cost is linear in
/// the length.
class canonical_writer {
 public:
  explicit canonical_writer(std::string_view text) : text_(text) {}

  /// \throws payload_error
  std::string run();

 private:
  struct member {
    std::string_view name;  // without escapes
    std::uint32_t value;    // position of the value
  };
  struct object {
    std::uint32_t begin;
    std::uint32_t end;
    std::uint32_t first;  // of its members
    std::uint32_t count;
  };

  /// The error contains the position but no content, because these errors are logged and payloads must not
  /// be.
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

  /// Moves past a string and returns its content without the quotes.
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

  /// Whether a number outside the range of a double is too small, not too large.
  static bool is_tiny(std::string_view token);

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
  std::string scratch_;            // the last scanned string without escapes, if it had any
  std::deque<std::string> names_;  // names of members with escapes; addresses are stable
  std::vector<object> objects_;    // objects that are not empty, by position
  std::vector<member> members_;    // members of all closed objects
  std::vector<member> open_;       // members of the objects that are open in the first pass
};

/// `text` in canonical form (RFC 8785): no white space, members ordered by the UTF-16 code units of their
/// names, numbers as ECMAScript writes doubles, no needless escapes.
/// \throws payload_error for text without a canonical form: it is not JSON, an object has duplicate members,
/// a surrogate pair is incomplete, a number is outside the range of a double, or the nesting is deeper than
/// INNGEST_MAX_JSON_DEPTH.
inline std::string canonical_json(std::string_view text) { return canonical_writer(text).run(); }

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/canonical.ipp>
#endif
