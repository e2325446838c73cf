// Functions on cpp-httplib's server.

#include <inngest/adapters/httplib.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() {
  const inngest::client app({.id = "shop"});

  httplib::Server server;
  const inngest::handler endpoint = inngest::serve(server, app, functions(app));
  if (!server.bind_to_port("127.0.0.1", 3000)) {
    std::cerr << "can't listen on 127.0.0.1:3000: is the port in use?\n";
    return EXIT_FAILURE;
  }
  std::thread listener([&] { server.listen_after_bind(); });

  wait_for_stop_signal();
  endpoint.drain();  // running calls end, and new ones are refused
  server.stop();
  listener.join();
}
