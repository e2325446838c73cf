// Functions on the HTTP server of the POCO C++ Libraries.

#include <inngest/adapters/poco.hpp>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/ThreadPool.h>

#include <cstdlib>
#include <iostream>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() try {
  const inngest::client app({.id = "shop"});

  // [poco]
  Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
  const inngest::handler endpoint = inngest::serve(*factory, app, functions(app));

  Poco::Net::ServerSocket socket;
  socket.bind({"127.0.0.1", 3000}, true, false);  // not shared with another server
  socket.listen(256);
  Poco::ThreadPool threads(2, 128);  // one for each connection
  Poco::Net::HTTPServer server(factory, threads, socket, new Poco::Net::HTTPServerParams);
  server.start();
  // [poco]

  wait_for_stop_signal();
  endpoint.drain();  // running calls end, and new ones are refused
  server.stopAll();
  threads.joinAll();
} catch (const Poco::Exception& problem) {
  std::cerr << problem.displayText() << "\n";
  return EXIT_FAILURE;
}
