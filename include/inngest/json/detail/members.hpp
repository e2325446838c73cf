#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json/detail/canonical.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Looks for an object that has two members with the same name, however the names are escaped, at any depth.
///
/// It reads megabytes for each call of a function, so it looks at nothing but quotes and braces: a string
/// that a colon follows is the name of a member of the innermost object. It is no judge of what is not JSON.
class duplicate_search {
 public:
  explicit duplicate_search(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool run();

 private:
  struct object {
    std::size_t first;  // of its names
    bool ascending;     // so far: then no name can be there twice
  };

  /// Moves to the next of the characters; false when there is none.
  bool skip_to(char a, char b, char c);

  /// The highest bit of each byte that is the character; right up to the first of them.
  static std::uint64_t places_of(char c, std::uint64_t bytes);

  /// Moves from a string's first character to the quote behind it. Whether it has escapes.
  bool skip_string();

  bool is_name();

  void add(std::string_view raw, bool escaped);

  /// Leaves the innermost object; true if a name is in it twice.
  bool close();

  const char* at_;
  const char* const end_;
  std::vector<object> open_;
  std::vector<std::string_view> names_;  // of the members of all open objects
  std::deque<std::string> unescaped_;
};

/// Whether an object in JSON text has two members with the same name.
inline bool has_duplicate_members(std::string_view text) { return duplicate_search(text).run(); }

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/members.ipp>
#endif
