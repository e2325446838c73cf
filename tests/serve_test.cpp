#include <inngest/serve.hpp>

#include <httplib.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <inngest/transport/httplib.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/free_port.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::any_function;
using inngest::client;
using inngest::client_options;
using inngest::handler;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using support::answer;
using support::hash_of;
using support::post;

using test_event = inngest::event<"test/event">;

const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";
const std::string other_key = "signkey-test-ffffffffffffffffffffffffffffffff";

std::chrono::sys_seconds clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

client_options cloud_options() {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  options.event_key = "secret-event-key";
  return options;
}

any_function greeter(const client& app, const std::string& id = "greet") {
  return app.create_function({.id = id}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("say", [] { return std::string("hello"); });
  });
}

struct served {
  client app;
  inngest::handler handler;
  explicit served(client_options options, inngest::serve_options serve = {})
      : app(std::move(options)), handler(app, {greeter(app)}, std::move(serve)) {}

  answer operator()(request r) const { return answer(handler(std::move(r))); }
};

request signed_with(request r, const std::string& signing_key, std::chrono::sys_seconds at = clock_now()) {
  r.headers.add("X-Inngest-Signature", inngest::protocol::sign(r.body, signing_key, at));
  return r;
}

request call_of(const std::string& slug = "app-greet") { return post(slug, support::call().text()); }
request get() { return {.method = "GET", .url = "/api/inngest"}; }
request put(std::string body = R"({"url":"http://localhost:3000/api/inngest"})") {
  return {.method = "PUT",
          .url = "/api/inngest",
          .headers = {{"Host", "localhost:3000"}},
          .body = std::move(body)};
}
request in_band(request r) {
  r.headers.add("X-Inngest-Sync-Kind", "in_band");
  return r;
}

/// A 401 must not even tell that an SDK answers.
void check_tells_nothing(const answer& a) {
  CHECK(a.status == 401);
  CHECK(json::parse(a.text) == json{{"message", "unauthorized"}});
  for (const auto& [name, value] : a.headers) {
    CAPTURE(name, value);
    CHECK(name.find("inngest") == std::string::npos);
    CHECK(value.find("cpp") == std::string::npos);
  }
}

/// An Inngest server on the loopback, as far as registering goes.
class sync_server {
 public:
  explicit sync_server(int status = 200,
                       std::string body = R"({"ok":true,"modified":true,"sync_id":"s","app_id":"a"})") {
    server_.Post("/fn/register", [this, status, body](const httplib::Request& r, httplib::Response& out) {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(json::parse(r.body));
      headers_.push_back(r.headers);
      out.status = status;
      out.set_content(body, "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    CHECK(support::eventually([&] { return server_.is_running(); }));
  }
  ~sync_server() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<json> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  std::string header(const std::string& name, std::size_t index = 0) const {
    const std::lock_guard lock(mutex_);
    const auto found = headers_.at(index).find(name);
    return found == headers_.at(index).end() ? "(absent)" : found->second;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<json> bodies_;
  std::vector<httplib::Headers> headers_;
};

}  // namespace

// ---- making a handler -----------------------------------------------------------------------------------

TEST_CASE("sync() does not throw, whatever its transport throws", "[serve][sync]") {
  auto options = support::quiet_options();
  const bool is_standard = GENERATE(true, false);
  options.transport = std::make_shared<support::fake_transport>(
      [=](const inngest::http::request&) -> inngest::http::response {
        if (is_standard) throw std::runtime_error("no cable");
        throw 7;
      });
  const inngest::handler handler(inngest::client(options), {});
  const auto result = handler.sync("http://127.0.0.1:3000/api/inngest");
  CHECK_FALSE(result.ok);
  CHECK_THAT(result.message, ContainsSubstring(is_standard ? "no cable" : "not a std::exception"));
}

TEST_CASE("a handler refuses two functions of one id and functions of another app", "[serve]") {
  const client app = support::quiet_client();
  CHECK_THAT(support::message_of<inngest::configuration_error>([&] {
               handler(app, {greeter(app), greeter(app)});
             }),
             ContainsSubstring("greet"));
  auto options = support::quiet_options();
  options.id = "other";
  CHECK_THAT(
      support::message_of<inngest::configuration_error>([&] { handler(client(options), {greeter(app)}); }),
      ContainsSubstring("other") && ContainsSubstring("app"));
}

// ---- GET ------------------------------------------------------------------------------------------------

TEST_CASE("a GET in dev mode tells little", "[serve][get]") {
  const answer a = served(support::quiet_options())(get());
  CHECK(a.status == 200);
  CHECK(a.body() == json{{"schema_version", "2024-05-24"},
                         {"function_count", 1},
                         {"has_event_key", false},
                         {"has_signing_key", false},
                         {"has_signing_key_fallback", false},
                         {"mode", "dev"}});
  CHECK(a.header("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(a.header("content-type") == "application/json");
}

TEST_CASE("a signed GET tells all but the keys", "[serve][get]") {
  auto options = cloud_options();
  options.env = "branch";
  options.serve_origin = "https://jobs.example.com";
  const answer a = served(options)(signed_with(get(), key));
  CHECK(a.status == 200);
  const json body = a.body();
  CHECK(body.at("authentication_succeeded") == true);
  CHECK(body.at("app_id") == "app");
  CHECK(body.at("mode") == "cloud");
  CHECK(body.at("env") == "branch");
  CHECK(body.at("serve_origin") == "https://jobs.example.com");
  CHECK(body.at("serve_path").is_null());
  CHECK(body.at("api_origin") == "https://api.inngest.com");
  CHECK(body.at("event_api_origin") == "https://inn.gs");
  CHECK(body.at("sdk_language") == "cpp");
  CHECK(body.at("signing_key_fallback_hash").is_null());
  CHECK(a.text.find(key) == std::string::npos);
  CHECK(a.text.find("0123456789abcdef0123") == std::string::npos);
  CHECK(a.text.find("secret-event-key") == std::string::npos);
  CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, key, clock_now()));
}

// ---- who may ask ----------------------------------------------------------------------------------------

TEST_CASE("in cloud mode what is not rightly signed is refused and told nothing", "[serve][signature]") {
  const served s(cloud_options());
  for (const request& r : {get(), call_of(), call_of("app-unknown"), post("app-greet", "garbage"), put(),
                           in_band(put()), request{.method = "DELETE", .url = "/api/inngest"},
                           request{.method = "POST", .url = "/api/inngest?probe=trust"},
                           request{.method = "POST", .url = "/api/inngest"}}) {
    CAPTURE(r.method, r.url);
    check_tells_nothing(s(r));                                        // not signed
    check_tells_nothing(s(signed_with(r, other_key)));                // by another
    check_tells_nothing(s(signed_with(r, key, clock_now() - 301s)));  // too old
    check_tells_nothing(s(signed_with(r, key, clock_now() + 1h)));    // from the future
    request spoilt = signed_with(r, key);
    spoilt.body += ' ';
    spoilt.body += 'x';
    check_tells_nothing(s(spoilt));
    for (const char* header : {"", "garbage", "t=1&s=0", "t=&s="}) {
      request odd = r;
      odd.headers.add("x-inngest-signature", header);
      check_tells_nothing(s(odd));
    }
  }
}

TEST_CASE("in cloud mode a body that is too large tells a stranger nothing", "[serve][signature]") {
  const served s(cloud_options(), {.max_body_size = 10});
  const answer a = s(post("app-greet", std::string(11, 'x')));
  CHECK((a.status == 401 || a.status == 413));
  for (const auto& [name, value] : a.headers) {
    CAPTURE(name, value);
    CHECK(name.find("inngest") == std::string::npos);
  }
}

TEST_CASE("a signed call runs and its answer is signed", "[serve][signature]") {
  const served s(cloud_options());
  const answer a = s(signed_with(call_of(), key));
  CHECK(a.status == 206);
  CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, key, clock_now()));
}

TEST_CASE("the fallback key is good too, and signs the answer to who used it", "[serve][signature]") {
  auto options = cloud_options();
  options.signing_key_fallback = other_key;
  const answer a = served(options)(signed_with(call_of(), other_key));
  CHECK(a.status == 206);
  CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, other_key, clock_now()));
}

TEST_CASE("a key counts with and without its prefix, on either side", "[serve][signature]") {
  const std::string bare = key.substr(13);
  CHECK(served(cloud_options())(signed_with(call_of(), bare)).status == 206);
  auto options = cloud_options();
  options.signing_key = bare;
  CHECK(served(options)(signed_with(call_of(), key)).status == 206);
}

TEST_CASE("cloud mode without any key refuses everything and says why in the log", "[serve][signature]") {
  support::log_record log;
  auto options = cloud_options();
  options.signing_key.clear();
  options.log = log.logger();
  const served s(options);
  check_tells_nothing(s(call_of()));
  check_tells_nothing(s(signed_with(call_of(), "")));
  CHECK(log.count("INNGEST_SIGNING_KEY") >= 1);
}

TEST_CASE("dev mode needs no signature", "[serve][signature]") {
  CHECK(served(support::quiet_options())(call_of()).status == 206);
  request r = call_of();
  r.headers.add("x-inngest-signature", "t=1&s=garbage");
  CHECK(served(support::quiet_options())(r).status == 206);
  CHECK(served(support::quiet_options())(call_of()).header("x-inngest-signature") == "(absent)");
}

TEST_CASE("an answer to a signed request is signed whatever it says", "[serve][signature]") {
  const served s(cloud_options());
  for (const request& r : {call_of("app-unknown"), post("app-greet", "garbage"), post("app-greet", "{}"),
                           request{.method = "POST", .url = "/api/inngest?probe=trust"}, get(),
                           request{.method = "DELETE", .url = "/api/inngest"}}) {
    CAPTURE(r.method, r.url, r.body);
    const answer a = s(signed_with(r, key));
    CHECK(a.status != 401);
    CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, key, clock_now()));
  }
}

TEST_CASE("the trust probe answers who signs", "[serve][signature]") {
  const served s(cloud_options());
  const request probe{.method = "POST", .url = "/api/inngest?probe=trust"};
  CHECK(s(signed_with(probe, key)).status == 200);
  check_tells_nothing(s(probe));
  CHECK(s(signed_with({.method = "POST", .url = "/api/inngest?probe=other"}, key)).status == 400);
}

// ---- POST -----------------------------------------------------------------------------------------------

TEST_CASE("other methods are not allowed", "[serve]") {
  const served s(support::quiet_options());
  for (const char* method : {"DELETE", "PATCH", "OPTIONS", "get", ""}) {
    CAPTURE(method);
    const answer refused = s({.method = method, .url = "/api/inngest"});
    CHECK(refused.status == 405);
    CHECK(refused.header("allow") == "GET, HEAD, PUT, POST");
  }
}

TEST_CASE("HEAD is answered as GET, without a body", "[serve]") {
  const served s(support::quiet_options());
  const answer head = s({.method = "HEAD", .url = "/api/inngest"});
  CHECK(head.status == 200);
  CHECK(head.text.empty());
  CHECK(head.header("content-type") == "application/json");
}

TEST_CASE("an unknown function and a missing one are errors that say so", "[serve][post]") {
  const served s(support::quiet_options());
  const answer unknown = s(call_of("app-gone"));
  CHECK(unknown.status == 500);
  CHECK_THAT(unknown.text, ContainsSubstring("app-gone"));
  CHECK(unknown.header("x-inngest-sdk") != "(absent)");
  const answer missing =
      s({.method = "POST", .url = "/api/inngest?stepId=step", .body = support::call().text()});
  CHECK(missing.status == 400);
  CHECK_THAT(missing.text, ContainsSubstring("fnId"));
  CHECK(s(call_of("greet")).status == 500);  // the slug has the app in it
  CHECK(s(call_of("")).status == 500);
}

TEST_CASE("garbage bodies are bad requests with a reason, never more", "[serve][post][garbage]") {
  const served s(support::quiet_options());
  for (const std::string& body :
       {std::string(), std::string("garbage"), std::string("null"), std::string("[]"), std::string("{}"),
        std::string("{"), std::string(R"({"event":null})"), std::string("\xff\xfe\x00", 3),
        std::string(100000, '['), std::string(100000, '{'),
        std::string(R"({"event":{"name":"a"},"steps":"x"})")}) {
    const answer a = s(post("app-greet", body));
    CAPTURE(body.substr(0, 50));
    CHECK(a.status == 400);
    CHECK_FALSE(a.body().at("message").get<std::string>().empty());
  }
}

TEST_CASE("a body beyond the limit is answered with 413", "[serve][post]") {
  const std::string body = support::call().text();
  const served exact(support::quiet_options(), {.max_body_size = body.size()});
  CHECK(exact(post("app-greet", body)).status == 206);
  const served small(support::quiet_options(), {.max_body_size = body.size() - 1});
  CHECK(small(post("app-greet", body)).status == 413);
}

TEST_CASE("unknown bytes of a request come back in readable text", "[serve][post]") {
  const served s(support::quiet_options());
  const answer a = s({.method = "POST", .url = "/api/inngest?fnId=%ff%fe%00", .body = "{}"});
  CHECK(a.status == 500);
  CHECK_NOTHROW(a.body());
}

TEST_CASE("one handler answers many threads at once", "[serve][threads]") {
  const client app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
    const int n = ctx.event.data.at("n").template get<int>();
    auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [&] { return n; }); },
                                     [&] { return ctx.step.run("b", [&] { return n; }); });
    if (n % 3 == 0) throw std::runtime_error(std::to_string(n));
    return a + b;
  });
  const handler shared(app, {f, greeter(app)});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t, copy = shared] {
      for (int i = 0; i < 100; ++i) {
        support::call c;
        const int n = t * 1000 + i;
        c.event["data"] = {{"n", n}};
        const answer planned(copy(post("app-f", c.text())));
        if (planned.operations() != std::vector<std::string>{"StepPlanned:a", "StepPlanned:b"}) ++wrong;
        const answer ran(copy(post("app-f", c.text(), hash_of("b"))));
        if (ran.op().at("data") != n) ++wrong;
        c.steps = {{hash_of("a"), {{"data", n}}}, {hash_of("b"), {{"data", n}}}};
        const answer done(copy(post("app-f", c.text())));
        if (n % 3 == 0 ? done.status != 500 || done.body().at("message") != std::to_string(n)
                       : done.body() != 2 * n)
          ++wrong;
        if (copy(get()).status != 200) ++wrong;
        if (copy(post("app-f", "garbage")).status != 400) ++wrong;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(wrong == 0);
}

// ---- PUT, in-band ---------------------------------------------------------------------------------------

TEST_CASE("a signed in-band sync gives the whole registration, signed", "[serve][sync]") {
  auto options = cloud_options();
  options.app_version = "1.2.3";
  const served s(options, {.framework = "none"});
  const answer a = s(signed_with(in_band(put()), key));
  CHECK(a.status == 200);
  CHECK(a.header("x-inngest-sync-kind") == "in_band");
  CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, key, clock_now()));
  const json body = a.body();
  CHECK(body.at("app_id") == "app");
  CHECK(body.at("appVersion") == "1.2.3");
  CHECK(body.at("framework") == "none");
  CHECK(body.at("sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(body.at("sdk_language") == "cpp");
  CHECK(body.at("url") == "http://localhost:3000/api/inngest");
  CHECK(body.at("inspection").at("authentication_succeeded") == true);
  REQUIRE(body.at("functions").size() == 1);
  CHECK(body.at("functions").at(0).at("steps").at("step").at("runtime").at("url") ==
        "http://localhost:3000/api/inngest?fnId=app-greet&stepId=step");
}

TEST_CASE("an in-band sync is signed over canonical JSON, whatever was sent", "[serve][sync]") {
  request r = in_band(put("{ \"url\": \"http:\\/\\/localhost:3000\\/api\" }\n"));
  r.headers.add("x-inngest-signature",
                inngest::protocol::sign(R"({"url":"http://localhost:3000/api"})", key, clock_now()));
  CHECK(served(cloud_options())(r).status == 200);
}

TEST_CASE("in dev mode an in-band sync needs no signature", "[serve][sync]") {
  const served s(support::quiet_options());
  CHECK(s(in_band(put())).status == 200);
  CHECK(s(in_band(put(""))).status == 200);
  CHECK(s(in_band(put("{}"))).body().at("url") == "http://localhost:3000/api/inngest");
  CHECK(s(in_band(put("[]"))).status == 200);
  const answer garbage = s(in_band(put("garbage")));
  CHECK(garbage.status >= 400);
  CHECK_NOTHROW(garbage.body());
}

TEST_CASE("a configured origin and path beat what the request says", "[serve][sync]") {
  auto options = support::quiet_options();
  options.serve_origin = "https://jobs.example.com";
  options.serve_path = "/jobs";
  CHECK(served(options)(in_band(put())).body().at("url") == "https://jobs.example.com/jobs");
  options.serve_path.clear();
  CHECK(served(options)(in_band(put())).body().at("url") == "https://jobs.example.com/api/inngest");
}

TEST_CASE("slashes at the seam of origin and path are neither doubled nor lost", "[serve][sync]") {
  auto options = support::quiet_options();
  options.serve_origin = "https://jobs.example.com/";
  options.serve_path = "/jobs";
  CHECK(served(options)(in_band(put())).body().at("url") == "https://jobs.example.com/jobs");
  options.serve_origin = "https://jobs.example.com";
  options.serve_path = "jobs";
  CHECK(served(options)(in_band(put())).body().at("url") == "https://jobs.example.com/jobs");
}

// ---- PUT, out-of-band -----------------------------------------------------------------------------------

TEST_CASE("an out-of-band sync registers with the server and passes on what it said", "[serve][sync]") {
  sync_server server;
  auto options = support::quiet_options();
  options.transport = std::make_shared<inngest::httplib_transport>();
  options.api_base_url = server.url();
  options.app_version = "1.2.3";
  const served s(options, {.framework = "none"});
  request r = put();
  r.headers.add("x-forwarded-proto", "https");
  r.url = "/api/inngest?deployId=http://x/y";
  const answer a = s(r);
  CHECK(a.status == 200);
  CHECK(a.body().at("modified") == true);
  CHECK(a.header("x-inngest-sync-kind") == "out_of_band");
  CHECK(a.header("x-inngest-expected-server-kind") == "dev");
  REQUIRE(server.bodies().size() == 1);
  const json body = server.bodies().front();
  CHECK(body.at("url") == "https://localhost:3000/api/inngest?deployId=http%3A%2F%2Fx%2Fy");
  CHECK(body.at("deployId") == "http://x/y");
  CHECK(body.at("appName") == "app");
  CHECK(body.at("appVersion") == "1.2.3");
  CHECK(body.at("deployType") == "ping");
  CHECK(body.at("v") == "0.1");
  CHECK(body.at("sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(body.at("framework") == "none");
  CHECK(body.at("functions").at(0).at("id") == "app-greet");
  CHECK(server.header("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(server.header("x-inngest-expected-server-kind") == "dev");
  CHECK(server.header("x-inngest-sync-kind") == "out_of_band");
  CHECK(server.header("authorization") == "(absent)");
}

TEST_CASE("a registration is authorized by the hashed key", "[serve][sync]") {
  sync_server server;
  auto options = cloud_options();
  options.transport = std::make_shared<inngest::httplib_transport>();
  options.api_base_url = server.url();
  const answer a = served(options)(signed_with(put(), key));
  CHECK(a.status == 200);
  CHECK(server.header("authorization") == "Bearer " + inngest::protocol::hashed_signing_key(key));
  CHECK(inngest::protocol::verify(a.header("x-inngest-signature"), a.text, key, clock_now()));
}

TEST_CASE("a refused registration is tried with the fallback key, then told in the server's words",
          "[serve][sync]") {
  sync_server server(401, R"({"error":"signing key unknown"})");
  auto options = cloud_options();
  options.signing_key_fallback = other_key;
  options.transport = std::make_shared<inngest::httplib_transport>();
  options.api_base_url = server.url();
  const answer a = served(options)(signed_with(put(), key));
  CHECK(a.status == 500);
  CHECK_THAT(a.body().at("message").get<std::string>(), ContainsSubstring("signing key unknown"));
  REQUIRE(server.bodies().size() == 2);
  CHECK(server.header("authorization", 1) == "Bearer " + inngest::protocol::hashed_signing_key(other_key));
}

TEST_CASE("sync says what the server said, or that none answered", "[serve][sync]") {
  auto options = support::quiet_options();
  options.transport = std::make_shared<inngest::httplib_transport>();
  {
    sync_server server;
    options.api_base_url = server.url();
    const auto result = served(options).handler.sync("http://localhost:1/x");
    CHECK(result.ok);
    CHECK(result.modified);
  }
  {
    sync_server server(200, R"({"ok":true,"modified":false})");
    options.api_base_url = server.url();
    const auto result = served(options).handler.sync("http://localhost:1/x");
    CHECK(result.ok);
    CHECK_FALSE(result.modified);
  }
  {
    sync_server server(400, R"({"error":"no functions"})");
    options.api_base_url = server.url();
    const auto result = served(options).handler.sync("http://localhost:1/x");
    CHECK_FALSE(result.ok);
    CHECK_THAT(result.message, ContainsSubstring("no functions") && ContainsSubstring("400"));
  }
  {
    sync_server server(200, "<html>");
    options.api_base_url = server.url();
    CHECK_NOTHROW(served(options).handler.sync("http://localhost:1/x"));
  }
  const support::reserved_port closed;
  options.api_base_url = closed.url();
  const auto nobody = served(options).handler.sync("http://localhost:1/x");
  CHECK_FALSE(nobody.ok);
  CHECK_THAT(nobody.message, ContainsSubstring(options.api_base_url));
  CHECK(served(options)(put()).status == 500);
}

TEST_CASE("a registration that fails is logged, because its result is easily ignored", "[serve][sync]") {
  auto options = support::quiet_options();
  std::vector<std::string> lines;
  options.log = inngest::logger([&](inngest::log_level level, std::string_view text) {
    if (level == inngest::log_level::warn) lines.emplace_back(text);
  });
  options.transport = std::make_shared<inngest::httplib_transport>();
  sync_server refusing(400, R"({"error":"no functions"})");
  options.api_base_url = refusing.url();
  CHECK_FALSE(served(options).handler.sync("http://localhost:1/x").ok);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], ContainsSubstring("registering the app at http://localhost:1/x") &&
                           ContainsSubstring("no functions"));
  sync_server willing;
  options.api_base_url = willing.url();
  CHECK(served(options).handler.sync("http://localhost:1/x").ok);
  CHECK(lines.size() == 1);
}

TEST_CASE("an unsigned out-of-band PUT in cloud mode is refused unless an origin is configured",
          "[serve][sync]") {
  sync_server server;
  auto options = cloud_options();
  options.transport = std::make_shared<inngest::httplib_transport>();
  options.api_base_url = server.url();
  check_tells_nothing(served(options)(put()));
  CHECK(server.bodies().empty());
  options.serve_origin = "https://jobs.example.com";
  request from_anybody = put();
  from_anybody.headers = {{"Host", "evil.example.com"}};
  CHECK(served(options)(from_anybody).status == 200);
  REQUIRE(server.bodies().size() == 1);
  CHECK(server.bodies().front().at("url") == "https://jobs.example.com/api/inngest");
  check_tells_nothing(served(options)(in_band(from_anybody)));
  check_tells_nothing(served(options)(signed_with(from_anybody, other_key)));
  CHECK(server.bodies().size() == 1);
}

TEST_CASE("an unsigned PUT can't choose the path that is registered", "[serve][sync]") {
  sync_server server;
  auto options = cloud_options();
  options.transport = std::make_shared<inngest::httplib_transport>();
  options.api_base_url = server.url();
  options.serve_origin = "https://jobs.example.com";
  request r = put();
  r.url = "https://evil.example.com/api/inngest";
  CHECK(served(options)(r).status == 200);
  CHECK(server.bodies().front().at("url").get<std::string>().starts_with("https://jobs.example.com/"));
}

TEST_CASE("options that were set are registered", "[serve][sync]") {
  const client app = support::quiet_client();
  auto f = app.create_function({.id = "f", .retries = 2, .concurrency = 3}, inngest::cron("0 4 * * 0"),
                               [](auto&) {});
  const answer a(handler(app, {f})(in_band(put())));
  const json function = a.body().at("functions").at(0);
  CHECK(function.at("triggers") == json::parse(R"([{"cron":"0 4 * * 0"}])"));
  CHECK(function.at("concurrency") == json::parse(R"([{"limit":3}])"));
  CHECK(function.at("steps").at("step").at("retries").at("attempts") == 2);
}

TEST_CASE("a function whose name is not UTF-8 is refused when it is created", "[serve]") {
  const client app = support::quiet_client();
  CHECK_THROWS_WITH(app.create_function({.id = "f", .name = "caf\xe9"},
                                        inngest::on<inngest::event<"test/hello">>(), [](auto&) {}),
                    Catch::Matchers::ContainsSubstring("function \"f\": its name must be UTF-8"));
}
