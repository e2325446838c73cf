#pragma once

#include <cmath>
#include <limits>

#include <inngest/config.hpp>
#include <inngest/expression/detail/value.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE cel_value cel_value::of(const json& value, bool whole_numbers) {
  switch (value.type()) {
    case json::value_t::boolean:
      return value.get<bool>();
    case json::value_t::number_integer:
      return whole_numbers ? cel_value(value.get<std::int64_t>()) : cel_value(value.get<double>());
    case json::value_t::number_unsigned: {
      const auto number = value.get<std::uint64_t>();
      const bool fits = number <= static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
      return whole_numbers && fits ? cel_value(static_cast<std::int64_t>(number))
                                   : cel_value(value.get<double>());
    }
    case json::value_t::number_float:
      return value.get<double>();
    case json::value_t::string:
      return value.get<std::string>();
    case json::value_t::array:
    case json::value_t::object:
      return &value;
    default:
      return nullptr;
  }
}

INNGEST_INLINE std::string_view cel_value::type_name() const {
  constexpr std::string_view names[] = {"null_type",
                                        "bool",
                                        "int",
                                        "uint",
                                        "double",
                                        "string",
                                        "bytes",
                                        "google.protobuf.Timestamp",
                                        "google.protobuf.Duration",
                                        "type",
                                        "list",
                                        "map"};
  if (is_list()) return "list";
  if (is_map()) return "map";
  return is_error() ? "error" : names[value_.index()];
}

INNGEST_INLINE std::size_t size_of(const cel_value& value) {
  if (const auto* list = value.as<cel_list>()) return (*list)->size();
  if (const auto* map = value.as<cel_map>()) return (*map)->size();
  return (*value.as<const json*>())->size();
}

INNGEST_INLINE cel_value element_of(const cel_value& list, std::size_t index, bool whole_numbers) {
  if (const auto* own = list.as<cel_list>()) return (**own)[index];
  return cel_value::of((**list.as<const json*>())[index], whole_numbers);
}

INNGEST_INLINE std::vector<cel_value> elements_of(const cel_value& value, bool whole_numbers) {
  std::vector<cel_value> out;
  if (const auto* list = value.as<cel_list>()) return **list;
  if (const auto* map = value.as<cel_map>()) {
    for (const auto& [key, mapped] : **map) out.push_back(key);
    return out;
  }
  const json& whole = **value.as<const json*>();
  if (whole.is_array()) {
    for (const json& element : whole) out.push_back(cel_value::of(element, whole_numbers));
  } else {
    for (const auto& [key, member] : whole.items()) out.emplace_back(key);
  }
  return out;
}

INNGEST_INLINE std::size_t weight_of(const json& value, std::size_t most, int levels) {
  if (value.is_string()) return 1 + value.get_ref<const std::string&>().size() / 256;
  std::size_t out = 1;
  if (!value.is_structured() || levels == 0) return out;
  for (auto member = value.begin(); member != value.end() && out <= most; ++member)
    out += weight_of(*member, most - out, levels - 1);
  return out;
}

INNGEST_INLINE std::size_t weight_of(const cel_value& value, std::size_t most, int json_levels) {
  std::size_t out = 1;
  const auto add = [&](const cel_value& part) {
    if (out <= most) out += weight_of(part, most - out, json_levels);
  };
  if (const auto* text = value.as<std::string>()) out += text->size() / 256;
  if (const auto* bytes = value.as<cel_bytes>()) out += bytes->text.size() / 256;
  if (const auto* whole = value.as<const json*>()) return weight_of(**whole, most, json_levels);
  if (const auto* list = value.as<cel_list>()) {
    for (const cel_value& element : **list) add(element);
  }
  if (const auto* map = value.as<cel_map>()) {
    for (const auto& [key, mapped] : **map) {
      add(key);
      add(mapped);
    }
  }
  return out;
}

INNGEST_INLINE int compare_numbers(const cel_value& a, const cel_value& b) {
  const auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (const auto* x = a.as<std::int64_t>()) {
    if (const auto* y = b.as<std::int64_t>()) return order(*x, *y);
    if (const auto* y = b.as<std::uint64_t>()) return *x < 0 ? -1 : order(static_cast<std::uint64_t>(*x), *y);
  }
  if (const auto* x = a.as<std::uint64_t>()) {
    if (const auto* y = b.as<std::uint64_t>()) return order(*x, *y);
    if (b.as<std::int64_t>()) return -compare_numbers(b, a);
  }
  const auto* x = a.as<double>();
  if (!x) {
    const int reversed = compare_numbers(b, a);
    return reversed == 2 ? 2 : -reversed;
  }
  if (std::isnan(*x)) return 2;
  if (const auto* y = b.as<double>()) return std::isnan(*y) ? 2 : order(*x, *y);
  // first compare the whole parts, then the fractions
  constexpr double two_to_63 = 9223372036854775808.0;
  // the largest integer becomes 2^63 as a double
  if (const auto* y = b.as<std::int64_t>()) {
    if (*x >= two_to_63) return order(*x, static_cast<double>(*y));
    if (*x < -two_to_63) return -1;
    const int whole = order(static_cast<std::int64_t>(*x), *y);
    return whole != 0 ? whole : order(*x, std::trunc(*x));
  }
  const std::uint64_t y = *b.as<std::uint64_t>();
  if (*x >= 2 * two_to_63) return order(*x, static_cast<double>(y));
  if (*x < 0) return -1;
  const int whole = order(static_cast<std::uint64_t>(*x), y);
  return whole != 0 ? whole : order(*x, std::trunc(*x));
}

INNGEST_INLINE std::optional<cel_value> member_of(const cel_value& map, const cel_value& key,
                                                  bool whole_numbers) {
  if (const auto* own = map.as<cel_map>()) {
    const cel_value* found = find_key(*own, key);
    return found ? std::optional<cel_value>(*found) : std::nullopt;
  }
  const json& object = **map.as<const json*>();
  const auto* name = key.as<std::string>();
  const auto found = name ? object.find(*name) : object.end();
  return found == object.end() ? std::nullopt
                               : std::optional<cel_value>(cel_value::of(*found, whole_numbers));
}

INNGEST_INLINE bool are_equal_lists(const cel_value& a, const cel_value& b) {
  if (size_of(a) != size_of(b)) return false;
  for (std::size_t i = 0; i < size_of(a); ++i) {
    if (!are_equal(element_of(a, i, true), element_of(b, i, true))) return false;
  }
  return true;
}

INNGEST_INLINE bool are_equal_maps(const cel_value& a, const cel_value& b) {
  if (size_of(a) != size_of(b)) return false;
  for (const cel_value& key : elements_of(a, true)) {
    const auto other = member_of(b, key, true);
    if (!other || !are_equal(*member_of(a, key, true), *other)) return false;
  }
  return true;
}

INNGEST_INLINE bool are_equal(const cel_value& a, const cel_value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.is_list() && b.is_list()) return are_equal_lists(a, b);
  if (a.is_map() && b.is_map()) return are_equal_maps(a, b);
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  const auto same = [&](const auto* x, const auto* y) { return x && y && *x == *y; };
  const auto* bytes = a.as<cel_bytes>();
  const auto* other_bytes = b.as<cel_bytes>();
  if (bytes && other_bytes) return bytes->text == other_bytes->text;
  const auto* type = a.as<cel_type>();
  const auto* other_type = b.as<cel_type>();
  if (type && other_type) return type->name == other_type->name;
  return same(a.as<bool>(), b.as<bool>()) || same(a.as<std::string>(), b.as<std::string>()) ||
         same(a.as<cel_timestamp>(), b.as<cel_timestamp>()) ||
         same(a.as<cel_duration>(), b.as<cel_duration>());
}

INNGEST_INLINE const cel_value* find_key(const cel_map& map, const cel_value& key) {
  for (const auto& [known, value] : *map) {
    if (are_equal(known, key)) return &value;
  }
  return nullptr;
}

INNGEST_INLINE std::optional<int> compare(const cel_value& a, const cel_value& b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (const auto* x = a.as<bool>(), *y = b.as<bool>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<std::string>(), *y = b.as<std::string>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<cel_bytes>(), *y = b.as<cel_bytes>(); x && y) return order(x->text, y->text);
  if (const auto* x = a.as<cel_timestamp>(), *y = b.as<cel_timestamp>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<cel_duration>(), *y = b.as<cel_duration>(); x && y) return order(*x, *y);
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::detail
