// A framework of somebody's own, served through a specialization that is as short as the docs say.

#include <inngest/inngest.hpp>

#include <functional>
#include <map>
#include <string>

#include "catch.hpp"

namespace toy {

struct response {
  int code = 0;
  std::map<std::string, std::string> headers{};
  std::string text{};
};

/// A server that is called instead of connected to.
struct server {
  std::map<std::string,
           std::function<response(const std::string& verb, const std::string& target,
                                  const std::map<std::string, std::string>& headers, std::string body)>>
      routes{};
};

struct server_that_streams : server {};
struct server_that_does_not : server {};

}  // namespace toy

template <>
struct inngest::adapter<toy::server> {
  static constexpr const char* framework = "toy";
  static void mount(toy::server& server, const inngest::handler& handler) {
    server.routes[handler.options().path] = [handler](const auto& verb, const auto& target,
                                                      const auto& headers, std::string body) {
      inngest::http::request request{.method = verb, .url = target, .body = std::move(body)};
      for (const auto& [name, value] : headers) request.headers.add(name, value);
      const inngest::http::response answer = handler(std::move(request));
      toy::response out{.code = answer.status, .text = answer.body};
      for (const auto& [name, value] : answer.headers) out.headers[name] = value;
      return out;
    };
  }
};

template <>
struct inngest::adapter<toy::server_that_streams> : inngest::adapter<toy::server> {
  static constexpr bool streams = true;
};

template <>
struct inngest::adapter<toy::server_that_does_not> : inngest::adapter<toy::server> {
  static constexpr bool streams = false;
};

TEST_CASE("streaming is refused where the adapter can't stream", "[serve]") {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  toy::server silent;
  toy::server_that_does_not says_no;
  toy::server_that_streams says_yes;
  CHECK_THROWS_AS(inngest::serve(silent, app, {}, {.streaming = true}), inngest::configuration_error);
  CHECK_THROWS_AS(inngest::serve(says_no, app, {}, {.streaming = true}), inngest::configuration_error);
  CHECK_NOTHROW(inngest::serve(says_yes, app, {}, {.streaming = true}));
}

TEST_CASE("a server of another framework is served by specializing the adapter", "[serve]") {
  using hello = inngest::event<"test/hello">;
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  const auto greet = app.create_function({.id = "greet"}, inngest::on<hello>(), [](auto& ctx) {
    return ctx.step.run("greet", [] { return std::string("hello"); });
  });
  toy::server server;
  inngest::serve(server, app, {greet}, {.path = "/jobs"});

  REQUIRE(server.routes.count("/jobs") == 1);
  const auto& route = server.routes["/jobs"];
  CHECK(route("GET", "/jobs", {}, "").code == 200);
  const auto answer =
      route("POST", "/jobs?fnId=app-greet&stepId=step", {{"content-type", "application/json"}},
            R"({"event":{"name":"test/hello","data":{}},"steps":{},"ctx":{"run_id":"r","attempt":0}})");
  CHECK(answer.code == 206);
  CHECK(answer.headers.at("x-inngest-framework") == "toy");
  CHECK_THAT(answer.text, Catch::Matchers::ContainsSubstring("\"data\":\"hello\""));
}
