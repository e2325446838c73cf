#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/json.hpp>

// What expressions compute with.

namespace inngest::detail {

class cel_value;

struct cel_bytes {
  std::string text{};
};
struct cel_timestamp {
  std::int64_t seconds = 0;  // since 1970
  std::int32_t nanoseconds = 0;
  friend auto operator<=>(const cel_timestamp&, const cel_timestamp&) = default;
};
struct cel_duration {
  std::int64_t nanoseconds = 0;
  friend auto operator<=>(const cel_duration&, const cel_duration&) = default;
};
/// A type as a value, by its name.
struct cel_type {
  std::string name{};
};
/// What could not be computed. A value that is not known is such an error, too: see missing_fields.
struct cel_error {
  std::string problem{};
  std::size_t position = 0;
  bool is_unknown = false;
};
using cel_list = std::shared_ptr<const std::vector<cel_value>>;
using cel_map = std::shared_ptr<const std::vector<std::pair<cel_value, cel_value>>>;

/// A value of an expression. Lists and objects of the variables stay the JSON that they are, which must live
/// as long.
class cel_value {
 public:
  using any = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, cel_bytes,
                           cel_timestamp, cel_duration, cel_type, cel_list, cel_map, const json*, cel_error>;

  cel_value() : value_(nullptr) {}
  template <class T>
    requires std::is_constructible_v<any, T> cel_value(T value) : value_(std::move(value)) {}

    /// `whole_numbers` says whether numbers without a fraction become int.
    static cel_value of(const json& value, bool whole_numbers) {
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

    template <class T>
    const T* as() const {
      return std::get_if<T>(&value_);
    }
    bool is_error() const { return std::holds_alternative<cel_error>(value_); }
    bool is_unknown() const { return is_error() && as<cel_error>()->is_unknown; }
    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
    bool is_number() const { return as<std::int64_t>() || as<std::uint64_t>() || as<double>(); }
    bool is_list() const { return as<cel_list>() || (as<const json*>() && (*as<const json*>())->is_array()); }
    bool is_map() const { return as<cel_map>() || (as<const json*>() && (*as<const json*>())->is_object()); }

    /// The name of its type, as type() gives it.
    std::string_view type_name() const {
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

   private:
    any value_;
};

// ---- lists and maps, of whatever kind ---------------------------------------------------------------------

inline std::size_t size_of(const cel_value& value) {
  if (const auto* list = value.as<cel_list>()) return (*list)->size();
  if (const auto* map = value.as<cel_map>()) return (*map)->size();
  return (*value.as<const json*>())->size();
}

inline cel_value element_of(const cel_value& list, std::size_t index, bool whole_numbers) {
  if (const auto* own = list.as<cel_list>()) return (**own)[index];
  return cel_value::of((**list.as<const json*>())[index], whole_numbers);
}

/// The elements of a list, or the keys of a map.
inline std::vector<cel_value> elements_of(const cel_value& value, bool whole_numbers) {
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

/// How much there is of a value, so that what is produced can be limited: a step for each value in it, and
/// for each 256 bytes of text. Of JSON so many levels count; it is there anyway. Stops soon after `most`.
inline std::size_t weight_of(const json& value, std::size_t most, int levels) {
  if (value.is_string()) return 1 + value.get_ref<const std::string&>().size() / 256;
  std::size_t out = 1;
  if (!value.is_structured() || levels == 0) return out;
  for (auto member = value.begin(); member != value.end() && out <= most; ++member)
    out += weight_of(*member, most - out, levels - 1);
  return out;
}
inline std::size_t weight_of(const cel_value& value, std::size_t most, int json_levels = 0) {
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

// ---- comparing --------------------------------------------------------------------------------------------

/// -1, 0 or 1; 2 when one is not a number (NaN).
inline int compare_numbers(const cel_value& a, const cel_value& b) {
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
  // a whole part that fits decides, then the rest does
  constexpr double two_to_63 = 9223372036854775808.0;
  // at the end of whole numbers their greatest is what it becomes as a double
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

inline const cel_value* find_key(const cel_map& map, const cel_value& key);

inline bool are_equal(const cel_value& a, const cel_value& b);

/// A map's value; nothing when there is no such key.
inline std::optional<cel_value> member_of(const cel_value& map, const cel_value& key, bool whole_numbers) {
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

inline bool are_equal_lists(const cel_value& a, const cel_value& b) {
  if (size_of(a) != size_of(b)) return false;
  for (std::size_t i = 0; i < size_of(a); ++i) {
    if (!are_equal(element_of(a, i, true), element_of(b, i, true))) return false;
  }
  return true;
}

inline bool are_equal_maps(const cel_value& a, const cel_value& b) {
  if (size_of(a) != size_of(b)) return false;
  for (const cel_value& key : elements_of(a, true)) {
    const auto other = member_of(b, key, true);
    if (!other || !are_equal(*member_of(a, key, true), *other)) return false;
  }
  return true;
}

/// Whether they are the same: numbers by what they are worth, others of one type only.
inline bool are_equal(const cel_value& a, const cel_value& b) {
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

inline const cel_value* find_key(const cel_map& map, const cel_value& key) {
  for (const auto& [known, value] : *map) {
    if (are_equal(known, key)) return &value;
  }
  return nullptr;
}

/// -1, 0 or 1 of two that have an order, 2 when neither is first (NaN); nothing for others.
inline std::optional<int> compare(const cel_value& a, const cel_value& b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (const auto* x = a.as<bool>(), *y = b.as<bool>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<std::string>(), *y = b.as<std::string>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<cel_bytes>(), *y = b.as<cel_bytes>(); x && y) return order(x->text, y->text);
  if (const auto* x = a.as<cel_timestamp>(), *y = b.as<cel_timestamp>(); x && y) return order(*x, *y);
  if (const auto* x = a.as<cel_duration>(), *y = b.as<cel_duration>(); x && y) return order(*x, *y);
  return std::nullopt;
}

}  // namespace inngest::detail
