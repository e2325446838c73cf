#pragma once

#include <cstddef>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>

namespace inngest::inline INNGEST_ABI::detail {

enum class pattern_result { found, not_found, not_a_pattern, too_long };

/// Searches a text for a pattern with the syntax of RE2. `spend` receives the cost of the search in steps,
/// and returns whether the search may begin. Implemented by RE2 if INNGEST_WITH_RE2 is defined, otherwise by
/// regex.hpp.
pattern_result search_pattern(std::string_view pattern, std::string_view text,
                              function_ref<bool(std::size_t steps)> spend);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/pattern.ipp>
#endif
