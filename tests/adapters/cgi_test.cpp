// Requests as web servers describe them to CGI programs. cgi_program.py starts a real program.

#include <inngest/adapters/cgi.hpp>

#include <inngest/inngest.hpp>
#include <inngest/protocol/signature.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using test_event = inngest::event<"test/event">;

const std::string call_body =
    R"({"event":{"name":"test/event","data":{}},"steps":{},"ctx":{"run_id":"r","attempt":0}})";

/// A request to a CGI program.
struct cgi_request {
  std::vector<std::string> variables{};
  std::string body{};
  std::size_t unread = 0;  // of the body, afterwards

  /// All that the program writes.
  std::string send(const inngest::handler& handler) {
    std::vector<const char*> environment;
    for (const std::string& variable : variables) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
    std::string_view rest = body;
    const auto read = [&](char* out, std::size_t size) {
      const std::string_view piece = rest.substr(0, (std::min<std::size_t>)(size, 1000));
      std::copy(piece.begin(), piece.end(), out);
      rest.remove_prefix(piece.size());
      return piece.size();
    };
    std::string out;
    inngest::cgi::answer(handler, environment.data(), read, [&](std::string_view text) {
      out += text;
      return true;
    });
    unread = rest.size();
    return out;
  }
};

cgi_request post(const std::string& body) {
  return {.variables = {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=POST", "SCRIPT_NAME=/cgi-bin/app",
                        "QUERY_STRING=fnId=app-greet%20me&stepId=step", "CONTENT_TYPE=application/json",
                        "CONTENT_LENGTH=" + std::to_string(body.size()), "HTTP_HOST=example.com"},
          .body = body};
}

cgi_request with_method(const std::string& method) {
  return {.variables = {"REQUEST_METHOD=" + method, "SCRIPT_NAME=/cgi-bin/app"}};
}

inngest::handler greeting_handler(inngest::client_options client = support::quiet_options(),
                                  inngest::serve_options options = {}) {
  const inngest::client app(std::move(client));
  const auto greet = app.create_function({.id = "greet me"}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("greet", [] { return std::string("hello"); });
  });
  return inngest::handler(app, {greet}, std::move(options));
}

}  // namespace

TEST_CASE("a call is answered with a status, headers and a body", "[cgi]") {
  const std::string answer = post(call_body).send(greeting_handler());
  CHECK_THAT(answer, StartsWith("Status: 206 \r\n"));
  CHECK_THAT(answer, ContainsSubstring("content-type: application/json\r\n"));
  const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
  CHECK_THAT(body, ContainsSubstring(R"("data":"hello")"));
  CHECK_THAT(answer, ContainsSubstring("\r\ncontent-length: " + std::to_string(body.size()) + "\r\n"));
}

TEST_CASE("variables of CGI become a signed request's headers", "[cgi][signature]") {
  const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  const auto handler = greeting_handler(options);
  CHECK_THAT(post(call_body).send(handler), StartsWith("Status: 401 "));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto request = post(call_body);
  request.variables.push_back("HTTP_X_INNGEST_SIGNATURE=" + inngest::protocol::sign(call_body, key, now));
  const std::string answer = request.send(handler);
  CHECK_THAT(answer, StartsWith("Status: 206 "));
  CHECK_THAT(answer, ContainsSubstring("x-inngest-signature: "));
}

TEST_CASE("an app registers under the address that its web server names", "[cgi]") {
  struct example {
    std::vector<std::string> variables;
    std::string url;
  };
  const std::vector<example> examples{
      {{"SERVER_NAME=example.com", "SERVER_PORT=8080", "SCRIPT_NAME=/cgi-bin/app"},
       "http://example.com:8080/cgi-bin/app"},
      {{"SERVER_NAME=example.com", "SERVER_PORT=443", "HTTPS=on", "SCRIPT_NAME=/cgi-bin/app"},
       "https://example.com/cgi-bin/app"},
      {{"SERVER_NAME=x", "HTTP_HOST=example.com", "SCRIPT_NAME=/cgi-bin/my app", "PATH_INFO=/a?b"},
       "http://example.com/cgi-bin/my%20app/a%3Fb"},
      {{"HTTP_HOST=example.com", "REQUEST_SCHEME=https", "SCRIPT_NAME=/cgi-bin/app",
        "REQUEST_URI=/jobs/%41?x=1"},
       "https://example.com/jobs/%41"}};
  for (const auto& [variables, url] : examples) {
    const auto transport = std::make_shared<support::fake_transport>();
    auto options = support::quiet_options();
    options.transport = transport;
    cgi_request request{.variables = variables};
    request.variables.push_back("REQUEST_METHOD=PUT");
    request.send(greeting_handler(options));
    CHECK_THAT(transport->requests().at(0).body, ContainsSubstring("\"url\":\"" + url + "\""));
  }
}

TEST_CASE("a query is taken from QUERY_STRING or else from REQUEST_URI", "[cgi]") {
  auto request = post(call_body);
  std::erase_if(request.variables, [](const std::string& one) { return one.starts_with("QUERY_STRING"); });
  CHECK_THAT(request.send(greeting_handler()), !StartsWith("Status: 206 "));
  request.variables.push_back("REQUEST_URI=/jobs?fnId=app-greet%20me&stepId=step");
  CHECK_THAT(request.send(greeting_handler()), StartsWith("Status: 206 "));
}

TEST_CASE("HEAD has no body, and other methods are refused", "[cgi]") {
  const auto handler = greeting_handler();
  CHECK_THAT(with_method("GET").send(handler), ContainsSubstring("function_count"));
  CHECK_THAT(with_method("HEAD").send(handler), StartsWith("Status: 200 ") && EndsWith("\r\n\r\n"));
  for (const char* method : {"OPTIONS", "DELETE", "WHATEVER"})
    CHECK_THAT(with_method(method).send(handler),
               StartsWith("Status: 405 ") && ContainsSubstring("allow: GET, HEAD, PUT, POST\r\n"));
}

TEST_CASE("a body over the limit is not read", "[cgi][limits]") {
  const auto handler = greeting_handler(support::quiet_options(), {.max_body_size = 5000});
  auto announced = post(std::string(5001, ' '));
  CHECK_THAT(announced.send(handler), StartsWith("Status: 413 "));
  CHECK(announced.unread == 5001);
  auto huge = post("");
  huge.variables.push_back("CONTENT_LENGTH=0");
  huge.variables[5] = "CONTENT_LENGTH=99999999999999999999999999";
  CHECK_THAT(huge.send(handler), StartsWith("Status: 413 "));

  auto chunked = post(std::string(100'000, ' '));
  chunked.variables[5] = "HTTP_TRANSFER_ENCODING=chunked";
  CHECK_THAT(chunked.send(handler), StartsWith("Status: 413 "));
  CHECK(chunked.unread > 90'000);
}

TEST_CASE("a body without a length is read to its end", "[cgi]") {
  auto request = post(call_body);
  request.variables[5] = "HTTP_TRANSFER_ENCODING=chunked";
  CHECK_THAT(request.send(greeting_handler()), StartsWith("Status: 206 "));
}

TEST_CASE("only as many bytes are read as were announced", "[cgi]") {
  auto request = post(call_body);
  request.body += "the next request";
  CHECK_THAT(request.send(greeting_handler()), StartsWith("Status: 206 "));
  CHECK(request.unread == std::string_view("the next request").size());
}

TEST_CASE("broken lengths and bodies that end early are refused", "[cgi][broken]") {
  for (const char* length : {"x", "-1", "1x", " 1", "0x10"}) {
    auto request = post(call_body);
    request.variables[5] = std::string("CONTENT_LENGTH=") + length;
    CHECK_THAT(request.send(greeting_handler()), StartsWith("Status: 400 "));
  }
  auto request = post(call_body);
  request.body.resize(10);
  CHECK_THAT(request.send(greeting_handler()),
             StartsWith("Status: 400 ") && ContainsSubstring("ended too early"));
}

TEST_CASE("a streamed answer has no length", "[cgi][streaming]") {
  const auto handler = greeting_handler(support::quiet_options(), {.streaming = true});
  const std::string answer = post(call_body).send(handler);
  CHECK_THAT(answer, StartsWith("Status: 201 ") && ContainsSubstring(R"("status":206)"));
  CHECK_THAT(answer, !ContainsSubstring("content-length"));
}

TEST_CASE("headers of answers can't break out of their line", "[cgi][broken]") {
  CHECK(inngest::cgi::detail::head_of({.status = 200, .headers = {{"a", "b\r\nStatus: 500"}}}) ==
        "Status: 200 \r\na: b  Status: 500\r\n");
}

TEST_CASE("a program that no web server has started says so", "[cgi]") {
  REQUIRE(std::getenv("REQUEST_METHOD") == nullptr);
  CHECK_THROWS_WITH(inngest::cgi::run(greeting_handler()), ContainsSubstring("a web server has to start"));
  CHECK_THROWS_WITH(inngest::cgi::program().run(), ContainsSubstring("inngest::serve()"));
}
