// Part of the tests with ThreadSanitizer. A constant inside cpp-httplib is initialized by the first request.
// The library is not compiled with ThreadSanitizer, which therefore does not see what orders that before its
// use by another thread: it reports a race when a program's first two requests arrive at once. So one request
// is answered before there are other threads.
#include <httplib.h>

#include <chrono>
#include <thread>

namespace {

[[maybe_unused]] const bool is_initialized = [] {
  httplib::Server server;
  server.Post("/", [](const httplib::Request&, httplib::Response&) {});
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  httplib::Client("127.0.0.1", port).Post("/", "text", "text/plain");
  server.stop();
  serving.join();
  return true;
}();

}  // namespace
