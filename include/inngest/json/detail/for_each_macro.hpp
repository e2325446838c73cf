#pragma once

// GCC follows an error in a macro's argument through every expansion, and there are hundreds here: a wrong
// name in INNGEST_FIELDS would cause a thousand lines of output. GCC does not follow expansions in system
// headers.
#pragma GCC system_header

// INNGEST_DETAIL_FOR_EACH(macro, context, a, b, c) gives macro(context, a), macro(context, b), macro(context,
// c). Each EXPAND level rescans four times as often as the one below it: 256 arguments are enough for any
// payload.

#define INNGEST_DETAIL_PARENTHESES ()

#define INNGEST_DETAIL_EXPAND(...) \
  INNGEST_DETAIL_EXPAND_64(        \
      INNGEST_DETAIL_EXPAND_64(INNGEST_DETAIL_EXPAND_64(INNGEST_DETAIL_EXPAND_64(__VA_ARGS__))))
#define INNGEST_DETAIL_EXPAND_64(...) \
  INNGEST_DETAIL_EXPAND_16(           \
      INNGEST_DETAIL_EXPAND_16(INNGEST_DETAIL_EXPAND_16(INNGEST_DETAIL_EXPAND_16(__VA_ARGS__))))
#define INNGEST_DETAIL_EXPAND_16(...) \
  INNGEST_DETAIL_EXPAND_4(            \
      INNGEST_DETAIL_EXPAND_4(INNGEST_DETAIL_EXPAND_4(INNGEST_DETAIL_EXPAND_4(__VA_ARGS__))))
#define INNGEST_DETAIL_EXPAND_4(...) \
  INNGEST_DETAIL_EXPAND_1(           \
      INNGEST_DETAIL_EXPAND_1(INNGEST_DETAIL_EXPAND_1(INNGEST_DETAIL_EXPAND_1(__VA_ARGS__))))
#define INNGEST_DETAIL_EXPAND_1(...) __VA_ARGS__

#define INNGEST_DETAIL_FOR_EACH(macro, context, ...) \
  __VA_OPT__(INNGEST_DETAIL_EXPAND(INNGEST_DETAIL_FOR_EACH_STEP(macro, context, __VA_ARGS__)))
#define INNGEST_DETAIL_FOR_EACH_STEP(macro, context, first, ...) \
  macro(context, first)                                          \
      __VA_OPT__(, INNGEST_DETAIL_FOR_EACH_AGAIN INNGEST_DETAIL_PARENTHESES(macro, context, __VA_ARGS__))
#define INNGEST_DETAIL_FOR_EACH_AGAIN() INNGEST_DETAIL_FOR_EACH_STEP

// INNGEST_DETAIL_BY_FORM(plain, formed, context, item) gives plain(context, item), or formed(context, a, b)
// for an item in parentheses: (a, b).
#define INNGEST_DETAIL_BY_FORM(plain, formed, context, item)                            \
  INNGEST_DETAIL_THIRD(INNGEST_DETAIL_COMMA_IF_PARENTHESES item, INNGEST_DETAIL_FORMED, \
                       INNGEST_DETAIL_PLAIN)                                            \
  (plain, formed, context, item)
#define INNGEST_DETAIL_COMMA_IF_PARENTHESES(...) ,
#define INNGEST_DETAIL_THIRD(...) INNGEST_DETAIL_THIRD_OF(__VA_ARGS__, , )
#define INNGEST_DETAIL_THIRD_OF(first, second, third, ...) third
#define INNGEST_DETAIL_PLAIN(plain, formed, context, item) plain(context, item)
#define INNGEST_DETAIL_FORMED(plain, formed, context, item) \
  INNGEST_DETAIL_CALL(formed, context, INNGEST_DETAIL_WITHOUT_PARENTHESES item)
#define INNGEST_DETAIL_CALL(macro, ...) macro(__VA_ARGS__)
#define INNGEST_DETAIL_WITHOUT_PARENTHESES(...) __VA_ARGS__

// The result of INNGEST_FIELDS for `member` and for `(member, "name", form)`.
#define INNGEST_DETAIL_FIELD(Type, item) \
  INNGEST_DETAIL_BY_FORM(INNGEST_DETAIL_PLAIN_FIELD, INNGEST_DETAIL_FORMED_FIELD, Type, item)
#define INNGEST_DETAIL_PLAIN_FIELD(Type, member) (::inngest::detail::field<&Type::member>{#member})
#define INNGEST_DETAIL_FORMED_FIELD(Type, member, ...) \
  (::inngest::detail::make_field<&Type::member>(#member, __VA_ARGS__))

// The functions behind INNGEST_FIELDS. `Friend` is `friend` inside of the type. `exactly` keeps a derived
// type from using its base's declaration, which would lose the derived type's own members; inngest_declares
// finds such types. Those for nlohmann are templates with an unused pack, so that they are a worse match than
// those of NLOHMANN_DEFINE_TYPE_*, which a type may also have.
#define INNGEST_DETAIL_FIELDS(Friend, Type, ...)                                                \
  [[maybe_unused]] Friend constexpr auto inngest_fields(::inngest::detail::exactly<Type>) {     \
    return ::std::make_tuple(INNGEST_DETAIL_FOR_EACH(INNGEST_DETAIL_FIELD, Type, __VA_ARGS__)); \
  }                                                                                             \
  [[maybe_unused]] Friend constexpr void inngest_declares(const Type*) {}                       \
  template <::std::same_as<::nlohmann::json> InngestJson, class... InngestNone>                 \
  [[maybe_unused]] Friend void to_json(InngestJson& inngest_out, const Type& inngest_value,     \
                                       InngestNone...) {                                        \
    ::inngest::detail::to_dom(inngest_out, inngest_value);                                      \
  }                                                                                             \
  template <::std::same_as<::nlohmann::json> InngestJson, class... InngestNone>                 \
  [[maybe_unused]] Friend void from_json(const InngestJson& inngest_in, Type& inngest_value,    \
                                         InngestNone...) {                                      \
    ::inngest::detail::from_dom(inngest_in, inngest_value);                                     \
  }
#define INNGEST_DETAIL_CAMEL_CASE(Friend, Type) \
  [[maybe_unused]] Friend constexpr void inngest_camel_case(::inngest::detail::exactly<Type>) {}

#define INNGEST_DETAIL_DEFAULTS(Friend, Type, ...)                                            \
  [[maybe_unused]] Friend constexpr auto inngest_defaults(::inngest::detail::exactly<Type>) { \
    return ::std::to_array<::std::string_view>(                                               \
        {INNGEST_DETAIL_FOR_EACH(INNGEST_DETAIL_DEFAULT, Type, __VA_ARGS__)});                \
  }
#define INNGEST_DETAIL_DEFAULT(Type, member) (static_cast<void>(&Type::member), #member)
