// step.fetch and step.ai.infer on the engine, against a real HTTP server.
#include <inngest/ai.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/redirect.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/testing.hpp>
#include <inngest/transport/httplib.hpp>

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/running_server.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::run;
using inngest::embedded::run_status;
namespace ai = inngest::ai;

namespace {

struct where {
  std::string url;
};
INNGEST_FIELDS(where, url)
using asked = inngest::event<"test/asked", where>;

/// Somebody else's server.
class website {
 public:
  website() {
    server.set_tcp_nodelay(true);
    running_.emplace(server);
  }
  std::string url(const std::string& path) const { return running_->url(path); }

  httplib::Server server{};

 private:
  std::optional<support::running_server> running_{};
};

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

inngest::embedded::engine_options quick() {
  return {.retry_delay = [](int) { return 5ms; }};
}

run run_of(engine& engine, const std::string& url) {
  const auto sent = engine.send(asked{{.url = url}});
  return engine.wait_for(engine.runs_of(sent.ids.at(0)).at(0).id, support::patience);
}

}  // namespace

TEST_CASE("the engine fetches for a step, and any status is an answer", "[embedded]") {
  website site;
  site.server.Put("/thing", [](const httplib::Request& request, httplib::Response& response) {
    response.status = 418;
    response.set_header("X-Seen", request.get_header_value("X-Sent"));
    response.set_content("got " + request.body + "\xff", "text/plain");  // not UTF-8
  });
  const auto app = make_client();
  const auto fetcher =
      app.create_function({.id = "fetcher"}, inngest::on<asked>(), [](inngest::context<asked>& ctx) {
        const auto answer = ctx.step.fetch(
            "thing",
            {.url = ctx.event.data.url, .method = "PUT", .headers = {{"X-Sent", "yes"}}, .body = "it"});
        return std::to_string(answer.status_code) + " " + answer.body + " " + answer.headers.at("X-Seen");
      });
  engine engine(app, {fetcher}, quick());
  const run ended = run_of(engine, site.url("/thing"));
  INFO(format_timeline(ended));
  REQUIRE(ended.status == run_status::completed);
  CHECK(ended.output<std::string>() == "418 got it\xef\xbf\xbd yes");
}

TEST_CASE("a fetch without an answer is tried again, and can be caught in the end", "[embedded]") {
  const auto app = make_client();
  const auto fetcher = app.create_function({.id = "fetcher", .retries = 1}, inngest::on<asked>(),
                                           [](inngest::context<asked>& ctx) -> std::string {
                                             try {
                                               ctx.step.fetch("nobody", {.url = ctx.event.data.url});
                                             } catch (const inngest::step_error& problem) {
                                               return problem.name() + ": " + problem.what();
                                             }
                                             return "an answer";
                                           });
  engine engine(app, {fetcher}, quick());
  const run ended = run_of(engine, "http://127.0.0.1:1/");
  INFO(format_timeline(ended));
  REQUIRE(ended.status == run_status::completed);
  CHECK_THAT(ended.output<std::string>(), ContainsSubstring("GatewayError"));
  CHECK(std::count_if(ended.timeline.begin(), ended.timeline.end(), [](const auto& each) {
          return each.what == inngest::embedded::progress::step_retried;
        }) == 1);

  const run refused = run_of(engine, "ftp://127.0.0.1/");
  CHECK(refused.status == run_status::failed);
  CHECK_THAT(refused.error->message, ContainsSubstring("step \"nobody\": ") && ContainsSubstring("ftp://"));
}

TEST_CASE("the engine asks a model with its key, and again when it is busy", "[embedded]") {
  website site;
  std::atomic<int> calls{0};
  std::string authorization, body;
  site.server.Post("/v1/chat/completions", [&](const httplib::Request& request, httplib::Response& response) {
    if (++calls == 1) {
      response.status = 529;
      return response.set_content("busy", "text/plain");
    }
    authorization = request.has_header("Authorization") ? request.get_header_value("Authorization") : "none";
    body = request.body;
    response.set_content(R"({"choices":[{"message":{"role":"assistant","content":"hello"}}]})",
                         "application/json");
  });
  const auto app = make_client();
  const std::string secret = GENERATE("secret", "");  // a model on the same machine needs none
  const auto asker =
      app.create_function({.id = "asker"}, inngest::on<asked>(), [secret](inngest::context<asked>& ctx) {
        const auto answer = ctx.step.ai.infer(
            "greet",
            ai::openai_compatible{.model = "small", .base_url = ctx.event.data.url, .api_key = secret},
            json{{"messages", {{{"role", "user"}, {"content", "say hello"}}}}});
        return json(answer).at("choices").at(0).at("message").at("content").template get<std::string>();
      });
  engine engine(app, {asker}, quick());
  const run ended = run_of(engine, site.url("/v1/"));
  INFO(format_timeline(ended));
  REQUIRE(ended.status == run_status::completed);
  CHECK(ended.output<std::string>() == "hello");
  CHECK(authorization == (secret.empty() ? "none" : "Bearer secret"));
  CHECK(json::parse(body).at("model") == "small");
  CHECK_THAT(format_timeline(ended), !ContainsSubstring("secret"));
}

TEST_CASE("a request that was asked for is made by the engine that comes after", "[embedded]") {
  website site;
  std::atomic<int> calls{0};
  site.server.Get("/page", [&](const httplib::Request&, httplib::Response& response) {
    ++calls;
    response.set_content("page", "text/plain");
  });
  /// Ends its engine's work, as a crash does, while the first request is on its way.
  class lost final : public inngest::http::transport {
   public:
    std::atomic<bool> asked{false}, ends{false};
    inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
      asked = true;
      support::hold_until(ends);
      throw inngest::unreachable("it ended");
    }
  };
  const store_records::folder place;
  const auto open = [&] {
    return std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = place.file});
  };
  const auto fetch = [](inngest::context<asked>& ctx) {
    return ctx.step.fetch("page", {.url = ctx.event.data.url}).body;
  };
  std::string id;
  {
    const auto app = make_client();
    const auto requests = std::make_shared<lost>();
    auto options = quick();
    options.store = open();
    options.requests = requests;
    options.retry_delay = [](int) { return 1ms; };
    engine engine(app, {app.create_function({.id = "fetcher"}, inngest::on<asked>(), fetch)}, options);
    id = engine.runs_of(engine.send(asked{{.url = site.url("/page")}}).ids.at(0)).at(0).id;
    support::hold_until(requests->asked);
    engine.stop(0ms);  // otherwise it would use up the attempts
    requests->ends = true;
  }
  const auto app = make_client();
  auto options = quick();
  options.store = open();
  engine engine(app, {app.create_function({.id = "fetcher"}, inngest::on<asked>(), fetch)}, options);
  const run ended = engine.wait_for(id, support::patience);
  INFO(format_timeline(ended));
  REQUIRE(ended.status == run_status::completed);
  CHECK(ended.output<std::string>() == "page");
  CHECK(calls == 1);
}

TEST_CASE("a test asks nobody: a fetch without a mock fails and says so", "[testing]") {
  const auto app = make_client();
  const auto fetcher = app.create_function(
      {.id = "fetcher"}, inngest::on<asked>(),
      [](inngest::context<asked>& ctx) { return ctx.step.fetch("page", {.url = ctx.event.data.url}).body; });
  inngest::testing::harness t{app, {fetcher}};
  const auto failed = t.send(asked{{.url = "http://127.0.0.1:1/"}});
  INFO(failed);
  REQUIRE(failed.failed());
  CHECK_THAT(failed.error(), ContainsSubstring("mock_step(\"page\""));

  t.mock_step("page", [] { return inngest::fetch_response{.status_code = 200, .body = "mocked"}; });
  CHECK(t.send(asked{{.url = "http://127.0.0.1:1/"}}).output<std::string>() == "mocked");
}

TEST_CASE("what comes from an event can't add fields or requests to a fetch", "[embedded][security]") {
  website site;
  std::atomic<int> seen{0};
  const auto count = [&](const httplib::Request&, httplib::Response&) { ++seen; };
  site.server.Get(".*", count);
  site.server.Post(".*", count);
  const auto app = make_client();
  const auto by_url = app.create_function(
      {.id = "by-url", .retries = 3}, inngest::on<asked>(),
      [](inngest::context<asked>& ctx) { return ctx.step.fetch("get", {.url = ctx.event.data.url}); });
  const auto by_method = app.create_function(
      {.id = "by-method", .retries = 3}, inngest::on<asked>(), [&](inngest::context<asked>& ctx) {
        return ctx.step.fetch("get", {.url = site.url("/"), .method = ctx.event.data.url});
      });
  engine engine{app, {by_url, by_method}, quick()};
  const auto refused = [&](const inngest::any_function& function, const std::string& text) {
    const std::string id = engine.start(function, json{{"url", text}});
    const run ended = engine.wait_for(id, support::patience);
    CHECK(ended.status == run_status::failed);
    return ended.error ? ended.error->message : std::string();
  };
  const std::string evil = " HTTP/1.1\r\nHost: h\r\n\r\nPOST /admin HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
  CHECK_THAT(refused(by_url, site.url("/q?name=x" + evil + "GET /")), ContainsSubstring("spaces, line ends"));
  CHECK_THAT(refused(by_url, site.url("/a b")), ContainsSubstring("percent_encoded"));
  CHECK_THAT(refused(by_url, "http://"), ContainsSubstring("without a host"));
  CHECK_THAT(refused(by_url, "ftp://example.com/"), ContainsSubstring("not an http or https URL"));
  CHECK_THAT(refused(by_url, "http://u:secretpw@127.0.0.1:1/"),
             ContainsSubstring("Authorization header") && !ContainsSubstring("secretpw"));
  CHECK_THAT(refused(by_url, "http://127.0.0.1:65536/"), ContainsSubstring("port"));
  CHECK_THAT(refused(by_method, "GET /" + evil + "GET"), ContainsSubstring("not a method of HTTP"));
  CHECK(seen == 0);
}

TEST_CASE("a fetch's headers can't say where its body ends, nor hold other headers", "[embedded][security]") {
  website site;
  std::atomic<int> smuggled{0}, kept{0};
  site.server.Post("/echo", [&](const httplib::Request& request, httplib::Response& response) {
    for (const auto& [name, value] : request.headers) kept += value == "0" ? 1 : 0;
    response.set_content(std::to_string(request.body.size()) + " " + request.get_header_value("X-Sent") +
                             " " + request.get_header_value("Host"),
                         "text/plain");
  });
  site.server.Post("/admin", [&](const httplib::Request&, httplib::Response&) { ++smuggled; });
  const auto app = make_client();
  const auto fetcher = app.create_function(
      {.id = "fetcher", .retries = 3}, inngest::on<asked>(), [&](inngest::context<asked>& ctx) {
        const std::string next = "POST /admin HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
        return ctx.step
            .fetch("post", {.url = site.url("/echo"),
                            .method = "POST",
                            .headers = {{ctx.event.data.url, "0"}, {"X-Sent", "yes"}, {"HOST", "evil"}},
                            .body = next})
            .body;
      });
  engine engine{app, {fetcher}, quick()};
  const auto run_with_field = [&](const std::string& field) {
    return engine.wait_for(engine.start(fetcher, json{{"url", field}}), support::patience);
  };
  const std::string own_host = site.url("").substr(7);
  CHECK(run_with_field("Content-Length").output<std::string>() == "52 yes " + own_host);
  CHECK(run_with_field("Transfer-Encoding").output<std::string>() == "52 yes " + own_host);
  for (const char* name :
       {"Connection", "Keep-Alive", "TE", "Expect", "Proxy-Connection", "Trailer", "Upgrade"})
    CHECK(run_with_field(name).output<std::string>() == "52 yes " + own_host);
  CHECK(kept == 0);
  CHECK(run_with_field("X-Other").status == run_status::completed);
  CHECK(kept == 1);
  for (const char* name : {"X-Sent: no", "a b", ""}) {
    const run refused = run_with_field(name);
    INFO(name);
    REQUIRE(refused.status == run_status::failed);
    CHECK_THAT(refused.error->message, ContainsSubstring("not the name of a header"));
  }
  CHECK(smuggled == 0);
}

TEST_CASE("a transport refuses a request whose first line would be several", "[transport][security]") {
  inngest::httplib_transport transport;
  CHECK_THROWS_AS(transport.send({.url = "http://127.0.0.1:1/a\r\nb: c"}, 1s), inngest::configuration_error);
  CHECK_THROWS_AS(transport.send({.method = "GET /\r\n", .url = "http://127.0.0.1:1/"}, 1s),
                  inngest::configuration_error);
}

TEST_CASE("a fetch follows redirects, and tells where its answer came from", "[embedded]") {
  website site, other;
  const auto moved = [](int status, const std::string& to) {
    return [status, to](const httplib::Request&, httplib::Response& response) {
      response.status = status;
      response.set_header("Location", to);
    };
  };
  const auto show = [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.method + " " + request.target + " " +
                             request.get_header_value("Authorization") + " " + request.body,
                         "text/plain");
  };
  site.server.Post("/see-other", moved(303, "/here?a=1#part"));
  site.server.Post("/again", moved(307, "here"));
  site.server.Get("/away", moved(302, other.url("/there")));
  site.server.Get("/round", moved(302, "/round"));
  site.server.Get("/nowhere", moved(302, "mailto:a@b.c"));
  for (httplib::Server* server : {&site.server, &other.server}) {
    server->Get("/.*here", show);
    server->Post("/.*here", show);
  }
  const auto app = make_client();
  const auto fetcher = app.create_function(
      {.id = "fetcher", .retries = 0}, inngest::on<asked>(), [&](inngest::context<asked>& ctx) {
        const std::string path = ctx.event.data.url;
        const bool posts = path == "/see-other" || path == "/again";
        return ctx.step.fetch("get", {.url = path.starts_with("/") ? site.url(path) : path,
                                      .method = posts ? "POST" : "GET",
                                      .headers = {{"Authorization", "secret"}},
                                      .body = posts ? "text" : ""});
      });
  engine engine{app, {fetcher}, quick()};
  const auto fetched = [&](const std::string& path) {
    return run_of(engine, path).output<inngest::fetch_response>();
  };
  CHECK(fetched("/see-other").body == "GET /here?a=1 secret ");
  CHECK(fetched("/see-other").url == site.url("/here?a=1"));
  CHECK(fetched("/again").body == "POST /here secret text");
  CHECK(fetched("/away").body == "GET /there  ");
  CHECK(fetched("/away").url == other.url("/there"));
  CHECK(fetched("/here").url == site.url("/here"));
  CHECK(fetched("/nowhere").status_code == 302);
  CHECK_FALSE(fetched("/away").headers.contains(":url"));
  CHECK_THAT(run_of(engine, "/round").error.value().message, ContainsSubstring("after 10 redirects"));
  std::string loud = site.url("/here#part");
  loud.replace(0, 4, "HTTP");
  CHECK(fetched(loud).body == "GET /here secret ");
}

TEST_CASE("a redirected request takes no secret to another origin, and describes no body that it lacks",
          "[embedded][security]") {
  using inngest::embedded::redirected_request;
  const inngest::http::request first{.method = "POST",
                                     .url = "http://a/b?x=1",
                                     .headers = {{"Accept", "text/plain"},
                                                 {"Api-Key", "k"},
                                                 {"X-Goog-Api-Key", "k"},
                                                 {"Cookie2", "k"},
                                                 {"Host", "internal"},
                                                 {"Content-Type", "text/plain"},
                                                 {"Content-Encoding", "gzip"},
                                                 {"Content-Length", "4"},
                                                 {"Transfer-Encoding", "chunked"}},
                                     .body = "text"};
  const auto names = [&](int status, const std::string& location) {
    const auto next = redirected_request(first, {.status = status, .headers = {{"location", location}}});
    std::string out;
    for (const auto& [name, value] : next.value().headers) out += name + " ";
    return next->method + " " + next->url + " " + next->body + "|" + out;
  };
  CHECK(names(303, "http://other/c") == "GET http://other/c |Accept ");
  CHECK(names(307, "http://other/c") == "POST http://other/c text|Accept Content-Type ");
  CHECK(names(302, "/c") == "GET http://a/c |Accept Api-Key X-Goog-Api-Key Cookie2 Host ");
  CHECK(names(308, "/c") ==
        "POST http://a/c text|Accept Api-Key X-Goog-Api-Key Cookie2 Host Content-Type Content-Encoding "
        "Transfer-Encoding ");
  CHECK(names(303, "/c d?e=\xc3\xa4").starts_with("GET http://a/c%20d?e=%C3%A4 "));
  CHECK_FALSE(redirected_request(first, {.status = 304, .headers = {{"location", "/c"}}}));
}

TEST_CASE("a redirect's location is resolved as RFC 3986 asks", "[embedded]") {
  const auto [location, target] = GENERATE(table<std::string, std::string>({
      // the examples of section 5.4, without their fragments
      {"g:h", "none"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/../x", "http://a/b/c/g"},
      // others
      {"?y:z", "http://a/b/c/d;p?y:z"},
      {"g?u=http://x", "http://a/b/c/g?u=http://x"},
      {"/g:h", "http://a/g:h"},
      {"/x//../y", "http://a/x/y"},
      {"HTTPS://g/../x?y#s", "HTTPS://g/x?y"},
      {"http://g?y", "http://g?y"},
      {"http://u:secretpw@g/", "none"},
      {"http://g:65536/", "none"},
  }));
  CAPTURE(location);
  const inngest::http::request first{.method = "GET", .url = "http://a/b/c/d;p?q#f"};
  const auto next =
      inngest::embedded::redirected_request(first, {.status = 302, .headers = {{"location", location}}});
  CHECK((next ? next->url : "none") == target);
}

TEST_CASE("a redirect's location is resolved at a URL without a path, too", "[embedded]") {
  const std::string location = GENERATE("g", "/g", "../g", "./g#f");
  const auto next = inngest::embedded::redirected_request(
      {.method = "GET", .url = "http://a?q=/"}, {.status = 302, .headers = {{"location", location}}});
  CHECK(next.value().url == "http://a/g");
}

TEST_CASE("an origin is the same in other letters and with its scheme's own port", "[embedded][security]") {
  const auto keeps_secrets = [](const std::string& from, const std::string& to) {
    const auto next = inngest::embedded::redirected_request(
        {.method = "GET", .url = from, .headers = {{"Authorization", "secret"}}},
        {.status = 302, .headers = {{"location", to}}});
    return next.value().headers.find("authorization").has_value();
  };
  CHECK(keeps_secrets("http://127.0.0.1:5210", "HTTP://127.0.0.1:5210/up"));
  CHECK(keeps_secrets("http://Example.com/", "http://example.COM:80/up"));
  CHECK(keeps_secrets("HTTPS://example.com:443", "https://example.com?x"));
  CHECK(keeps_secrets("http://[::A]:80/", "http://[::a]/"));
  CHECK_FALSE(keeps_secrets("http://example.com", "http://example.com:443/"));
  CHECK_FALSE(keeps_secrets("https://example.com", "https://example.com:80/"));
  CHECK_FALSE(keeps_secrets("https://example.com", "http://example.com/"));
  CHECK_FALSE(keeps_secrets("http://example.com", "http://example.com.evil/"));
  CHECK_FALSE(keeps_secrets("http://127.0.0.1", "http://localhost/"));
}

TEST_CASE("redirects share the time of one request", "[embedded]") {
  website site;
  site.server.Get("/slow", [](const httplib::Request&, httplib::Response& response) {
    std::this_thread::sleep_for(80ms);
    response.status = 302;
    response.set_header("Location", "/slow");
  });
  const auto app = make_client();
  const auto fetcher = app.create_function(
      {.id = "fetcher", .retries = 0}, inngest::on<asked>(), [&](inngest::context<asked>& ctx) {
        return ctx.step.fetch("get", {.url = site.url("/slow")}).status_code;
      });
  auto options = quick();
  options.request_timeout = 200ms;
  engine engine{app, {fetcher}, options};
  const run ended = run_of(engine, "");
  CHECK(ended.status == run_status::failed);
  CHECK_THAT(ended.error.value().message, !ContainsSubstring("10 redirects"));
}

TEST_CASE("a URL may have a query without a path", "[embedded]") {
  website site;
  site.server.Get("/", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.target, "text/plain");
  });
  inngest::httplib_transport transport;
  CHECK(transport.send({.url = site.url("?x=1")}, 5s).body == "/?x=1");
}
