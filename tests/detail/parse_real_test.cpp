#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include <inngest/detail/parse_real.hpp>

#include "../catch.hpp"

namespace {

template <class Real>
struct outcome {
  std::errc problem{};
  std::size_t read = 0;
  Real value = 42;
};

template <class Real = double>
outcome<Real> parse(std::string_view text) {
  outcome<Real> out;
  const auto [end, problem] = inngest::detail::parse_real(text, out.value);
  out.problem = problem;
  out.read = static_cast<std::size_t>(end - text.data());
  return out;
}

}  // namespace

TEST_CASE("a number becomes the nearest one that its type has", "[parse_real]") {
  CHECK(parse("0.1").value == 0.1);
  CHECK(parse("-1.5e3").value == -1500.0);
  CHECK(parse("1e23").value == 1e23);
  CHECK(parse("9007199254740993").value == 9007199254740992.0);  // halfway: to the even one
  CHECK(parse("9007199254740993.00000000000000000000000000000000001").value == 9007199254740994.0);
  CHECK(parse("2.2250738585072011e-308").value == 2.2250738585072011e-308);
  CHECK(parse("4.9e-324").value == std::numeric_limits<double>::denorm_min());
  CHECK(parse("1.7976931348623157e308").value == std::numeric_limits<double>::max());
  CHECK(std::signbit(parse("-0").value));
  // By way of a double, it would be 1.
  CHECK(parse<float>("1.00000005960464477540").value == std::nextafter(1.0f, 2.0f));
}

TEST_CASE("a number that its type can't hold is out of range and changes nothing", "[parse_real]") {
  for (const char* text : {"1e400", "-1e400", "1.8e308", "1e-400", "-0.1e-400"}) {
    CAPTURE(text);
    CHECK(parse(text).problem == std::errc::result_out_of_range);
    CHECK(parse(text).value == 42);
    CHECK(parse(text).read == std::string_view(text).size());
  }
  CHECK(parse<float>("1e39").problem == std::errc::result_out_of_range);
  CHECK(parse("0e-400").value == 0);
  CHECK(parse("0.000e400").value == 0);
}

TEST_CASE("a number ends where nothing belongs to it any more", "[parse_real]") {
  CHECK(parse("1.5,").read == 3);
  CHECK(parse("1,5").value == 1);
  CHECK(parse("0x10").read == 1);
  CHECK(parse(std::string_view("12", 1)).value == 1);
  for (const char* text : {"", " 1", "+1", "x", "-", "--1", ".", "e5", "\n1"}) {
    CAPTURE(text);
    CHECK(parse(text).problem == std::errc::invalid_argument);
    CHECK(parse(text).value == 42);
  }
}
