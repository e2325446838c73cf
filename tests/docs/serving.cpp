// Code of docs/serving.md and, of cpp-httplib, of docs/frameworks.md.

#include <chrono>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

#include "docs/studio.hpp"

using namespace std::chrono_literals;

namespace docs::serving {

void serve() {
  // [serve]
  httplib::Server server;
  auto endpoint = inngest::serve(server, app, {ingest, synthesize}, {.path = "/api/inngest"});
  // [serve]

  // [drain]
  endpoint.drain(10s);  // before server.stop()
  // [drain]
}

void httplib_in_one_line() {
  // [httplib]
  #include <inngest/adapters/httplib.hpp>

  httplib::Server server;
  auto endpoint = inngest::serve(server, app, {ingest, synthesize});
  // [httplib]
}

}  // namespace docs::serving
