// Functions on Boost.Asio, with the server of the adapter.

#include <inngest/adapters/beast.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <thread>

#include "functions.hpp"

int main() {
  const inngest::client app({.id = "shop"});

  // [serve]
  boost::asio::io_context io;
  inngest::beast_server server(io, {.address = "127.0.0.1", .port = 3000});
  const inngest::handler endpoint = inngest::serve(server, app, functions(app));
  // [serve]

  std::thread stopper;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](auto, int) {
    stopper = std::thread([&] {  // while this thread sends the answers of running calls
      endpoint.drain();
      server.stop();
    });
  });
  io.run();
  if (stopper.joinable()) stopper.join();
}
