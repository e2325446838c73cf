// The rules for ASCII characters.
#include <inngest/detail/ascii.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "catch.hpp"

namespace {

using namespace std::string_view_literals;

}  // namespace

TEST_CASE("white space has six characters", "[text]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    INFO("byte " << byte);
    const bool is_one = std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos;
    CHECK(inngest::detail::is_space(c) == is_one);
    CHECK((inngest::detail::white_space.find(c) != std::string_view::npos) == is_one);
  }
}

TEST_CASE("a text is blank if it has nothing but white space", "[text]") {
  using inngest::detail::is_blank;
  CHECK(is_blank(""));
  CHECK(is_blank(inngest::detail::white_space));
  CHECK(is_blank(std::string(1000, ' ')));
  CHECK_FALSE(is_blank(" \t\n a"));
  CHECK_FALSE(is_blank("a  "));
  CHECK_FALSE(is_blank("\0"sv));
  CHECK_FALSE(is_blank("\u00a0"));  // a no-break space
  static_assert(is_blank(" "));
}
