#pragma once

#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/expression/detail/parser.hpp>
#include <inngest/json/detail/shape.hpp>

// Finds members in expressions that the event types do not have. A server treats them as null.

namespace inngest::inline INNGEST_ABI::detail {

/// The edit distance of two texts: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The most similar name; empty when none is similar.
std::string_view nearest_name(std::string_view wanted, const std::vector<std::string_view>& names);

/// The shapes of the events in an expression: `event`, and `async` where there is a second event. Empty when
/// unknown.
struct expression_events {
  std::span<const event_shape> event{};
  std::span<const event_shape> async{};
};

/// Checks an expression's tree. With several event types, a member is known if any of them has it.
class member_check {
 public:
  member_check(std::string_view text, const std::vector<cel_node>& nodes, const expression_events& events);

  /// \throws expression_error for the first unknown member.
  void run() { look(nodes_.size() - 1); }

 private:
  using kind = cel_node::kind;
  using shapes = std::vector<const json_shape*>;

  /// The possible shapes of a part of the expression, and its path for messages. Empty when unknown.
  struct found {
    shapes all{};
    std::string path{};
    std::span<const event_shape> whole{};  // set for the event itself
  };

  found look(std::size_t at);

  found variable(const std::string& name) const;

  found bound(const std::string& name) const;

  found index(const cel_node& node);

  found macro(const cel_node& node);

  /// The shapes of the elements of lists and maps; empty when unknown.
  static found element(const found& of, std::string_view suffix);

  found member(const found& of, const std::string& name, std::size_t position) const;

  found member_of_event(const found& of, const std::string& name, std::size_t position) const;

  [[noreturn]] void refuse(const found& of, const std::string& name, std::size_t position,
                           std::vector<std::string_view> names = {}) const;

  std::string_view text_;
  const std::vector<cel_node>& nodes_;
  const expression_events& events_;
  std::vector<std::pair<std::string, found>> bound_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/members.ipp>
#endif
