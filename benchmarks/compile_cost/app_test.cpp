// The shop's functions in the harness.

#include <chrono>
#include <cstdio>
#include <string>

#include <inngest/testing.hpp>

#include "shop.hpp"

using namespace std::chrono_literals;

int main() {
  inngest::client app{{.id = "shop"}};
  inngest::testing::harness t{app, shop::functions(app)};
  t.mock_step("mail", [] { return std::string("mailed"); });
  const auto runs = t.send_to_all(shop::order_placed{
      {.id = "o-1", .customer = "c", .lines = {{.article = "a"}, {.article = "b", .count = 2}}}});
  t.advance(2s);
  bool right = runs.size() == 3 && runs.at(0).output<shop::receipt>().cents == 300;
  t.advance(73h);
  right = right && runs.at(1).output<shop::receipt>().status == "never packed" &&
          runs.at(2).output<std::vector<std::string>>().size() == 2;
  std::puts(right ? "right" : "wrong");
  return right ? 0 : 1;
}
