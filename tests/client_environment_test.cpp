#include <map>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/outbox.hpp>
#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// The environment and the platform that requests name.

namespace client_environment {

using inngest::client;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using support::fake_transport;
using variables = std::map<std::string, std::string>;

using moved = inngest::event<"env/moved">;

inngest::client_options options_of(std::shared_ptr<fake_transport> transport, variables environment = {}) {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.event_key = "event-key";
  options.transport = std::move(transport);
  options.environment = [environment = std::move(environment)](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  return options;
}

std::string header(const inngest::http::headers& headers, std::string_view name) {
  return std::string(headers.find(name).value_or("(absent)"));
}
std::string env_of(const request& sent) { return header(sent.headers, "x-inngest-env"); }

std::size_t count_of(const request& sent, const std::string& name) {
  std::size_t found = 0;
  for (const auto& [key, value] : sent.headers) found += key == name ? 1 : 0;
  return found;
}

/// A keeper in memory.
struct kept_events : inngest::event_keeper {
  std::vector<std::pair<std::string, std::string>> lists{};
  void keep(const std::string& events, const std::string& seed) override { lists.emplace_back(events, seed); }
  bool empty() const override { return lists.empty(); }
  void flush(const sender& send) override {
    while (!lists.empty()) {
      send(lists.front().first, lists.front().second);
      lists.erase(lists.begin());
    }
  }
};

}  // namespace client_environment

using namespace client_environment;

TEST_CASE("one send may name another environment", "[client][env]") {
  for (const std::string own : {"", "own"}) {
    CAPTURE(own);
    auto transport = std::make_shared<fake_transport>();
    auto options = options_of(transport);
    options.env = own;
    const client app(options);
    app.send(moved{}, {.env = " branch "});
    app.send({moved{}}, {.env = "branch"});
    app.send(std::vector<inngest::any_event>{moved{}}, {.env = "branch"});
    app.send(moved{});
    const auto sent = transport->requests();
    REQUIRE(sent.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(env_of(sent[i]) == "branch");
      CHECK(count_of(sent[i], "x-inngest-env") == 1);
      CHECK(header(sent[i].headers, "x-inngest-event-id-seed").find(';') == std::string::npos);
    }
    CHECK(env_of(sent[3]) == (own.empty() ? "(absent)" : own));
  }
}

TEST_CASE("a signal may name another environment", "[client][env]") {
  auto transport = std::make_shared<fake_transport>(
      [](const request&) { return response{.body = R"({"data":{"run_id":"01R"}})"}; });
  const client app(options_of(transport));
  CHECK(app.send_signal("go", json{{"n", 1}}, {.env = "branch"}) == "01R");
  CHECK(app.send_signal("go") == "01R");
  const auto sent = transport->requests();
  REQUIRE(sent.size() == 2);
  CHECK(env_of(sent[0]) == "branch");
  CHECK(env_of(sent[1]) == "(absent)");
}

TEST_CASE("an environment's name with control characters is refused before anything is sent",
          "[client][env]") {
  auto transport = std::make_shared<fake_transport>();
  const client app(options_of(transport));
  CHECK_THROWS_AS(app.send(moved{}, {.env = "a\r\nx: y"}), inngest::configuration_error);
  CHECK_THROWS_AS(app.send_signal("go", json(), {.env = "a\nb"}), inngest::configuration_error);
  CHECK(transport->requests().empty());
}

TEST_CASE("events in the outbox keep the environment that they were sent to", "[client][env][outbox]") {
  bool reachable = false;
  auto transport = std::make_shared<fake_transport>([&](const request&) -> response {
    if (!reachable) throw inngest::unreachable("no server");
    return {.body = R"({"ids":["i"],"status":200})"};
  });
  auto keeper = std::make_shared<kept_events>();
  auto options = options_of(transport);
  options.env = "own";
  options.send_attempts = 1;
  options.outbox = keeper;
  options.when_unreachable = inngest::unreachable_policy::keep;
  const client app(options);
  app.send(moved{}, {.env = "a;b"});
  app.send(moved{});
  REQUIRE(keeper->lists.size() == 2);
  const std::size_t before = transport->requests().size();
  reachable = true;
  app.flush_outbox();
  const auto sent = transport->requests();
  REQUIRE(sent.size() == before + 2);
  CHECK(env_of(sent[before]) == "a;b");
  CHECK(env_of(sent[before + 1]) == "own");
}

TEST_CASE("the environment's default is the branch that a host of apps names", "[client][env][settings]") {
  const std::vector<std::string> by_precedence{
      "INNGEST_ENV",     "BRANCH_NAME",       "VERCEL_GIT_COMMIT_REF", "BRANCH",
      "CF_PAGES_BRANCH", "RENDER_GIT_BRANCH", "RAILWAY_GIT_BRANCH"};
  variables environment;
  for (auto name = by_precedence.rbegin(); name != by_precedence.rend(); ++name) {
    environment[*name] = "of " + *name;
    CHECK(client(options_of(nullptr, environment)).settings().env() == "of " + *name);
  }
  auto options = options_of(nullptr, environment);
  options.env = "chosen";
  CHECK(client(options).settings().env() == "chosen");
}

TEST_CASE("requests and answers name the platform that hosts the app", "[client][env][serve]") {
  const std::vector<std::pair<variables, std::string>> hosts{{{{"VERCEL", "1"}}, "vercel"},
                                                             {{{"NETLIFY", "true"}}, "netlify"},
                                                             {{{"CF_PAGES", "1"}}, "cloudflare-pages"},
                                                             {{{"RENDER", "true"}}, "render"},
                                                             {{{"RAILWAY_ENVIRONMENT", "prod"}}, "railway"},
                                                             {{{"RENDER", "false"}}, "(absent)"},
                                                             {{}, "(absent)"}};
  for (const auto& [environment, platform] : hosts) {
    CAPTURE(platform);
    auto transport = std::make_shared<fake_transport>();
    auto options = options_of(transport, environment);
    options.mode = inngest::mode::dev;
    const client app(options);
    app.send(moved{});
    CHECK(header(transport->requests().front().headers, "x-inngest-platform") == platform);
    auto f = app.create_function({.id = "f"}, inngest::on<moved>(), [](auto&) {});
    const support::answer reply(inngest::handler(app, {f})(support::post("app-f", support::call{}.text())));
    CHECK(reply.header("x-inngest-platform") == platform);
  }
}
