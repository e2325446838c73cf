#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>

// The JSON form of std::variant: that of the alternative it holds. Alternatives of different JSON types need
// no declaration; the macros at the end distinguish the others.

namespace inngest::inline INNGEST_ABI::detail {

/// What INNGEST_VARIANT declares.
template <std::size_t Size>
struct discriminator {
  std::string_view member;
  std::array<std::string_view, Size> values;
};
template <class... Values>
consteval auto make_discriminator(std::string_view member, const Values&... values) {
  return discriminator<sizeof...(Values)>{checked_name(member), {checked_name(values)...}};
}

template <class T>
concept has_discriminator = requires(const T* type) {
  inngest_discriminator(type);
};
template <class T>
concept is_told_by_shape = requires(const T* type) {
  inngest_told_by_shape(type);
};

/// The JSON types that a type may be written as.
template <class T>
consteval unsigned types_of() {
  switch (kind_of<T>()) {
    case json_kind::boolean:
      return json_types::boolean;
    case json_kind::integer:
    case json_kind::floating:
      return json_types::number;
    case json_kind::text:
    case json_kind::names:
      return json_types::string;
    case json_kind::null:
      return json_types::null;
    case json_kind::optional:
      if constexpr (is_optional<T>) return json_types::null | types_of<typename T::value_type>();
      break;
    case json_kind::sequence:
    case json_kind::tuple:
      return json_types::array;
    case json_kind::mapping:
    case json_kind::fields:
      return json_types::object;
    case json_kind::own:
      if constexpr (has_own_codec<T>) return own_codec<T>::types;
      break;
    case json_kind::none:
    case json_kind::dom:
    case json_kind::converted:
      break;
  }
  return json_types::any;
}

/// The set with only this JSON type.
unsigned set_of(json_type type);
/// "string or number"
std::string names_of(unsigned types);

/// The text of a member of the object; it must be a string.
std::string find_discriminator(json_slice object, std::string_view member, const json_path& at);
[[noreturn]] void fail_discriminator(const json_path& at, std::string_view member,
                                     const std::string_view* values, std::size_t count,
                                     const std::string& found);

/// The object without a member.
std::string without_member(json_slice object, std::string_view member, const json_path& at);

/// Fails if the object has the member.
void refuse_member(std::string_view object, std::string_view member, const json_path& at);

/// Makes the object that begins at `begin` start with another member.
void insert_first_member(std::string& out, std::size_t begin, std::string_view name, std::string_view value,
                         const json_path& at);

/// The names of an object's members; none for other values.
std::vector<std::string> member_names(json_slice text, const json_path& at);

/// The search for the alternative that fits, which bounds the time for variants in variants: in the worst
/// case each level would try all alternatives of the next.
class shape_search {
 public:
  /// `size` of the variant's text, in bytes.
  explicit shape_search(std::size_t size);
  ~shape_search();
  shape_search(const shape_search&) = delete;
  shape_search& operator=(const shape_search&) = delete;

  /// \throws payload_error when this thread has read too much for the outermost variant.
  void begin_reading(std::size_t size, const json_path& at);
  /// Why an alternative does not fit.
  void note(const payload_error& problem);
  [[noreturn]] void fail(const json_path& at);

 private:
  std::string problems_;
};

/// Whether the JSON of a type has no members but the declared ones. Others, such as maps, take any.
template <class T>
consteval bool has_only_declared_members() {
  if constexpr (kind_of<T>() == json_kind::fields) {
    return std::apply(
        []<class... Field>(const Field&...) {
          return !(std::same_as<typename Field::member_type, extra_fields> || ...);
        },
        codec<T>::all);
  } else {
    return false;
  }
}

template <class... Alternatives>
  requires(((kind_of<Alternatives>() != json_kind::none) && ...) &&
           !to_json_known<std::variant<Alternatives...>>)
struct own_codec<std::variant<Alternatives...>> {
  using variant = std::variant<Alternatives...>;
  using shape_type = nlohmann::json;  // any members
  static constexpr std::size_t count = sizeof...(Alternatives);
  static constexpr bool is_discriminated = has_discriminator<variant>;
  static constexpr const char* expected = "a value";
  static constexpr unsigned types = is_discriminated ? json_types::object : (types_of<Alternatives>() | ...);

  static variant read(json_value& value, const json_path& at) {
    if constexpr (is_discriminated)
      return read_discriminated(value, at);
    else
      return read_by_shape(value, at);
  }

  static void write(std::string& out, const variant& value, const json_path& at) {
    static_assert(is_told_apart(), "inngest: INNGEST_VARIANT has the same value for two alternatives");
    if (value.valueless_by_exception()) fail_at(at, "a variant without a value has no JSON form");
    const std::size_t begin = out.size();
    std::visit([&]<class Alternative>(const Alternative& held) { detail::write<Alternative>(out, held, at); },
               value);
    if constexpr (is_discriminated) {
      constexpr auto rule = inngest_discriminator(static_cast<const variant*>(nullptr));
      if (!are_closed[value.index()]) refuse_member(std::string_view(out).substr(begin), rule.member, at);
      insert_first_member(out, begin, rule.member, rule.values[value.index()], at);
    }
  }

 private:
  static constexpr std::array<unsigned, count> types_of_each{types_of<Alternatives>()...};
  /// The others do not get to see the discriminator.
  static constexpr std::array<bool, count> are_closed{has_only_declared_members<Alternatives>()...};

  static consteval bool has_disjoint_types() {
    unsigned seen = 0;
    for (const unsigned alternative : types_of_each) {
      if ((seen & alternative) != 0) return false;
      seen |= alternative;
    }
    return true;
  }

  /// Whether a reader can determine the alternative. Each message covers the whole variant, so it appears
  /// only once.
  static consteval bool is_told_apart() {
    static_assert(
        is_discriminated || is_told_by_shape<variant> || has_disjoint_types(),
        "inngest: alternatives of a std::variant have the same JSON type: say how to distinguish them, "
        "with INNGEST_VARIANT(Type, \"member\", \"value of each alternative\"...) or "
        "INNGEST_VARIANT_BY_SHAPE(Type)");
    if constexpr (is_discriminated) {
      constexpr auto rule = inngest_discriminator(static_cast<const variant*>(nullptr));
      static_assert(rule.values.size() == count,
                    "inngest: INNGEST_VARIANT needs one value for each alternative, in their order");
      static_assert(
          ((types_of<Alternatives>() & json_types::object) && ...),
          "inngest: every alternative of a std::variant with INNGEST_VARIANT must be a JSON object");
      static_assert(!(has_member<Alternatives>(rule.member) || ...),
                    "inngest: INNGEST_VARIANT writes its member itself: alternatives must not have it, too");
      for (std::size_t i = 0; i < rule.values.size(); ++i) {
        for (std::size_t j = i + 1; j < rule.values.size(); ++j) {
          if (rule.values[i] == rule.values[j]) return false;
        }
      }
    }
    return true;
  }

  template <class Alternative>
  static constexpr bool has_member(std::string_view name) {
    if constexpr (kind_of<Alternative>() == json_kind::fields) {
      return std::apply([name](const auto&... field) { return ((field.name == name) || ...); },
                        codec<Alternative>::all);
    } else {
      return false;
    }
  }

  static variant read_discriminated(json_value& value, const json_path& at) {
    static_assert(is_told_apart(), "inngest: INNGEST_VARIANT has the same value for two alternatives");
    constexpr auto rule = inngest_discriminator(static_cast<const variant*>(nullptr));
    expect(value, json_type::object, at, "object");
    const json_slice text = raw_text(value, at);
    const std::string found = find_discriminator(text, rule.member, at);
    for (std::size_t i = 0; i < count; ++i) {
      if (rule.values[i] != found) continue;
      if (!are_closed[i]) return read_alternative(without_member(text, rule.member, at), i, at);
      json_document document(text, at);
      json_value root = document.root(at);
      return read_alternative(root, i, at);
    }
    fail_discriminator(at, rule.member, rule.values.data(), count, found);
  }

  static variant read_by_shape(json_value& value, const json_path& at) {
    static_assert(is_told_apart(), "inngest: INNGEST_VARIANT has the same value for two alternatives");
    const unsigned type = set_of(type_of(value, at));
    std::array<std::size_t, count> fitting{};
    std::size_t fits = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if ((types_of_each[i] & type) != 0) fitting[fits++] = i;
    }
    if (fits == 0) fail_at(at, "expected " + names_of(types) + ", found " + names_of(type));
    if (fits == 1) return read_alternative(value, fitting[0], at);
    const json_slice text = raw_text(value, at);
    const std::vector<std::string> names = member_names(text, at);
    shape_search search(text.size());
    for (std::size_t i = 0; i < fits; ++i) {
      try {
        require_members(names, fitting[i], at);
        search.begin_reading(text.size(), at);
        return read_alternative(text, fitting[i], at);
      } catch (const payload_error& problem) {
        search.note(problem);
      }
    }
    search.fail(at);
  }

  /// Whether the object has the members that the alternative needs: found out before its members are read,
  /// because these may contain variants whose alternatives have to be tried, too.
  static void require_members(const std::vector<std::string>& names, std::size_t index, const json_path& at) {
    std::size_t i = 0;
    const auto require = [&]<class Alternative>(std::type_identity<Alternative>) {
      if constexpr (kind_of<Alternative>() == json_kind::fields) {
        if (i == index) codec<Alternative>::require_members_among(names, at);
      }
      ++i;
    };
    (require(std::type_identity<Alternatives>()), ...);
  }

  static variant read_alternative(json_value& value, std::size_t index, const json_path& at) {
    using reader = variant (*)(json_value&, const json_path&);
    static constexpr auto readers = []<std::size_t... Index>(std::index_sequence<Index...>) {
      return std::array<reader, count>{[](json_value& from, const json_path& path) {
        return variant(std::in_place_index<Index>, detail::read<Alternatives>(from, path));
      }...};
    }
    (std::make_index_sequence<count>());
    return readers[index](value, at);
  }
  /// Reads a part of a document a second time.
  static variant read_alternative(std::string_view text, std::size_t index, const json_path& at) {
    single_value again(text, at);
    return read_alternative(again.get(), index, at);
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail

/// Distinguishes the alternatives of a std::variant by a member: its name, then its value for each
/// alternative, in their order. The variant writes and reads the member; the alternatives do not have it.
/// Declare it in the namespace of an alternative.
///
///     struct Card { std::string number; };
///     INNGEST_FIELDS(Card, number)
///     struct Transfer { std::string iban; };
///     INNGEST_FIELDS(Transfer, iban)
///     using Payment = std::variant<Card, Transfer>;
///     INNGEST_VARIANT(Payment, "method", "card", "transfer")  // {"method":"card","number":"..."}
#define INNGEST_VARIANT(Type, member, ...)                             \
  [[maybe_unused]] constexpr auto inngest_discriminator(const Type*) { \
    return ::inngest::detail::make_discriminator(member, __VA_ARGS__); \
  }

/// Distinguishes the alternatives of a std::variant by their members: the first alternative that fits is
/// read, so put those with more required members first. Without this macro, alternatives are distinguished by
/// their JSON types (text, number, object, ...), and those of the same type are a compile error.
#define INNGEST_VARIANT_BY_SHAPE(Type) \
  [[maybe_unused]] constexpr void inngest_told_by_shape(const Type*) {}

#if !defined(INNGEST_COMPILED)
#include <inngest/json/impl/variant.ipp>
#endif
