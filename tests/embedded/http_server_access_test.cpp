#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/server_access.hpp>
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catch.hpp"
#include "raw_client.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"

using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::http_server;
using inngest::embedded::http_server_options;

namespace {

struct payload {
  std::string k;
};
INNGEST_FIELDS(payload, k)
using start = inngest::event<"access/start", payload>;

inngest::client quiet_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

struct fixture {
  inngest::client app = quiet_client();
  inngest::any_function local =
      app.create_function({.id = "local"}, inngest::on<start>(),
                          [](inngest::context<start>& ctx) { return "local " + ctx.event.data.k; });
  engine functions{app, {local}};
  http_server server;

  explicit fixture(http_server_options options = {})
      : server(functions, [&] {
          options.port = 0;
          return options;
        }()) {}

  /// The status of a request with these lines; each must end with CRLF.
  int status(const std::string& method_and_path, const std::string& headers,
             const std::string& body = "") const {
    return raw_client::status_of(server.port(), method_and_path + " HTTP/1.1\r\n" + headers +
                                                    "Content-Length: " + std::to_string(body.size()) +
                                                    "\r\n\r\n" + body);
  }
  std::string answer(const std::string& method_and_path, const std::string& headers,
                     const std::string& body = "") const {
    raw_client client(server.port());
    client.send(method_and_path + " HTTP/1.1\r\nConnection: close\r\n" + headers +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read_all();
  }

  std::size_t events() const { return functions.store().find_events({}).size(); }
};

const std::string host = "Host: localhost\r\n";
const std::string as_json = "Content-Type: application/json\r\n";
const std::string event = R"({"name":"access/start","data":{"k":"x"}})";
const std::string key = "signkey-test-0123456789abcdef";

std::string bearer() {
  return "Authorization: Bearer " + inngest::protocol::hashed_signing_key(key) + "\r\n";
}

std::string registration(const std::string& app, const std::string& function, const std::string& url) {
  return json{{"appName", app},
              {"url", url},
              {"functions",
               {{{"id", function},
                 {"name", function},
                 {"triggers", {{{"event", "access/start"}}}},
                 {"steps", {{"step", {{"id", "step"}, {"name", "step"}, {"runtime", {{"url", url}}}}}}}}}}}
      .dump();
}

/// All that changes something.
const std::vector<std::string> writes = {"POST /e/x",
                                         "POST /fn/register",
                                         "PUT /fn/register",
                                         "POST /api/runs/none/rerun",
                                         "POST /v1/signals",
                                         "DELETE /v1/runs/none",
                                         "POST /v2/runs/none/rerun",
                                         "POST /v1/checkpoint/none/async",
                                         "PATCH /v1/runs/none",
                                         "PUT /nothing"};

}  // namespace

TEST_CASE("the server answers for no host that a stranger may own, on any route", "[http_server]") {
  const fixture it;
  for (const char* stranger : {"evil.example",
                               "evil.example:8288",
                               "127.0.0.1.evil.example",
                               "localhost.evil.example",
                               "localhostx",
                               "notlocalhost",
                               "128.0.0.1",
                               "10.0.0.1:8288",
                               "0.0.0.0",
                               "[::2]",
                               "[::]",
                               "[fe80::1]",
                               "localhost:99999",
                               "localhost:80:80",
                               "localhost:x",
                               "user@localhost",
                               "localhost/x",
                               "local host",
                               "[::1",
                               "::1",
                               "127.1",
                               "0x7f.0.0.1",
                               ".",
                               ""}) {
    CAPTURE(stranger);
    const std::string strange = "Host: " + std::string(stranger) + "\r\n";
    CHECK(it.status("GET /api/state", strange) == 421);
    CHECK(it.status("POST /e/x", strange, event) == 421);
  }
  const std::string evil = "Host: evil.example:8288\r\nOrigin: http://evil.example:8288\r\n" + as_json;
  for (const char* route : {"GET /", "GET /index.html", "GET /health", "GET /dev", "GET /api/runs",
                            "GET /v1/runs/x", "GET /v0/runs/x/actions", "HEAD /", "OPTIONS /e/x",
                            "GET /sign-in?token=x", "TRACE /", "get /api/state"})
    CHECK(it.status(route, evil) == 421);
  for (const std::string& route : writes) CHECK(it.status(route, evil, event) == 421);
  CHECK(it.events() == 0);
  const std::string answer = it.answer("GET /api/state", evil);
  CHECK(answer.find("http_server_options::hosts") != std::string::npos);
  CHECK(raw_client::status_of(it.server.port(), "GET /api/state HTTP/1.0\r\n\r\n") == 421);
}

TEST_CASE("the server answers for the names of this machine and for those it was given", "[http_server]") {
  const fixture it({.hosts = {"engine", "Engine.Example.", "[fd00::0:1]"}});
  for (const char* name :
       {"localhost", "LocalHost:1", "localhost.", "app.localhost:8288", "127.0.0.1", "127.8.9.1:5", "[::1]",
        "[::1]:8288", "[0:0:0:0:0:0:0:1]", "engine", "ENGINE:8288", "engine.example", "[fd00::1]:80"}) {
    CAPTURE(name);
    CHECK(it.status("GET /api/state", "Host: " + std::string(name) + "\r\n") == 200);
    CHECK(it.status("GET /health", "hOsT:" + std::string(name) + "\r\n") == 200);
  }
  engine other{quiet_client(), {}};
  CHECK_THROWS_WITH(http_server(other, {.port = 0, .hosts = {"http://engine"}}),
                    Catch::Matchers::ContainsSubstring("not a host: \"http://engine\""));
}

TEST_CASE("web pages of other origins change nothing", "[http_server]") {
  const fixture it;
  const std::string port = std::to_string(it.server.port());
  const std::string here = "Host: 127.0.0.1:" + port + "\r\n";
  for (const std::string& foreign :
       {std::string("Origin: https://evil.example"), std::string("ORIGIN: https://evil.example"),
        std::string("Origin: null"), std::string("Origin:"), std::string("Origin: http://127.0.0.1:3000"),
        std::string("Origin: http://127.0.0.1"), "Origin: http://localhost:" + port,
        "Origin: http://127.0.0.1:" + port + ".evil.example", "Origin: http://127.0.0.1:" + port + "/x",
        "Origin: ftp://127.0.0.1:" + port, "Origin: http://evil@127.0.0.1:" + port,
        std::string("Sec-Fetch-Site: cross-site"), std::string("sec-fetch-site: Cross-Site"),
        std::string("Sec-Fetch-Site: same-site"),
        std::string("Referer: https://evil.example/127.0.0.1:") + port,
        "Origin: http://127.0.0.1:" + port + "\r\nOrigin: https://evil.example"}) {
    CAPTURE(foreign);
    for (const std::string& route : writes) {
      CAPTURE(route);
      CHECK(it.status(route, here + as_json + foreign + "\r\n", event) == 403);
    }
    CHECK(it.status("POST /e/x", here + "Content-Type: text/plain\r\n" + foreign + "\r\n", event) == 403);
  }
  CHECK(it.events() == 0);
  const std::string own = "Origin: HTTP://127.0.0.1:" + port + "\r\nSec-Fetch-Site: same-origin\r\n";
  CHECK(it.status("POST /e/x", here + own + as_json, event) == 200);
  CHECK(it.status("POST /e/x", "Host: localhost\r\nOrigin: http://localhost:80\r\n", event) == 200);
  CHECK(it.status("POST /e/x", "Host: localhost:443\r\nOrigin: https://localhost\r\n", event) == 200);
  CHECK(it.events() == 3);
}

TEST_CASE("what changes state comes as JSON, except events", "[http_server]") {
  const fixture it;
  for (const char* type :
       {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data; boundary=application/json\r\n",
        "Content-Type: text/plain;application/json\r\n", "Content-Type: application/jsonx\r\n",
        "Content-Type:\r\n", "Content-Type: application/json\r\nContent-Type: text/plain\r\n"}) {
    CAPTURE(type);
    for (const std::string& route : writes) {
      CAPTURE(route);
      if (route == "POST /e/x")
        CHECK(it.status(route, host + type, event) == 200);
      else
        CHECK(it.status(route, host + type, event) == 415);
    }
  }
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", " application/json ;x"})
    CHECK(it.status("POST /v1/signals", host + "Content-Type: " + type + "\r\n", R"({"signal":"s"})") == 404);
}

TEST_CASE("a method is what it is, in capitals", "[http_server]") {
  const fixture it;
  CHECK(it.status("post /e/x", host + as_json, event) == 405);
  CHECK(it.status("OPTIONS /e/x", host) == 405);
  CHECK(it.status("TRACE /", host) == 405);
  CHECK(it.status("GET /e/x", host, event) == 404);
  CHECK(it.status("PUT /e/x", host + as_json, event) == 404);
  CHECK(it.status("HEAD /api/state", host) == 200);
  CHECK(it.events() == 0);
}

TEST_CASE("a registration takes no function of the process or of another app", "[http_server]") {
  fixture it;
  const auto registers = [&](const std::string& body) {
    support::http_client client(it.server.url());
    const auto answer = client.Post("/fn/register", body, "application/json");
    REQUIRE(answer);
    return std::pair(answer->status, answer->body);
  };
  const auto refused = [&](const std::string& body, const std::string& reason) {
    CAPTURE(body, reason);
    const std::size_t functions = it.functions.functions().size();
    const auto [status, text] = registers(body);
    CHECK(status == 400);
    CHECK(json::parse(text).at("error").get<std::string>().find(reason) != std::string::npos);
    CHECK(it.functions.functions().size() == functions);
  };
  const std::string shop = "http://127.0.0.1:1/api/inngest";
  CHECK(registers(registration("shop", "shop-f", shop)).first == 200);
  CHECK(registers(registration("shop", "shop-f", "http://LOCALHOST:1/other?x=1")).first ==
        200);  // the same app

  refused(registration("app", "app-local", "http://evil.example/x"), "the engine's own process");
  refused(registration("evil", "app-local", "http://evil.example/x"), "the engine's own process");
  refused(registration("evil", "shop-f", shop), "belongs to app \"shop\"");
  refused(registration("evil", "shop-f", "http://evil.example/x"), "belongs to app \"shop\"");

  json two = json::parse(registration("shop", "shop-f", shop));
  two["functions"].push_back(
      json::parse(registration("shop", "shop-g", "http://evil.example/x"))["functions"][0]);
  refused(two.dump(), "the same origin");
  two["functions"][1] = two["functions"][0];
  refused(two.dump(), "registered twice");
  for (const char* url : {"", "/x", "?x", "ftp://host/x", "http://", "http://:80/x", "http://a@b/x",
                          "http://a b/", "javascript://x", "http:/x"})
    refused(registration("new", "new-f", url), "its URL must begin with");

  // the process's function is still the one that is called
  const auto sent = it.functions.send(start{{.k = "secret"}});
  std::string output;
  for (const auto& run : it.functions.runs_of(sent.ids.at(0)))
    if (run.function_slug == "app-local")
      output = it.functions.wait_for(run.id, support::patience).output<std::string>();
  CHECK(output == "local secret");
  CHECK(registers(R"({"appName":"shop","url":")" + shop + R"(","functions":[]})").first == 200);
}

TEST_CASE("an app that registers at another origin has moved there", "[http_server]") {
  const fixture it;
  const auto urls = [&] {
    std::vector<std::string> out;
    for (const auto& function : it.functions.functions())
      if (function.app_id == "shop") out.push_back(function.slug + " " + function.url);
    return out;
  };
  const auto registers = [&](const std::string& slug, const std::string& url) {
    return it.status("POST /fn/register", host + as_json, registration("shop", slug, url));
  };
  CHECK(registers("shop-f", "http://127.0.0.1:1/x") == 200);
  CHECK(registers("shop-f", "http://127.0.0.1:2/x") == 200);
  CHECK(urls() == std::vector<std::string>{"shop-f http://127.0.0.1:2/x"});
  CHECK(registers("shop-g", "https://other.example/x") == 200);
  CHECK(urls() == std::vector<std::string>{"shop-g https://other.example/x"});
  const char* without_functions = R"({"appName":"shop","functions":[]})";
  CHECK(it.status("POST /fn/register", host + as_json, without_functions) == 400);
  CHECK(urls().size() == 1);
}

TEST_CASE("an odd registration is refused, and changes nothing", "[http_server]") {
  const fixture it;
  const std::string url = "http://127.0.0.1:1/x";
  REQUIRE(it.status("POST /fn/register", host + as_json, registration("shop", "shop-f", url)) == 200);
  std::vector<std::string> bodies = {"",
                                     "null",
                                     "[]",
                                     "{",
                                     "5",
                                     "\"x\"",
                                     R"({"appName":5})",
                                     R"({"appName":""})",
                                     "\xff",
                                     R"({"appName":"shop"})",
                                     R"({"appName":"shop","functions":null})",
                                     R"({"appName":"shop","url":5,"functions":[]})",
                                     std::string(2000, '[')};
  for (const char* functions :
       {"5", "\"x\"", "[5]", "[[]]", "{\"a\":5}", "[null]", "[{}]", R"([{"id":5}])", R"([{"id":""}])",
        R"([{"id":"shop-g","triggers":[{"cron":"99 * * * *"}]}])",
        R"([{"id":"shop-g","triggers":[{"event":"a"}]}])", R"([{"id":"shop-g","triggers":5,"steps":5}])",
        R"([{"id":"shop-g","steps":{"step":{"runtime":{"url":5}}}}])"})
    bodies.push_back(R"({"appName":"shop","url":")" + url + R"(","functions":)" + functions + "}");
  // one that is good, and one that is not
  json half = json::parse(registration("shop", "shop-g", url));
  half["functions"].push_back({{"id", "shop-h"}, {"triggers", {{{"cron", "never"}}}}});
  bodies.push_back(half.dump());
  for (const std::string& body : bodies) {
    CAPTURE(body);
    CHECK(it.status("POST /fn/register", host + as_json, body) == 400);
    std::vector<std::string> slugs;
    for (const auto& function : it.functions.functions()) slugs.push_back(function.slug);
    CHECK(slugs == std::vector<std::string>{"app-local", "shop-f"});
  }
}

TEST_CASE("a function of the process stays when a stored registration has its id", "[http_server]") {
  const auto store = std::make_shared<inngest::embedded::memory_store>();
  {
    engine before{quiet_client(), {}, {.store = store}};
    before.register_app("app", registration("app", "app-local", "http://127.0.0.1:1/x"));
  }
  const auto app = quiet_client();
  const auto local = app.create_function({.id = "local"}, inngest::on<start>(),
                                         [](inngest::context<start>&) { return "local"; });
  engine after{app, {local}, {.store = store}};
  const std::string run = after.start(local, json{{"k", "x"}});
  CHECK(after.wait_for(run, support::patience).output<std::string>() == "local");
}

TEST_CASE("with keys, every route asks for one", "[http_server]") {
  const fixture it({.signing_key = key, .event_keys = {"first", "second/key+x"}});
  for (const char* authorization :
       {"", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n", "Authorization: Basic x\r\n",
        "Authorization: Bearer signkey-test-0123456789abcdef\r\n", "Cookie: inngest_session=\r\n",
        "Authorization: Bearer first\r\n"}) {
    CAPTURE(authorization);
    const std::string headers = host + as_json + authorization;
    for (const char* route : {"GET /",
                              "GET /index.html",
                              "GET /api/state",
                              "GET /api/runs",
                              "GET /api/events",
                              "GET /api/runs/x",
                              "GET /api/functions",
                              "GET /v1/runs/x",
                              "GET /v1/events/x",
                              "GET /v1/events/x/runs",
                              "GET /nothing",
                              "GET /v1/apps/app/functions",
                              "GET /v0/runs/x/actions",
                              "GET /v0/runs/x/batch",
                              "HEAD /api/state",
                              "GET //v1/runs/x",
                              "GET /%76%31/runs/x",
                              "GET /%61pi/state",
                              "GET /health/../v1/runs/x",
                              "GET /e/first/x",
                              "GET /v1/runs/x?/health",
                              "GET /a://b/api/state"}) {
      CAPTURE(route);
      CHECK(it.status(route, headers) == 401);
    }
    for (const std::string& route : writes) {
      CAPTURE(route);
      CHECK(it.status(route, headers, event) == 401);
    }
    for (const char* route : {"POST /e/", "POST /e/First", "POST /e/firs", "POST /e/first1", "POST /e/second",
                              "POST /e/second%2fkey%20x", "POST /%65/x", "POST /e//first"})
      CHECK(it.status(route, headers, event) == 401);
  }
  CHECK(it.events() == 0);
  CHECK(it.status("GET /health", host) == 200);
  CHECK(it.status("GET /dev", host) == 200);

  CHECK(it.status("POST /e/first", host, event) == 200);
  CHECK(it.status("POST /e/second%2Fkey+x", host, event) == 200);
  CHECK(it.status("POST /e/any", host + bearer(), event) == 200);
  const std::string page = "Origin: https://shop.example\r\nSec-Fetch-Site: cross-site\r\n";
  CHECK(it.answer("POST /e/first", host + page, event).find("access-control-allow-origin: *") !=
        std::string::npos);
  CHECK(it.status("OPTIONS /e/first", host + page) == 204);
  CHECK(it.status("POST /e/wrong", host + page, event) == 403);
  CHECK(it.status("OPTIONS /e/wrong", host + page) != 204);
  CHECK(it.events() == 4);

  CHECK(it.status("GET /v1/runs/x", host + bearer()) == 404);
  CHECK(it.status("GET /api/state", host + bearer()) == 200);
  CHECK(it.status("POST /v1/signals", host + as_json + bearer(), R"({"signal":"s"})") == 404);
  CHECK(it.status("POST /fn/register", host + as_json + bearer(),
                  registration("shop", "shop-f", "http://127.0.0.1:1/x")) == 200);
  CHECK(it.status("POST /fn/register", host + as_json + bearer() + page, "{}") == 403);
}

TEST_CASE("with event keys alone, apps have no key to show and are refused", "[http_server]") {
  const fixture it({.event_keys = {" key\n"}});
  CHECK(it.status("POST /e/key", host, event) == 200);
  CHECK(it.status("GET /v1/runs/x", host) == 401);
  CHECK(it.status("GET /api/state", host) == 401);
  CHECK(it.answer("POST /fn/register", host + as_json, "{}").find("signing_key") != std::string::npos);
}

TEST_CASE("with a signing key alone, events need it", "[http_server]") {
  const fixture it({.signing_key = key + "\n"});
  CHECK(it.status("POST /e/key", host, event) == 401);
  CHECK(it.status("POST /e/key", host + bearer(), event) == 200);
}

TEST_CASE("keys that are blank are refused", "[http_server]") {
  engine functions{quiet_client(), {}};
  CHECK_THROWS_WITH(http_server(functions, {.port = 0, .signing_key = " \n"}),
                    Catch::Matchers::ContainsSubstring("signing_key"));
  CHECK_THROWS_WITH(http_server(functions, {.port = 0, .event_keys = {""}}),
                    Catch::Matchers::ContainsSubstring("event_keys"));
  CHECK_THROWS_WITH(http_server(functions, {.port = 0, .event_keys = {"a", "\t"}}),
                    Catch::Matchers::ContainsSubstring("event_keys"));
}

TEST_CASE("a sign-in link works once and gives a browser its cookie", "[http_server]") {
  fixture it({.signing_key = key, .event_keys = {"first"}});
  const std::string url = it.server.sign_in_url();
  REQUIRE(url.starts_with(it.server.url() + "/sign-in?token="));
  CHECK(it.server.sign_in_url() != url);
  const std::string link = "GET " + url.substr(it.server.url().size());
  CHECK(it.status(link + "0", host) == 401);
  CHECK(it.status("GET /sign-in", host) == 401);
  CHECK(it.status("GET /sign-in?token=", host) == 401);
  CHECK(it.status("HEAD" + link.substr(3), host) == 204);  // as what shows a preview of links asks
  const std::string answer = it.answer(link, host);
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  const std::size_t at = answer.find("set-cookie: ");
  REQUIRE(at != std::string::npos);
  const std::string cookie = answer.substr(at + 12, answer.find("\r\n", at) - at - 12);
  CHECK(cookie.find("; HttpOnly") != std::string::npos);
  CHECK(cookie.find("; SameSite=Strict") != std::string::npos);
  CHECK(cookie.find("; Path=/") != std::string::npos);
  CHECK(it.answer(link, host).find("set-cookie") == std::string::npos);  // used

  const std::string pair = cookie.substr(0, cookie.find(';'));
  CHECK(pair.size() > 64);
  const std::string headers = host + as_json + "Cookie: other=1; " + pair + "\r\n";
  CHECK(it.status("GET /", headers) == 200);
  CHECK(it.status("GET /api/state", headers) == 200);
  CHECK(it.status("POST /e/page", headers, event) == 200);
  CHECK(it.status("DELETE /v1/runs/none", headers) == 404);
  CHECK(it.status("POST /api/runs/none/rerun", headers) == 404);
  // but what apps may do is theirs
  CHECK(it.status("POST /fn/register", headers, "{}") == 401);
  CHECK(it.status("GET /v0/runs/x/actions", headers) == 401);
  CHECK(it.status("POST /v1/checkpoint/none/async", headers, "{}") == 401);
  // and a page elsewhere can't use it
  CHECK(it.status("POST /e/page", headers + "Origin: https://evil.example\r\n", event) == 403);
  CHECK(it.status("GET /api/state", host + "Cookie: " + pair + "0\r\n") == 401);
  CHECK(it.status("GET /api/state", host + "Cookie: x" + pair + "\r\n") == 401);
}

TEST_CASE("a refused request is logged with its route, and without what may be a key", "[http_server]") {
  const auto logged = [](const std::string& path) {
    std::vector<std::string> lines;
    std::mutex mutex;
    const inngest::client app({.id = "app",
                               .log = inngest::logger([&](inngest::log_level, std::string_view text) {
                                 const std::lock_guard lock(mutex);
                                 lines.emplace_back(text);
                               }),
                               .environment = [](const char*) { return std::nullopt; }});
    engine functions{app, {}};
    const http_server server{functions, {.port = 0, .signing_key = key, .event_keys = {"first"}}};
    CHECK(raw_client::status_of(server.port(), "GET " + path + " HTTP/1.1\r\n" + host + "\r\n") == 401);
    const std::lock_guard lock(mutex);
    for (const std::string& line : lines) {
      if (line.find("refused a request") != std::string::npos) return line;
    }
    return std::string("(nothing)");
  };
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(logged("/v2/runs?limit=1"), ContainsSubstring("a request to /v2: a key is missing"));
  CHECK_THAT(logged("/fn/register"), ContainsSubstring("a request to /fn: "));
  CHECK_THAT(logged("/api"), ContainsSubstring("a request to /api: "));
  CHECK_THAT(logged("/e/a-secret-key"),
             ContainsSubstring("a request to /e: ") && !ContainsSubstring("secret"));
  CHECK_THAT(logged("/events-secret"),
             ContainsSubstring("to another path: ") && !ContainsSubstring("secret"));
}

TEST_CASE("a session ends after a day, and old links are forgotten", "[http_server]") {
  inngest::embedded::sign_ins people;
  const std::string token = people.new_token();
  const auto now = std::chrono::steady_clock::now();
  const auto secret = people.exchange(token, now);
  REQUIRE(secret);
  CHECK_FALSE(people.exchange(token, now));
  CHECK(people.is_session(*secret, now + 23h));
  CHECK_FALSE(people.is_session(*secret, now + 24h));
  CHECK_FALSE(people.is_session("", now));
  const std::string old = people.new_token();
  for (int i = 0; i < 16; ++i) people.new_token();
  CHECK_FALSE(people.exchange(old));
}

TEST_CASE("without keys the link to the page is the server's address", "[http_server]") {
  fixture it;
  CHECK(it.server.sign_in_url() == it.server.url());
  CHECK(it.status("GET /", host) == 200);
}

TEST_CASE("without keys the server listens on this machine only", "[http_server]") {
  engine functions{quiet_client(), {}};
  for (const char* address : {"0.0.0.0", "::", ""}) {
    CAPTURE(address);
    CHECK_THROWS_WITH(http_server(functions, {.host = address, .port = 0}),
                      Catch::Matchers::ContainsSubstring("allow_anyone"));
  }
  CHECK_THROWS_WITH(http_server(functions, {.host = "no such host", .port = 0}),
                    Catch::Matchers::ContainsSubstring("\"no such host\""));
  {
    const http_server anyone{functions, {.host = "0.0.0.0", .port = 0, .allow_anyone = true}};
    CHECK(anyone.url() == "http://127.0.0.1:" + std::to_string(anyone.port()));
    support::http_client client(anyone.port());
    CHECK(client.Get("/api/state")->status == 200);
  }
  const http_server guarded{functions, {.host = "0.0.0.0", .port = 0, .event_keys = {"k"}}};
  support::http_client client(guarded.port());
  CHECK(client.Get("/api/state")->status == 401);
  engine local{quiet_client(), {}};
  const http_server by_name{local, {.host = "localhost", .port = 0}};
  CHECK(support::http_client(by_name.port()).Get("/health"));
}

TEST_CASE("the page is shown in no frame, and runs nothing but its own script", "[http_server]") {
  const fixture it;
  const std::string page = it.answer("GET /", host);
  const std::size_t at = page.find("content-security-policy: ");
  const std::string policy = page.substr(at, page.find("\r\n", at) - at);
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
  CHECK(policy.find("default-src 'none'") != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(policy.find("script-src 'sha256-") != std::string::npos);
  CHECK(policy.find("style-src 'sha256-") != std::string::npos);
  for (const std::string& answer :
       {page, it.answer("GET /api/state", host), it.answer("GET /none", host),
        it.answer("GET /", "Host: evil.example\r\n"), it.answer("GET  /", host)}) {
    for (const char* header : {"x-frame-options: DENY", "x-content-type-options: nosniff",
                               "referrer-policy: no-referrer", "frame-ancestors 'none'"}) {
      CAPTURE(answer.substr(0, 30), header);
      CHECK(answer.find(header) != std::string::npos);
    }
  }
}

TEST_CASE("bytes that are no text are quoted as such in a refusal", "[http_server]") {
  const fixture it;
  const auto problem = [](const std::string& answer) {
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).at("error").get<std::string>();
  };
  CHECK(problem(it.answer("GET /", "Host: \xff\xfe\r\n")).find("\"\ufffd\ufffd\"") != std::string::npos);
  CHECK(problem(it.answer("POST /e/x", host + "Origin: \xed\xa0\x80\r\n", event)).find("origin") !=
        std::string::npos);
  CHECK(problem(it.answer("GET /v1/runs/%ff", host)).find("\ufffd") != std::string::npos);
  CHECK(problem(it.answer("GET /api/runs/\xff", host)).find("\ufffd") != std::string::npos);
  CHECK(it.status("POST /v1/signals", host + as_json, "{\"signal\":\"\xff\"}") == 400);
  CHECK(it.status("POST /v1/checkpoint/%ff/async", host + as_json, R"({"qi_id":"1","steps":[]})") == 409);
}

TEST_CASE("nothing of a request comes back as a header", "[http_server]") {
  const fixture it;
  const std::string answer = it.answer("GET /v1/runs/a%0d%0aSet-Cookie:%20x=y", host);
  CHECK(answer.starts_with("HTTP/1.1 404 "));
  CHECK(answer.find("\r\nSet-Cookie") == std::string::npos);
}
