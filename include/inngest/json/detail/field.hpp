#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>

// The declared members of a type, and their JSON names.

namespace inngest::inline INNGEST_ABI::detail {

/// How a member is written unless INNGEST_FIELDS says otherwise: like any value of its type.
struct own_form {
  template <class Member>
  using shape_type = Member;
  template <class Member>
  static constexpr bool fits() {
    // a char array can be written as text, but nothing can be read into it
    return kind_of<Member>() != json_kind::none && !std::is_array_v<Member>;
  }
  template <class Member>
  static std::string expected() {
    return expected_name<Member>();
  }
  template <class Member>
  static Member read(json_value& value, const json_path& at) {
    // of two nested optionals, the outer one is empty when the member is missing, the inner one when it is
    // null
    if constexpr (is_nested_optional<Member>)
      return Member(detail::read<typename Member::value_type>(value, at));
    else
      return detail::read<Member>(value, at);
  }
  template <class Member>
  static void write(std::string& out, const Member& value, const json_path& at) {
    detail::write(out, value, at);
  }
};

/// Compilers that reject a member without a JSON form name this template, the member and its type first, and
/// the sentence below much later. So its name is the advice.
template <auto Pointer, class Member>
struct member_needs_INNGEST_FIELDS_or_to_json {
  static_assert(
      own_form::fits<Member>(),
      "inngest: a member named in INNGEST_FIELDS has a type that is not JSON: give it INNGEST_FIELDS, "
      "INNGEST_ENUM or nlohmann's to_json and from_json, or use std::string, std::vector, std::array or "
      "std::optional instead of other text, arrays and pointers");
};
/// Like the template above, for a member with a form, such as inngest::as_base64.
template <auto Pointer, class Member, class Form>
struct member_does_not_fit_its_form {
  static_assert(Form::template fits<Member>(),
                "inngest: the form that INNGEST_FIELDS names does not fit the type of the member");
};

/// Like the templates above, for a member that is read.
template <auto Pointer, class Member>
struct remove_const_from_the_member_to_read_it {
  static_assert(
      !std::is_const_v<Member>,
      "inngest: a member named in INNGEST_FIELDS is const, so its type can be written as JSON but not "
      "read: declare the member without const");
};

template <class Pointer>
struct pointed_member;
template <class Owner, class Member>
struct pointed_member<Member Owner::*> {
  using owner = Owner;
  using type = Member;
};

/// One member of a type declared with INNGEST_FIELDS. Compiler messages show it as &order::total.
template <auto Pointer, class Form = own_form>
struct field {
  using member_type = typename pointed_member<decltype(Pointer)>::type;
  using form = Form;
  using check = std::conditional_t<std::same_as<Form, own_form>,
                                   member_needs_INNGEST_FIELDS_or_to_json<Pointer, member_type>,
                                   member_does_not_fit_its_form<Pointer, member_type, Form>>;
  using check_reading = remove_const_from_the_member_to_read_it<Pointer, member_type>;
  static constexpr auto pointer = Pointer;

  std::string_view name;           // in JSON
  std::string_view member = name;  // in C++
  bool is_named = false;           // INNGEST_FIELDS gives the JSON name

  template <class Owner>
  static constexpr auto& of(Owner& owner) {
    return owner.*Pointer;
  }
};

/// Not constexpr: a call of it is a compile error that shows the sentence below.
inline void a_name_on_the_wire_must_not_be_empty_or_have_quotes_backslashes_or_control_characters() {}

consteval std::string_view checked_name(std::string_view name) {
  bool valid = !name.empty();
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\') valid = false;
  }
  if (!valid) a_name_on_the_wire_must_not_be_empty_or_have_quotes_backslashes_or_control_characters();
  return name;
}

// The results of INNGEST_FIELDS for (member, "name"), (member, form) and (member, "name", form).
template <auto Pointer>
consteval auto make_field(std::string_view member, std::string_view name) {
  return field<Pointer>{checked_name(name), member, true};
}
template <auto Pointer, class Form>
  requires std::is_class_v<Form>
consteval auto make_field(std::string_view member, Form) { return field<Pointer, Form>{member, member}; }
template <auto Pointer, class Form>
  requires std::is_class_v<Form>
consteval auto make_field(std::string_view member, std::string_view name, Form) {
  return field<Pointer, Form>{checked_name(name), member, true};
}

/// The members as declared.
template <class T>
constexpr auto declared_fields() {
  if constexpr (has_fields<T>)
    return inngest_fields(exactly<T>());
  else
    return aggregate_fields<T>::all();
}

template <std::size_t Size>
struct name_text {
  char text[Size]{};
  std::size_t size = 0;

  constexpr std::string_view view() const { return {text, size}; }
};

/// "created_at" in camel case: "createdAt". Underscores at the beginning stay, those at the end are dropped.
template <std::size_t Size>
constexpr name_text<Size> to_camel_case(std::string_view name) {
  name_text<Size> out;
  bool is_word = false, starts_word = false;
  for (const char c : name) {
    if (c == '_' && is_word) {
      starts_word = true;
      continue;
    }
    out.text[out.size++] = std::exchange(starts_word, false) ? to_upper(c) : c;
    if (c != '_') is_word = true;
  }
  return out;
}

/// The names of a type's members in camel case, which need storage of their own.
template <class T>
struct camel_case_names {
  static constexpr std::size_t longest = std::apply(
      [](const auto&... fields) {
        return (std::max)({std::size_t{1}, fields.member.size()...});
      },
      declared_fields<T>());
  static constexpr auto all = std::apply(
      [](const auto&... fields) {
        return std::array<name_text<longest>, sizeof...(fields)>{to_camel_case<longest>(fields.member)...};
      },
      declared_fields<T>());
};

/// The members with their JSON names.
template <class T>
constexpr auto fields_of() {
  if constexpr (has_camel_case<T>) {
    auto fields = declared_fields<T>();
    std::apply(
        [](auto&... field) {
          std::size_t index = 0;
          ((field.name = field.is_named ? field.name : camel_case_names<T>::all[index].view(), ++index), ...);
        },
        fields);
    return fields;
  } else {
    return declared_fields<T>();
  }
}

template <class Fields>
constexpr bool has_distinct_names(const Fields& fields) {
  return std::apply(
      [](const auto&... field) {
        const std::string_view names[] = {std::string_view(), field.name...};
        for (std::size_t i = 1; i < std::size(names); ++i) {
          for (std::size_t j = i + 1; j < std::size(names); ++j) {
            if (names[i] == names[j]) return false;
          }
        }
        return true;
      },
      fields);
}

}  // namespace inngest::inline INNGEST_ABI::detail
