// Code of docs/endpoints.md.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "docs/studio.hpp"

namespace docs::endpoints {

std::string user_of(std::optional<std::string_view> authorization);

void without_the_request(inngest::endpoint_context& ctx) {
  // [user]
  const auto user = ctx.step.run("user", [&] { return user_of(ctx.request.headers.find("authorization")); });
  // [user]
}

void proxy(httplib::Server& server) {
  // [proxy]
  inngest::serve(server, "/results", inngest::endpoint_proxy(app, {.allow_origin = "https://shop.example"}));
  // [proxy]
}

void engine(const inngest::durable_endpoint& checkout, const std::shared_ptr<inngest::embedded::store>& store) {
  // [engine]
  inngest::embedded::engine engine{app, {ingest, checkout}, {.store = store}};
  // [engine]
}

void a_test(const inngest::durable_endpoint& checkout) {
  // [test]
  inngest::testing::harness t{app, {checkout}};
  auto run = t.call(checkout, {.method = "POST", .url = "/checkout", .body = R"({"id":"o-1","cents":4200})"});
  t.execute(run);
  CHECK(run.response().status == 200);
  // [test]
}

}  // namespace docs::endpoints
