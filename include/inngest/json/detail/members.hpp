#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json/detail/canonical.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Searches for an object with duplicate members, at any depth and with any escaping of the names.
///
/// It reads megabytes for every call of a function, so it only looks at quotes and braces: a string followed
/// by a colon is the name of a member of the innermost object. It does not detect invalid JSON.
class duplicate_search {
 public:
  explicit duplicate_search(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool run();

 private:
  struct object {
    std::size_t first;  // index of its first name
    bool ascending;     // all names so far are ascending, so none is a duplicate
  };

  /// Moves to the next occurrence of a character; false when there is none.
  bool skip_to(char a, char b, char c);

  /// Sets the highest bit of every byte that equals the character; exact up to the first match.
  static std::uint64_t places_of(char c, std::uint64_t bytes);

  /// Moves from a string's first character to its closing quote. Returns whether it has escapes.
  bool skip_string();

  bool is_name();

  void add(std::string_view raw, bool escaped);

  /// Leaves the innermost object. Returns true if it has duplicate names.
  bool close();

  const char* at_;
  const char* const end_;
  std::vector<object> open_;
  std::vector<std::string_view> names_;  // of the members of all open objects
  std::deque<std::string> unescaped_;
};

/// Whether an object in JSON text has duplicate members.
inline bool has_duplicate_members(std::string_view text) { return duplicate_search(text).run(); }

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/members.ipp>
#endif
