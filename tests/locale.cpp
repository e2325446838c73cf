// Lets the tests run in another locale: that of INNGEST_TEST_LOCALE, for the C library and for streams.

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <locale>
#include <stdexcept>

namespace {

[[maybe_unused]] const bool locale_is_set = [] {
  const char* name = std::getenv("INNGEST_TEST_LOCALE");
  if (name == nullptr) return false;
  try {
    std::locale::global(std::locale(name));  // sets the C library's too
  } catch (const std::runtime_error&) {
    std::fprintf(stderr, "there is no locale \"%s\" on this machine\n", name);
    std::exit(EXIT_FAILURE);
  }
  return true;
}();

}  // namespace
