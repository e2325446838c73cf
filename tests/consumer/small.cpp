// A user's program that compiles in a second: that headers are found, and that what is linked is there.

#include <cstdio>
#include <cstdlib>

#include <inngest/http.hpp>

int main() {
  const inngest::http::request request{.url = "/api/inngest?fnId=a%20b"};
  std::printf("inngest %s: %s\n", INNGEST_VERSION, request.path().c_str());
  return request.query("fnId") == "a b" ? EXIT_SUCCESS : EXIT_FAILURE;
}
