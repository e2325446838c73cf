#include <string>
#include <string_view>

#include <inngest/embedded/detail/page.hpp>

#include "catch.hpp"

namespace {

const std::string& web_page() {
  static const std::string whole = [] {
    std::string out;
    for (const std::string_view piece : inngest::detail::web_page) out += piece;
    return out;
  }();
  return whole;
}

bool has(std::string_view text) { return web_page().find(text) != std::string_view::npos; }

}  // namespace

TEST_CASE("The engine's web page is one whole and small document") {
  CHECK(web_page().substr(0, 15) == "<!doctype html>");
  CHECK(web_page().substr(web_page().size() - 8) == "</html>\n");
  CHECK(web_page().size() < 200 * 1024);
}

TEST_CASE("The engine's web page loads nothing from elsewhere") {
  for (const char* each : {" src=", "@import", "https://", "<link rel=\"stylesheet\"", "url("})
    CHECK_FALSE(has(each));
}

TEST_CASE("The engine's web page puts in text only as text") {
  for (const char* each :
       {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"})
    CHECK_FALSE(has(each));
}
