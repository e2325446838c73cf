#pragma once

// GCC follows an error in a macro's argument through every expansion, and there are hundreds here: a wrong
// name in INNGEST_FIELDS would be followed by a thousand lines. It does not go into system headers.
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
