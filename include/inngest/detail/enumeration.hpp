#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>

// Enumerations whose values are stored or shown. Each has one table of its enumerators and names, used by all
// code that reads or writes values. src/inngest.cpp does not compile if a table is incomplete. The check
// takes a second, so users' files do not repeat it.

namespace inngest::inline INNGEST_ABI::detail {

template <class Enum>
struct enumerator {
  Enum value;
  std::string_view name;
};

/// The table of an enumeration: a std::array of its enumerators in the order of their values, from 0 without
/// gaps. Specialize it after the enumeration.
template <class Enum>
inline constexpr std::array<enumerator<Enum>, 0> enumerators{};

/// Whether the value is an enumerator. The compiler prints enumerators by name and other values as numbers.
template <auto Value>
consteval bool is_enumerator() {
#if defined(_MSC_VER) && !defined(__clang__)
  const std::string_view text = __FUNCSIG__;
  const std::size_t at = text.rfind("is_enumerator<") + 14;
#else
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t at = text.rfind("Value = ") + 8;
#endif
  return text[at] != '(' && text[at] != '-' && !is_digit(text[at]);
}

/// More than the enumerators of any enumeration.
inline constexpr std::size_t max_enumerators = 64;

template <class Enum, std::size_t... Numbers>
consteval std::size_t count_enumerators(std::index_sequence<Numbers...>) {
  return (std::size_t{0} + ... + (is_enumerator<static_cast<Enum>(Numbers)>() ? 1U : 0U));
}

/// Whether the table has every enumerator, in order and with a name.
template <class Enum>
consteval bool has_full_table() {
  constexpr auto& table = enumerators<Enum>;
  if (table.empty() || table.size() != count_enumerators<Enum>(std::make_index_sequence<max_enumerators>()))
    return false;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].value) != i || table[i].name.empty()) return false;
  }
  return true;
}

/// The name in the table; empty for other values.
template <class Enum>
constexpr std::string_view name_of(Enum value) {
  const auto number = static_cast<std::size_t>(value);
  return number < enumerators<Enum>.size() ? enumerators<Enum>[number].name : std::string_view();
}

/// The enumerator of a stored number; nullopt for other numbers.
template <class Enum>
constexpr std::optional<Enum> enumerator_of(std::int64_t number) {
  if (number < 0 || static_cast<std::uint64_t>(number) >= enumerators<Enum>.size()) return std::nullopt;
  return enumerators<Enum>[static_cast<std::size_t>(number)].value;
}

}  // namespace inngest::inline INNGEST_ABI::detail
