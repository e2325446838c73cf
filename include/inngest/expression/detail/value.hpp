#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

// The values of expressions.

namespace inngest::inline INNGEST_ABI::detail {

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
/// A failed computation. An unknown value is also such an error: see missing_fields.
struct cel_error {
  std::string problem{};
  std::size_t position = 0;
  bool is_unknown = false;
};
using cel_list = std::shared_ptr<const std::vector<cel_value>>;
using cel_map = std::shared_ptr<const std::vector<std::pair<cel_value, cel_value>>>;

/// A value of an expression. Lists and objects in variables stay JSON and must outlive the value.
class cel_value {
 public:
  using any = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, cel_bytes,
                           cel_timestamp, cel_duration, cel_type, cel_list, cel_map, const json*, cel_error>;

  cel_value() : value_(nullptr) {}
  template <class T>
    requires std::is_constructible_v<any, T> cel_value(T value) : value_(std::move(value)) {}

    /// `whole_numbers` says whether numbers without a fraction become int.
    static cel_value of(const json& value, bool whole_numbers);

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

    /// The name of its type, as returned by type().
    std::string_view type_name() const;

   private:
    any value_;
};

// ---- lists and maps of all kinds ---------------------------------------------------------------------

std::size_t size_of(const cel_value& value);

cel_value element_of(const cel_value& list, std::size_t index, bool whole_numbers);

/// The elements of a list, or the keys of a map.
std::vector<cel_value> elements_of(const cel_value& value, bool whole_numbers);

/// The size of a value, to limit what expressions produce: one step per contained value and per 256 bytes of
/// text. `levels` limits the levels of JSON that count, because it exists already. Counting stops soon after
/// `most`.
std::size_t weight_of(const json& value, std::size_t most, int levels);
std::size_t weight_of(const cel_value& value, std::size_t most, int json_levels = 0);

// ---- comparing --------------------------------------------------------------------------------------------

/// -1, 0 or 1; 2 when one is not a number (NaN).
int compare_numbers(const cel_value& a, const cel_value& b);

inline const cel_value* find_key(const cel_map& map, const cel_value& key);

inline bool are_equal(const cel_value& a, const cel_value& b);

/// A map's value; nullopt when there is no such key.
std::optional<cel_value> member_of(const cel_value& map, const cel_value& key, bool whole_numbers);

bool are_equal_lists(const cel_value& a, const cel_value& b);

bool are_equal_maps(const cel_value& a, const cel_value& b);

/// Whether two values are equal: numbers are compared across types, other values only within one type.
bool are_equal(const cel_value& a, const cel_value& b);

const cel_value* find_key(const cel_map& map, const cel_value& key);

/// Compares two ordered values: -1, 0 or 1, or 2 for NaN. nullopt for values without an order.
std::optional<int> compare(const cel_value& a, const cel_value& b);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/value.ipp>
#endif
