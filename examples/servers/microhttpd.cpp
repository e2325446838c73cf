// Functions on GNU libmicrohttpd.

#include <inngest/adapters/microhttpd.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() try {
  const inngest::client app({.id = "shop"});

  // [microhttpd]
  inngest::microhttpd_server server({.port = 3000});
  const inngest::handler endpoint = inngest::serve(server, app, functions(app));
  // [microhttpd]

  wait_for_stop_signal();
  endpoint.drain();  // running calls end, and new ones are refused
  server.stop();
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return EXIT_FAILURE;
}
