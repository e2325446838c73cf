// Functions on CivetWeb.
// clang-format off

#include <inngest/adapters/civetweb.hpp>

#include <cstdlib>
#include <iostream>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() {
  const inngest::client app({.id = "shop"});

  // [civetweb]
  const char* options[] = {"listening_ports", "127.0.0.1:3000", "num_threads", "128",
                           "tcp_nodelay", "1", "enable_keep_alive", "yes", nullptr};
  mg_init_library(0);
  mg_context* context = mg_start(nullptr, nullptr, options);
  if (context == nullptr) {
    std::cerr << "can't listen on 127.0.0.1:3000: is the port in use?\n";
    return EXIT_FAILURE;
  }
  const inngest::handler endpoint = inngest::serve(*context, app, functions(app));
  // [civetweb]

  wait_for_stop_signal();
  endpoint.drain();                           // running calls end, and new ones are refused
  inngest::stop_serving(*context, endpoint);  // answers have been written
  mg_stop(context);
  mg_exit_library();
}
