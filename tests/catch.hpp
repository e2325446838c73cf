#pragma once

// Catch2 of either generation: version 3 where there is one, Debian 12's 2.13 otherwise.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
}  // namespace Catch::Matchers
#endif
