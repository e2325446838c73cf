#include <inngest/doctor.hpp>

#include <cstdio>
#include <ctime>
#include <functional>
#include <string>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using test_event = inngest::event<"test/event">;

const std::string key = "signkey-prod-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// As every locale's server writes it; nobody reads the day of the week.
std::string http_date(std::chrono::seconds from_now) {
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = std::time(nullptr) + from_now.count();
  const std::tm at = *std::gmtime(&time);
  char text[64];
  std::snprintf(text, sizeof text, "Mon, %02d %s %d %02d:%02d:%02d GMT", at.tm_mday, months[at.tm_mon],
                at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
  return text;
}

inngest::client_options options(inngest::mode mode, std::function<response(const request&)> answer) {
  auto out = support::quiet_options(mode);
  out.transport = std::make_shared<support::fake_transport>(std::move(answer));
  return out;
}

response healthy(const char* kind = "cloud", std::chrono::seconds clock = std::chrono::seconds(0)) {
  return {.headers = {{"X-Inngest-Server-Kind", kind}, {"Date", http_date(clock)}}, .body = "{}"};
}

}  // namespace

TEST_CASE("a doctor finds nothing wrong with a healthy app, and tells no key", "[doctor]") {
  auto chosen = options(inngest::mode::cloud, [](const request&) { return healthy(); });
  chosen.signing_key = key;
  chosen.event_key = "secret-event-key";
  const auto found = inngest::doctor(inngest::client(chosen));
  INFO(found.text());
  CHECK(found.healthy());
  CHECK_THAT(found.text(), ContainsSubstring("the server accepts it"));
  CHECK(found.text().find("0123456789abcdef") == std::string::npos);
  CHECK(found.text().find("secret") == std::string::npos);
}

TEST_CASE("missing and odd keys are told with what to do", "[doctor]") {
  auto chosen = options(inngest::mode::cloud, [](const request&) { return healthy(); });
  auto text = inngest::doctor(inngest::client(chosen)).text();
  CHECK_THAT(text, ContainsSubstring("INNGEST_EVENT_KEY") && ContainsSubstring("INNGEST_SIGNING_KEY"));
  chosen.signing_key = "signkey-prod-xyz!";
  CHECK_THAT(inngest::doctor(inngest::client(chosen)).text(), ContainsSubstring("not hexadecimal"));
  chosen.signing_key = key + "\n";
  CHECK_THAT(inngest::doctor(inngest::client(chosen)).text(), ContainsSubstring("white space"));
  chosen.signing_key = "signkey-test-" + key.substr(13);
  CHECK_THAT(inngest::doctor(inngest::client(chosen)).text(), ContainsSubstring("branch environment"));
}

TEST_CASE("a server that is away, of the wrong kind or refuses the key is a problem", "[doctor]") {
  const auto away = inngest::doctor(inngest::client(options(
      inngest::mode::dev, [](const request&) -> response { throw inngest::unreachable("refused"); })));
  CHECK_FALSE(away.healthy());
  CHECK_THAT(away.text(),
             ContainsSubstring("no server answers") && ContainsSubstring("start the dev server"));

  const auto wrong = inngest::doctor(
      inngest::client(options(inngest::mode::dev, [](const request&) { return healthy("cloud"); })));
  CHECK_THAT(wrong.text(), ContainsSubstring("PROBLEM kind of server"));

  auto chosen = options(inngest::mode::cloud, [](const request& r) {
    return r.path() == "/health" ? healthy() : response{.status = 401};
  });
  chosen.signing_key = key;
  CHECK_THAT(inngest::doctor(inngest::client(chosen)).text(), ContainsSubstring("the server refuses it"));
}

TEST_CASE("a doctor tells nobody who has a key to turn signatures off", "[doctor][security]") {
  int status = 401;
  auto chosen = options(inngest::mode::cloud, [&](const request& r) {
    response out = healthy("dev");
    if (r.path() != "/health") out.status = status;
    return out;
  });
  chosen.event_key = "event-key";
  CHECK_THAT(inngest::doctor(inngest::client(chosen)).text(),
             ContainsSubstring("if it has no keys, set INNGEST_DEV=1"));
  chosen.signing_key = key;
  const auto refused = inngest::doctor(inngest::client(chosen));
  CHECK_FALSE(refused.healthy());
  CHECK_THAT(refused.text(), ContainsSubstring("compare the app's signing key (INNGEST_SIGNING_KEY)") &&
                                 !ContainsSubstring("INNGEST_DEV"));
  status = 200;
  CHECK(inngest::doctor(inngest::client(chosen)).healthy());  // an engine with keys is of this kind
}

TEST_CASE("a web server that is no Inngest server is a problem, whatever it answers", "[doctor]") {
  const auto html = [](int status) {
    return response{.status = status,
                    .headers = {{"Content-Type", "text/html"}, {"Date", http_date(std::chrono::seconds(0))}},
                    .body = "<html><body>Welcome to nginx!</body></html>"};
  };
  const auto json_of = [](int status, const char* body) {
    return response{.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body};
  };
  const response answers[] = {html(200),
                              html(404),
                              html(502),
                              html(301),
                              html(401),
                              response{.status = 200},
                              response{.status = 204},
                              json_of(200, "{}"),
                              json_of(200, "null"),
                              json_of(200, "[]"),
                              json_of(200, R"({"status":"UP"})"),
                              json_of(404, R"({"status":404,"error":"Not Found","path":"/health"})"),
                              json_of(404, R"({"status":404,"message":"no such route"})")};
  for (const inngest::mode mode : {inngest::mode::dev, inngest::mode::cloud}) {
    for (const response& answer : answers) {
      CAPTURE(answer.status, answer.body);
      auto chosen = options(mode, [&](const request&) { return answer; });
      chosen.signing_key = key;
      chosen.event_key = "event-key";
      const inngest::client app(chosen);
      const auto found = inngest::doctor(app);
      CHECK_FALSE(found.healthy());
      CHECK_THAT(found.text(), ContainsSubstring("is not an Inngest server") &&
                                   ContainsSubstring("status " + std::to_string(answer.status)));
      CHECK_FALSE(inngest::doctor(inngest::handler(app, {})).healthy());
    }
  }
}

TEST_CASE("Inngest servers are known by what they say of themselves", "[doctor]") {
  const auto found = [](std::function<response(const request&)> answer) {
    return inngest::doctor(inngest::client(options(inngest::mode::dev, std::move(answer))));
  };
  CHECK(found([](const request&) { return healthy("dev"); }).healthy());
  CHECK(found([](const request&) { return response{.body = R"({"status":200,"message":"OK"})"}; }).healthy());
  CHECK(found([](const request& r) {  // a cloud that has no /health
          return r.path() == "/health" ? response{.status = 404} : response{.body = R"({"data":[]})"};
        })
            .healthy());
  CHECK(found([](const request& r) {
          return r.path() == "/health" ? response{.status = 404}
                                       : response{.status = 401, .body = R"({"error":"Unauthorized"})"};
        }).healthy());
}

TEST_CASE("a clock that is wrong is told by how much", "[doctor]") {
  const auto with = [](std::chrono::seconds off) {
    return inngest::doctor(
        inngest::client(options(inngest::mode::dev, [off](const request&) { return healthy("dev", off); })));
  };
  CHECK(with(std::chrono::seconds(0)).healthy());
  CHECK_FALSE(with(std::chrono::seconds(400)).healthy());
  CHECK_FALSE(with(std::chrono::seconds(-400)).healthy());
  CHECK_THAT(with(std::chrono::seconds(100)).text(), ContainsSubstring("warning clock"));
}

TEST_CASE("what is registered is compared with what is served", "[doctor]") {
  std::string registered = "[]";
  const inngest::client app(options(inngest::mode::dev, [&](const request& r) {
    return r.path() == "/health" ? healthy("dev") : response{.body = registered};
  }));
  const auto made = [&](const char* id) {
    return app.create_function({.id = id}, inngest::on<test_event>(), [](auto&) {});
  };
  const inngest::handler handler(app, {made("a"), made("b")});
  CHECK_THAT(inngest::doctor(handler).text(), ContainsSubstring("has no functions of app \"app\""));
  const auto entry = [](const char* id, const char* event) {
    return json{{"internal_id", "u"}, {"id", id}, {"config", {{"triggers", {{{"event", event}}}}}}};
  };
  registered = json{entry("app-a", "test/event"), entry("app-b", "test/event")}.dump();
  CHECK(inngest::doctor(handler).healthy());
  registered = json{entry("app-a", "other/event"), entry("app-c", "test/event")}.dump();
  const std::string text = inngest::doctor(handler).text();
  CHECK_THAT(text, ContainsSubstring("function \"a\": its triggers") &&
                       ContainsSubstring("function \"b\": is not") &&
                       ContainsSubstring("\"app-c\": is registered"));
}
