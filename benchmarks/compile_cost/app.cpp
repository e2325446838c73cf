// The shop in one process: its functions, the engine with a database, and the server with the engine's page.

#include <chrono>
#include <memory>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include "shop.hpp"

int main() {
  inngest::client app{{.id = "shop"}};
  inngest::embedded::engine engine{app,
                                   shop::functions(app),
                                   {.store = std::make_shared<inngest::embedded::sqlite_store>(
                                        inngest::embedded::sqlite_options{.path = "shop.db"})}};
  inngest::embedded::http_server server{engine, {.port = 8288}};
  const auto sent =
      engine.send(shop::order_placed{{.id = "o-1", .customer = "c", .lines = {{.article = "a"}}}});
  for (const auto& run : engine.runs_of(sent.ids.front())) engine.wait_for(run.id, std::chrono::seconds(10));
}
