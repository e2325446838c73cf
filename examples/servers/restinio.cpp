// Functions on RESTinio's express router.

#include <inngest/adapters/restinio.hpp>

#include <memory>
#include <utility>

#include "functions.hpp"
#include "stop_signal.hpp"

using router_type = restinio::router::express_router_t<>;

struct server_traits : restinio::default_traits_t {
  using request_handler_t = router_type;
};

int main() {
  const inngest::client app({.id = "shop"});

  // [serve]
  auto router = std::make_unique<router_type>();
  const inngest::handler endpoint = inngest::serve(*router, app, functions(app));

  restinio::server_settings_t<server_traits> settings;
  inngest::configure_restinio(settings, endpoint);
  settings.address("127.0.0.1").port(3000).request_handler(std::move(router));
  const auto server = restinio::run_async(restinio::own_io_context(), std::move(settings), 1);
  // [serve]

  wait_for_stop_signal();
  while (!endpoint.drain()) {  // new calls are refused, and the running ones, which need the server, end
  }
}
