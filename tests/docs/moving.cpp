// Code of docs/moving.md.

#include <memory>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

namespace docs::moving {

struct services_of_studio {};
namespace studio {
std::vector<inngest::any_function> functions(const inngest::client& app, services_of_studio& services);
}

int move(const inngest::client& app, services_of_studio& services,
         const std::shared_ptr<inngest::embedded::store>& store) {
  // [move]
  auto functions = studio::functions(app, services);

  // before
  inngest::embedded::engine engine{app, functions, {.store = store}};

  // after
  httplib::Server server;
  inngest::serve(server, app, functions);
  if (!server.listen("0.0.0.0", 3000)) return 1;  // the port is in use
  // [move]
  return 0;
}

}  // namespace docs::moving
