// Functions on an endpoint of Pistache.

#include <inngest/adapters/pistache.hpp>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() {
  const inngest::client app({.id = "shop"});

  // [serve]
  using Pistache::Tcp::Options;
  Pistache::Http::Endpoint server({Pistache::Ipv4::loopback(), Pistache::Port(3000)});
  server.init(Pistache::Http::Endpoint::options()
                  .threads(2)
                  .flags(Options::NoDelay | Options::ReuseAddr)
                  .keepaliveTimeout(std::chrono::hours(1)));  // no call may take longer
  const inngest::handler endpoint = inngest::serve(server, app, functions(app));
  server.serveThreaded();
  // [serve]

  wait_for_stop_signal();
  endpoint.drain();  // running calls end, and new ones are refused
  server.shutdown();
}
