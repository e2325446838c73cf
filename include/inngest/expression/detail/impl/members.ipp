#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/expression/detail/members.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last, row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = (std::min)({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = (std::min)(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

INNGEST_INLINE std::string_view nearest_name(std::string_view wanted,
                                             const std::vector<std::string_view>& names) {
  const auto plain = [](std::string_view text) {
    std::string out = lower_case(text);
    std::erase_if(out, [](char c) { return c == '_' || c == '-'; });  // order_id is similar to orderId
    return out;
  };
  std::string_view best;
  std::size_t least = 1 + std::max<std::size_t>(1, wanted.size() / 3);
  for (const std::string_view name : names) {
    const std::size_t distance = edit_distance(plain(wanted), plain(name));
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

INNGEST_INLINE member_check::member_check(std::string_view text, const std::vector<cel_node>& nodes,
                                          const expression_events& events)
    : text_(text), nodes_(nodes), events_(events) {}

INNGEST_INLINE member_check::found member_check::look(std::size_t at) {
  const cel_node& node = nodes_[at];
  switch (node.what) {
    case kind::variable:
      return node.integer == 1 ? bound(node.text) : variable(node.text);
    case kind::select:
    case kind::has:
      return member(look(node.parts[0]), node.text, node.position);
    case kind::operation:
      if (node.text == "[]") return index(node);
      break;
    case kind::macro:
      return macro(node);
    default:
      break;
  }
  for (const std::size_t part : node.parts) look(part);
  return {};
}

INNGEST_INLINE member_check::found member_check::variable(const std::string& name) const {
  const auto& events = name == "event" ? events_.event : events_.async;
  if ((name != "event" && name != "async") || events.empty()) return {};
  return {.path = name, .whole = events};
}

INNGEST_INLINE member_check::found member_check::bound(const std::string& name) const {
  for (std::size_t i = bound_.size(); i-- > 0;) {
    if (bound_[i].first == name) return bound_[i].second;
  }
  return {};
}

INNGEST_INLINE member_check::found member_check::index(const cel_node& node) {
  found of = look(node.parts[0]);
  const cel_node& key = nodes_[node.parts[1]];
  if (key.what == kind::string) return member(of, key.text, key.position);
  look(node.parts[1]);
  return element(of, "[]");
}

INNGEST_INLINE member_check::found member_check::macro(const cel_node& node) {
  found of = look(node.parts[0]);
  found bound = element(of, "[]");
  const bool keys = std::any_of(of.all.begin(), of.all.end(), [](const json_shape* shape) {
    return shape->what != json_shape::kind::list;  // the variable takes a map's keys
  });
  bound_.emplace_back(nodes_[node.parts[1]].text, keys ? found{} : std::move(bound));
  for (std::size_t i = 2; i < node.parts.size(); ++i) look(node.parts[i]);
  bound_.pop_back();
  return node.text == "filter" ? of : found{};
}

INNGEST_INLINE member_check::found member_check::element(const found& of, std::string_view suffix) {
  found out{.path = of.path + std::string(suffix)};
  for (const json_shape* shape : of.all) {
    if (shape->element == nullptr) return {};
    out.all.push_back(&shape->element());
  }
  return out;
}

INNGEST_INLINE member_check::found member_check::member(const found& of, const std::string& name,
                                                        std::size_t position) const {
  using shape_kind = json_shape::kind;
  if (!of.whole.empty()) return member_of_event(of, name, position);
  found out{.path = of.path + "." + name};
  bool unknown = of.all.empty();
  for (const json_shape* shape : of.all) {
    if (shape->what == shape_kind::any) unknown = true;
    if (shape->what == shape_kind::map) out.all.push_back(&shape->element());
    const json_shape::member* known = shape->find(name);
    if (known != nullptr) out.all.push_back(&known->shape());
  }
  // a server adds this member to the event of an invoked or deferred function
  const bool of_server = name == "_inngest" && of.path.ends_with(".data");
  if (unknown || of_server) return {};
  if (out.all.empty()) refuse(of, name, position);
  return out;
}

INNGEST_INLINE member_check::found member_check::member_of_event(const found& of, const std::string& name,
                                                                 std::size_t position) const {
  static constexpr std::string_view names[] = {"data", "id", "meta", "name", "ts", "user", "v"};
  if (std::find(std::begin(names), std::end(names), name) == std::end(names))
    refuse(of, name, position, {std::begin(names), std::end(names)});
  if (name != "data") return {};
  found out{.path = of.path + ".data"};
  for (const event_shape& event : of.whole) out.all.push_back(&event.data());
  return out;
}

INNGEST_INLINE void member_check::refuse(const found& of, const std::string& name, std::size_t position,
                                         std::vector<std::string_view> names) const {
  std::string_view value;
  for (const json_shape* shape : of.all) {
    value = shape->name;
    for (const json_shape::member& known : shape->members) {
      if (std::find(names.begin(), names.end(), known.name) == names.end()) names.push_back(known.name);
    }
  }
  std::string problem = of.path + " has no member \"" + name + "\"";
  if (names.empty()) {
    problem += value.empty() ? ": it has none" : ": it is " + std::string(value);
  } else {
    const std::string_view meant = nearest_name(name, names);
    problem += meant.empty() ? ": it has " : " (did you mean \"" + std::string(meant) + "\"?): it has ";
    constexpr std::size_t most = 24;
    for (std::size_t i = 0; i < (std::min)(names.size(), most); ++i) {
      if (i > 0) problem += ", ";
      problem += names[i];
    }
    if (names.size() > most) problem += " and " + std::to_string(names.size() - most) + " more";
  }
  throw expression_error(problem, text_, position);
}

}  // namespace inngest::inline INNGEST_ABI::detail
