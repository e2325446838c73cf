#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "recording.hpp"
#include "reference_app.hpp"

// Registrations, introspection, probes and refusals as they were recorded, of a dev server and of a
// self-hosted one that signs.

using wire::json;

namespace {

const std::string key = "12345678123456781234567812345678";

std::chrono::sys_seconds clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class recorded_server final : public inngest::http::transport {
 public:
  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    requests.push_back(request);
    return answer;
  }
  std::vector<inngest::http::request> requests;
  inngest::http::response answer{.status = 200, .body = R"({"ok":true,"modified":true})"};
};

struct served {
  std::shared_ptr<recorded_server> server = std::make_shared<recorded_server>();
  inngest::client app;
  inngest::handler handler;

  explicit served(bool cloud, const std::string& origin = "")
      : app({.id = "cap",
             .event_key = cloud ? "wrongkey" : "",
             .signing_key = cloud ? key : "",
             .mode = cloud ? inngest::mode::cloud : inngest::mode::dev,
             .serve_origin = origin,
             .transport = server,
             .send_attempts = 1,
             .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
             .environment = [](const char*) { return std::nullopt; }}),
        handler(app, reference::functions(app, [] { return inngest::timestamp(); }),
                {.framework = "express"}) {}
};

/// The recorded request to the app; signed anew, as the recorded signatures are old by now.
inngest::http::request request_of(const json& exchange) {
  inngest::http::request out{.method = exchange.at("method"), .url = exchange.at("path")};
  char mark = '?';
  for (const auto& parameter : exchange.at("query").items()) {
    out.url += mark + parameter.key() + "=" + parameter.value().get<std::string>();
    mark = '&';
  }
  if (!exchange.at("body").is_null()) out.body = exchange.at("body").dump();
  for (const auto& header : exchange.at("headers").items()) {
    if (header.key() != "x-inngest-signature") out.headers.add(header.key(), header.value());
  }
  if (!out.headers.find("host")) out.headers.add("host", "127.0.0.1:3001");
  return out;
}

/// Functions that were registered then, but are not among those that were recorded.
const std::set<std::string> unpublished{"cap-parallel-fail",      "cap-invoke-missing",
                                        "cap-fn-throws-nonerror", "cap-retry-after-date",
                                        "cap-step-then-error",    "cap-unicode"};

std::map<std::string, json> by_id(const json& functions) {
  std::map<std::string, json> out;
  for (const json& each : functions) out.emplace(each.at("id").get<std::string>(), each);
  return out;
}

/// Durations in one form: the reference SDK writes "1m" where another may write "60s".
void unify_durations(json& value) {
  if (value.is_structured()) {
    for (json& each : value) unify_durations(each);
  } else if (value.is_string()) {
    const auto duration = inngest::parse_duration(value.get<std::string>());
    if (duration) value = inngest::to_text(*duration);
  }
}

/// Compares a registration with the recorded one, function by function.
void check_functions(const json& ours, const json& recorded) {
  std::map<std::string, json> here = by_id(ours), there = by_id(recorded);
  for (auto& [id, function] : there) {
    if (unpublished.count(id) == 1) continue;
    INFO(id << ": " << function.dump());
    REQUIRE(here.count(id) == 1);
    json mine = here.at(id);
    unify_durations(mine);
    unify_durations(function);
    for (json* each : {&mine, &function}) {
      // Ours leave out a scope that is the default, and a list of one limit may be the limit alone.
      if (each->contains("concurrency")) {
        for (json& limit : (*each)["concurrency"]) {
          if (limit.value("scope", "") == "fn") limit.erase("scope");
        }
      }
      each->erase("steps");
    }
    CHECK(mine == function);
    const json step = here.at(id).at("steps").at("step"),
               theirs = by_id(recorded).at(id).at("steps").at("step");
    CHECK(step.value("retries", json()) == theirs.value("retries", json()));
    CHECK(step.at("runtime") == theirs.at("runtime"));
  }
  CHECK(here.size() + unpublished.size() == there.size());
}

bool answers_recorded_kind(const json& exchange) { return exchange.at("to") == "app"; }

}  // namespace

TEST_CASE("registrations are made and answered as they were recorded", "[wire][sync]") {
  for (const char* scenario : {"sync-out-of-band", "sync-deploy-id", "startup-dash-u-and-poll"}) {
    DYNAMIC_SECTION(scenario) {
      const json exchanges = wire::recorded("sync", std::string(scenario) + ".http").at("exchanges");
      const served dev(false);
      std::size_t registered = 0;
      for (std::size_t i = 0; i + 1 < exchanges.size(); ++i) {
        if (!answers_recorded_kind(exchanges[i])) continue;
        const json& registration = exchanges[i + 1];
        REQUIRE(registration.at("path") == "/fn/register");
        dev.server->answer.body = registration.at("answer").dump();
        inngest::http::request put = request_of(exchanges[i]);
        const auto reply = dev.handler(put);
        REQUIRE(reply.status == exchanges[i].at("status"));
        CHECK(json::parse(reply.body).at("modified") == exchanges[i].at("answer").at("modified"));
        CHECK(reply.headers.find("x-inngest-sync-kind") == "out_of_band");

        const auto& sent = dev.server->requests.back();
        const json body = json::parse(sent.body), then = registration.at("body");
        CHECK(sent.path() == "/fn/register");
        CHECK(sent.query("deployId").value_or("") == registration.at("query").value("deployId", ""));
        for (const char* same : {"appName", "deployType", "framework", "url"})
          CHECK(body.at(same) == then.at(same));
        if (then.contains("v")) CHECK(body.at("v") == then.at("v"));
        check_functions(body.at("functions"), then.at("functions"));
        ++registered;
      }
      CHECK(registered > 0);
    }
  }
}

TEST_CASE("an in-band registration says what was recorded", "[wire][sync]") {
  for (const char* folder : {"sync", "start", "startck"}) {
    DYNAMIC_SECTION(folder) {
      const bool cloud = std::string(folder) != "sync";
      const served s(cloud);
      const json exchanges = wire::recorded(folder, "sync-in-band.http").at("exchanges");
      bool first = true;
      for (const json& exchange : exchanges) {
        if (!answers_recorded_kind(exchange)) continue;
        inngest::http::request put = request_of(exchange);
        const auto recorded = exchange.at("headers").find("x-inngest-signature");
        if (recorded != exchange.at("headers").end()) {
          const bool fits = exchange.at("status") == 200;
          put.headers.add("x-inngest-signature", fits ? inngest::protocol::sign(put.body, key, clock_now())
                                                      : recorded->get<std::string>());
        }
        const auto reply = s.handler(put);
        INFO(reply.body.substr(0, 200));
        REQUIRE(reply.status == exchange.at("status"));
        if (reply.status != 200) continue;
        const json body = json::parse(reply.body), &then = exchange.at("answer");
        for (const char* same : {"app_id", "env", "framework", "platform", "url"}) {
          if (then.contains(same)) CHECK(body.at(same) == then.at(same));
        }
        if (std::exchange(first, false)) check_functions(body.at("functions"), then.at("functions"));
        CHECK(reply.headers.find("x-inngest-sync-kind") == "in_band");
        const auto signature = reply.headers.find("x-inngest-signature");
        CHECK(signature.has_value() == cloud);
        if (signature) CHECK(inngest::protocol::verify(*signature, reply.body, key, clock_now()));
      }
    }
  }
}

TEST_CASE("an unsigned registration of a cloud app is refused, where the reference allows it",
          "[wire][sync]") {
  const json exchange = wire::recorded("start", "sync-out-of-band.http").at("exchanges").at(0);
  REQUIRE(exchange.at("status") == 200);
  CHECK(served(true).handler(request_of(exchange)).status == 401);
  // With an origin of its own nobody can send the server elsewhere, so it is allowed here too.
  const served placed(true, "http://127.0.0.1:13001");
  const auto reply = placed.handler(request_of(exchange));
  CHECK(reply.status == 200);
  const json registration = wire::recorded("start", "sync-out-of-band.http").at("exchanges").at(1);
  const auto& sent = placed.server->requests.at(0);
  CHECK(*sent.headers.find("authorization") == registration.at("headers").at("authorization"));
  CHECK(json::parse(sent.body).at("url") == registration.at("body").at("url"));
}

TEST_CASE("a self-hosted server's signed PUT registers the app with the hashed key", "[wire][sync]") {
  for (const char* folder : {"start", "startck"}) {
    const json exchanges = wire::recorded(folder, "startup-dash-u.http").at("exchanges");
    const json &put = exchanges.at(0), &registration = exchanges.at(1);
    const std::string body = put.at("body").dump();
    const std::string signature = put.at("headers").at("x-inngest-signature");
    const auto at = inngest::protocol::parse_signature(signature).value().at;
    CHECK(inngest::protocol::verify(signature, body, key, at));

    const served s(true, "http://127.0.0.1:13001");
    s.server->answer.body = registration.at("answer").dump();
    inngest::http::request again = request_of(put);
    again.headers.add("x-inngest-signature", inngest::protocol::sign(again.body, key, clock_now()));
    const auto reply = s.handler(again);
    CHECK(reply.status == put.at("status"));
    CHECK(json::parse(reply.body).at("modified") == put.at("answer").at("modified"));
    CHECK(reply.headers.find("x-inngest-expected-server-kind") ==
          put.at("answered").at("x-inngest-expected-server-kind"));
    CHECK(*s.server->requests.at(0).headers.find("authorization") ==
          registration.at("headers").at("authorization"));
    CHECK(json::parse(s.server->requests.at(0).body).at("url") == registration.at("body").at("url"));
  }
}

TEST_CASE("introspection tells what was recorded, and a stranger nothing", "[wire][introspection]") {
  const auto get = [](const char* folder, const char* scenario) {
    return wire::recorded(folder, scenario).at("exchanges").at(0);
  };
  const json dev = get("sync", "introspect-get.http");
  const auto reply = served(false).handler(request_of(dev));
  CHECK(reply.status == dev.at("status"));
  json body = json::parse(reply.body), then = dev.at("answer");
  then.erase("extra");  // of the recording SDK's platform
  then["has_signing_key_fallback"] = false;
  then["function_count"] = then.at("function_count").get<std::size_t>() - unpublished.size();
  CHECK(body == then);

  for (const char* folder : {"start", "startck"}) {
    const json known = get(folder, "introspect-get-signed.http");
    inngest::http::request request = request_of(known);
    request.headers.add("x-inngest-signature", inngest::protocol::sign("", key, clock_now()));
    const auto told = served(true, "http://127.0.0.1:13001").handler(request);
    REQUIRE(told.status == 200);
    body = json::parse(told.body);
    CHECK(body.at("function_count").get<std::size_t>() + unpublished.size() ==
          known.at("answer").at("function_count"));
    for (const char* same : {"has_event_key", "has_signing_key", "mode", "schema_version",
                             "authentication_succeeded", "app_id", "env", "serve_origin", "serve_path",
                             "signing_key_fallback_hash", "signing_key_hash", "framework"}) {
      INFO(same);
      CHECK(body.at(same) == known.at("answer").at(same));
    }
    const json unknown = get(folder, "introspect-get-unsigned.http");
    const auto nothing = served(true).handler(request_of(unknown));
    CHECK(nothing.status == unknown.at("status"));
    CHECK_FALSE(nothing.headers.find("x-inngest-sdk"));
  }
}

TEST_CASE("trust probes and calls that are wrongly signed are answered as they were recorded",
          "[wire][trust]") {
  for (const char* folder : {"start", "startck"}) {
    for (const char* scenario :
         {"probe-trust.http", "call-bad-signature.http", "call-expired-signature.http"}) {
      for (const json& exchange : wire::recorded(folder, scenario).at("exchanges")) {
        INFO(folder << " " << scenario << " " << exchange.dump());
        inngest::http::request request = request_of(exchange);
        const auto signature = exchange.at("headers").find("x-inngest-signature");
        if (signature != exchange.at("headers").end()) {
          const bool fits = exchange.at("status") == 200;
          request.headers.add(
              "x-inngest-signature",
              fits ? inngest::protocol::sign(request.body, key, clock_now()) : signature->get<std::string>());
        }
        CHECK(served(true).handler(request).status == exchange.at("status"));
      }
    }
  }
  const json probe = wire::recorded("sync", "probe-trust.http").at("exchanges").at(0);
  CHECK(served(false).handler(request_of(probe)).status == 200);
}

TEST_CASE("bad calls are errors as they were recorded; one that names no function is the caller's",
          "[wire]") {
  for (const json& exchange : wire::recorded("sync", "bad-calls.http").at("exchanges")) {
    INFO(exchange.dump());
    const int status = exchange.at("query").empty() && exchange.at("method") == "POST"
                           ? 400
                           : exchange.at("status").get<int>();
    const auto reply = served(false).handler(request_of(exchange));
    CHECK(reply.status == status);
    CHECK_FALSE(json::parse(reply.body).at("message").get<std::string>().empty());
  }
}

TEST_CASE("a refused registration says why in the server's words", "[wire][sync]") {
  const served s(false);
  for (const char* folder : {"sync", "start"}) {
    const char* scenario = std::string(folder) == "sync" ? "register-errors.http" : "auth-errors.http";
    for (const json& exchange : wire::recorded(folder, scenario).at("exchanges")) {
      if (exchange.at("path") != "/fn/register") continue;
      s.server->answer = {.status = exchange.at("status"), .body = exchange.at("answer").dump()};
      const auto result = s.handler.sync("http://localhost/api/inngest");
      CHECK_FALSE(result.ok);
      if (exchange.at("answer").is_object())
        CHECK_THAT(result.message,
                   Catch::Matchers::ContainsSubstring(exchange.at("answer").at("error").get<std::string>()));
      else
        CHECK_THAT(result.message, Catch::Matchers::ContainsSubstring("signing key was refused"));
    }
  }
}

TEST_CASE("the event API's recorded answers are read: ids, refusals with the server's words, a wrong key",
          "[wire][send]") {
  const served s(false);
  const inngest::any_event event(inngest::event<"api/one">{});
  std::size_t accepted = 0, refused = 0;
  std::vector<json> all = wire::recorded("sync", "event-api.http").at("exchanges");
  for (const json& each : wire::recorded("start", "auth-errors.http").at("exchanges")) all.push_back(each);
  for (const json& exchange : all) {
    if (!exchange.at("path").get<std::string>().starts_with("/e/")) continue;
    INFO(exchange.dump());
    s.server->answer = {.status = exchange.at("status"), .body = exchange.at("answer").dump()};
    const std::size_t sent = exchange.at("body").is_array() ? exchange.at("body").size() : 1;
    if (sent == 0) continue;
    const std::vector<inngest::any_event> events(sent, event);
    if (exchange.at("status") == 200) {
      CHECK(json(s.app.send(events).ids) == exchange.at("answer").at("ids"));
      ++accepted;
    } else if (exchange.at("status") == 401) {
      CHECK_THROWS_AS(s.app.send(events), inngest::unauthorized);
    } else {
      CHECK_THROWS_WITH(s.app.send(events), Catch::Matchers::ContainsSubstring(
                                                exchange.at("answer").at("error").get<std::string>()));
      ++refused;
    }
  }
  CHECK(accepted >= 4);
  CHECK(refused >= 4);
}
