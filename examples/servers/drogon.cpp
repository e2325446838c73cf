// Functions on Drogon.

#include <inngest/adapters/drogon.hpp>

#include <chrono>
#include <thread>

#include "functions.hpp"
#include "stop_signal.hpp"

int main() {
  const inngest::client app({.id = "shop"});

  // [serve]
  const inngest::handler endpoint = inngest::serve(drogon::app(), app, functions(app));
  drogon::app().setIdleConnectionTimeout(std::chrono::hours(1));  // longer than any call
  drogon::app().addListener("127.0.0.1", 3000);
  // [serve]
  drogon::app().disableSigtermHandling();  // its own would quit at once

  std::thread stopper([&] {
    wait_for_stop_signal();
    while (!endpoint.drain()) {  // new calls are refused, and the running ones, which need the server, end
    }
    drogon::app().quit();
  });
  drogon::app().run();
  stopper.join();
}
