// An engine for apps elsewhere: says where it listens, and ends when it is told to.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <cstdio>

int main() {
  const inngest::client nobody({.id = "engine", .mode = inngest::mode::dev});
  inngest::embedded::engine engine{
      nobody, {}, {.retry_delay = [](int) { return std::chrono::milliseconds(100); }}};
  inngest::embedded::http_server server{engine, {.port = 0}};
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
