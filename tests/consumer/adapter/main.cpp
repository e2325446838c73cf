// A user's program with an HTTP framework: functions on Boost.Asio.

#include <cstdio>
#include <cstdlib>

#include <inngest/adapters/beast.hpp>
#include <inngest/inngest.hpp>

#include <boost/asio/io_context.hpp>

using met = inngest::event<"consumer/met">;

int main() {
  const inngest::client app({.id = "consumer", .mode = inngest::mode::dev});
  const auto greet = app.create_function({.id = "greet"}, inngest::on<met>(), [](inngest::context<met>&) {});
  boost::asio::io_context io;
  inngest::beast_server server(io, {.port = 0});
  const inngest::handler endpoint = inngest::serve(server, app, {greet});
  std::printf("inngest %s on port %d\n", INNGEST_VERSION, server.port());
  return endpoint.functions().size() == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
