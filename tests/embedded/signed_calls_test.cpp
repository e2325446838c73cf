// The calls that an engine's server makes to apps elsewhere, as an app of any SDK verifies them.

#include <httplib.h>

#include <inngest/embedded/detail/http_server_body.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/protocol/signature.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"
#include "support/running_server.hpp"

using namespace std::chrono_literals;

TEST_CASE("calls of apps elsewhere are sent and signed as RFC 8785 has it", "[http_server][signature]") {
  const std::string key = "signkey-test-0123456789abcdef";
  std::string body;
  std::string signature;
  httplib::Server app;
  app.Post("/app", [&](const httplib::Request& request, httplib::Response& response) {
    body = request.body;
    signature = request.get_header_value("x-inngest-signature");
    response.set_content("null", "application/json");
  });
  support::running_server running(app);
  // without a connection that stays open, and would delay the server's end
  const auto answer = inngest::embedded::app_calls(key, 2min).send(
      {.method = "POST",
       .url = running.url("/app"),
       .body = "{ \"b\": [1.0, 1e-06, -0.0, 1.23e+20, 1E-7],\n"
               "\"\\ufb33\": 1, \"\\ud83d\\ude02\": 2, \"\\u0061\": \"\\u0026\\/\" }"});
  running.stop();
  CHECK(answer.status == 200);
  CHECK(body ==
        "{\"a\":\"&/\",\"b\":[1,0.000001,0,123000000000000000000,1e-7],\"\U0001f602\":2,\"\ufb33\":1}");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto check = inngest::protocol::check_signature(signature, body, {key}, now);
  CHECK(check.is_good());
  CHECK_FALSE(check.canonical);
}
