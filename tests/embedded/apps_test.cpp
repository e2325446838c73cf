// What an engine tells about apps, about the types of their events, and about how their functions do.
#include <httplib.h>
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/app_contacts.hpp>
#include <inngest/embedded/detail/event_shapes.hpp>
#include <inngest/embedded/function_stats.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"
#include "support/http_client.hpp"
#include "support/running_server.hpp"

namespace apps_testing {

enum class currency { euro, dollar };
INNGEST_ENUM(currency, {currency::euro, "EUR"}, {currency::dollar, "USD"})

struct line {
  std::string sku;
  int count = 1;
  std::vector<line> parts;
};
INNGEST_FIELDS(line, sku, count, parts)
INNGEST_DEFAULTS(line, parts)

struct order {
  std::string id;
  double total = 0;
  bool is_gift = false;
  currency paid_in = currency::euro;
  std::optional<std::string> note;
  std::vector<line> lines;
  std::map<std::string, int> stock;
  inngest::json extra;
};
INNGEST_CAMEL_FIELDS(order, id, total, is_gift, paid_in, note, lines, stock, extra)

struct by_card {
  std::string number;
};
INNGEST_FIELDS(by_card, number)
struct by_cash {
  int cents = 0;
};
INNGEST_FIELDS(by_cash, cents)
using method = std::variant<by_card, by_cash>;
INNGEST_VARIANT(method, "kind", "card", "cash")

struct payment {
  method how;
};
INNGEST_FIELDS(payment, how)

}  // namespace apps_testing

namespace {

using namespace std::chrono_literals;
using namespace apps_testing;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;

using placed = inngest::event<"apps/placed", order>;
using paid = inngest::event<"apps/paid", payment>;
using untyped = inngest::event<"apps/untyped">;

inngest::client shop() {
  return inngest::client({.id = "shop",
                          .app_version = "7",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// An app of another process, over HTTP.
class remote_app {
 public:
  std::atomic<int> status{200};
  std::atomic<bool> is_of_sdk{true};

  remote_app() {
    server_.Post("/api/inngest", [this](const httplib::Request&, httplib::Response& answer) {
      answer.status = status;
      if (is_of_sdk) answer.set_header("x-inngest-sdk", "js:v3.99.1");
      answer.set_content("\"done\"", "application/json");
    });
    running_.emplace(server_);
  }
  void stop() { running_->stop(); }

  std::string url() const { return running_->url("/api/inngest"); }
  std::string registration(const std::string& retries = "0") const {
    return R"({"appName":"mail","url":")" + url() + R"(","sdk":"js:v3.99.1","appVersion":"2026-11",)" +
           R"("functions":[{"id":"mail-welcome","name":"Welcome","triggers":[{"event":"apps/untyped"}],)" +
           R"("steps":{"step":{"id":"step","name":"step","runtime":{"type":"http","url":")" + url() +
           R"(?fnId=mail-welcome&stepId=step"},"retries":{"attempts":)" + retries + "}}}}]}";
  }

 private:
  httplib::Server server_;
  std::optional<support::running_server> running_;
};

json get(const http_server& server, const std::string& path, int status = 200) {
  support::http_client client(server.url());
  const auto answer = client.Get(path);
  REQUIRE(answer);
  CAPTURE(path, answer->body);
  CHECK(answer->status == status);
  return json::parse(answer->body);
}

app_info app_of(const engine& engine, const std::string& id) {
  for (const app_info& each : engine.apps()) {
    if (each.id == id) return each;
  }
  FAIL("there is no app " << id);
  return {};
}

const auto nothing = [](auto&) {};

}  // namespace

// ---- shapes ---------------------------------------------------------------------------------------------

TEST_CASE("the shape of an event has its fields with their JSON types, in their order", "[apps]") {
  const auto app = shop();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), nothing);
  const json shapes = shapes_of(std::vector<inngest::any_function>{f}, "");
  const json lines = json::parse(R"({"type":"array","name":"lines","element":{"type":"object","fields":[
      {"name":"sku","type":"string"}, {"name":"count","type":"integer"},
      {"name":"parts","type":"array","optional":true}]}})");
  CHECK(shapes == json{{"apps/placed",
                        {{"type", "object"},
                         {"fields",
                          {{{"name", "id"}, {"type", "string"}},
                           {{"name", "total"}, {"type", "number"}},
                           {{"name", "isGift"}, {"type", "boolean"}},
                           {{"name", "paidIn"}, {"type", "string"}, {"values", {"EUR", "USD"}}},
                           {{"name", "note"}, {"type", "string"}, {"optional", true}},
                           lines,
                           {{"name", "stock"}, {"type", "map"}, {"element", {{"type", "integer"}}}},
                           {{"name", "extra"}, {"type", "any"}}}}}}});
}

TEST_CASE("the shape of a variant has the fields of all alternatives, and the texts that tell them apart",
          "[apps]") {
  const auto app = shop();
  const auto f = app.create_function({.id = "f"}, inngest::on<paid>(), nothing);
  const json shapes = shapes_of(std::vector<inngest::any_function>{f}, "");
  CHECK(shapes.at("apps/paid").at("fields").at(0) == json::parse(R"({"name":"how","type":"object","fields":[
            {"name":"kind","type":"string","values":["card","cash"]},
            {"name":"number","type":"string","optional":true},
            {"name":"cents","type":"integer","optional":true}]})"));
}

TEST_CASE("shapes are told for all events that can be sent, and for what one function takes", "[apps]") {
  const auto app = shop();
  const auto first = app.create_function({.id = "first"}, inngest::on<placed, untyped>(), nothing);
  const auto invoked = app.create_function({.id = "invoked"}, inngest::on_invoke<order>(),
                                           [](inngest::context<inngest::invoked<order>>&) {});
  const auto nightly = app.create_function({.id = "nightly"}, inngest::cron("0 2 * * *"), nothing);
  const auto deferred = app.create_deferred_function<order>(
      {.id = "later"}, [](inngest::context<inngest::deferred<order>>&) {});
  engine engine{app, {first, invoked, nightly, deferred}};
  const http_server server{engine, {.port = 0}};

  const json all = get(server, "/api/shapes");
  CHECK(all.size() == 2);
  CHECK(all.at("apps/untyped") == json{{"type", "any"}});
  CHECK(all == engine.shapes());
  const json order = all.at("apps/placed");
  CHECK(get(server, "/api/shapes?function=shop-invoked") == json{{"inngest/function.invoked", order}});
  CHECK(get(server, "/api/shapes?function=shop-later") == json{{"inngest/deferred.schedule", order}});
  const json timer = get(server, "/api/shapes?function=shop-nightly").at("inngest/scheduled.timer");
  CHECK(timer.at("fields").at(1) == json{{"name", "scheduledAt"}, {"type", "string"}, {"optional", true}});
  CHECK_THAT(get(server, "/api/shapes?function=none", 404).at("error").get<std::string>(),
             ContainsSubstring("no function \"none\""));
}

// ---- apps -----------------------------------------------------------------------------------------------

TEST_CASE("an engine tells of the app of its own process", "[apps]") {
  const auto app = shop();
  const auto b = app.create_function({.id = "b"}, inngest::on<placed>(), nothing);
  const auto a = app.create_function({.id = "a"}, inngest::on<placed>(), nothing);
  engine engine{app, {b, a}};
  const http_server server{engine, {.port = 0}};
  const json told = get(server, "/api/apps").at("apps");
  REQUIRE(told.size() == 1);
  json own = told.at(0);
  CHECK(inngest::parse_timestamp(own.at("registered_at").get<std::string>()));
  own.erase("registered_at");
  CHECK(own == json{{"id", "shop"},
                    {"sdk", "cpp"},
                    {"sdk_version", INNGEST_VERSION},
                    {"version", "7"},
                    {"url", "this process"},
                    {"functions", {"shop-a", "shop-b"}},
                    {"workers", 0},
                    {"last_contact", nullptr},
                    {"last_error", nullptr},
                    {"last_error_at", nullptr}});
}

TEST_CASE("an engine tells where an app registered, and what went wrong with it since", "[apps]") {
  remote_app mail;
  engine engine{shop(), {}, {.retry_delay = [](int) { return 1ms; }}};
  const http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  REQUIRE(client.Post("/fn/register", mail.registration(), "application/json")->status == 200);

  app_info told = app_of(engine, "mail");
  CHECK(told.sdk == "js");
  CHECK(told.sdk_version == "v3.99.1");
  CHECK(told.version == "2026-11");
  CHECK(told.url == mail.url());  // without the parameters of one function
  CHECK(told.functions == std::vector<std::string>{"mail-welcome"});
  CHECK(told.registered_at);
  CHECK(told.last_contact >= told.registered_at);
  CHECK(told.last_error == "");

  const auto call = [&] {
    engine.accept(R"({"name":"apps/untyped","data":{}})");
    REQUIRE(engine.wait_until_idle(support::patience));
    told = app_of(engine, "mail");
  };
  mail.is_of_sdk = false;
  mail.status = 502;
  call();
  CHECK(told.last_error == "it answered a call with status 502, without the header of an Inngest SDK");
  CHECK(told.last_error_at);
  const json row = get(server, "/api/apps").at("apps").at(0);
  CHECK(row.at("id") == "mail");
  CHECK(row.at("last_error") == told.last_error);

  mail.is_of_sdk = true;
  mail.status = 401;
  call();
  CHECK_THAT(told.last_error, ContainsSubstring("HTTP 401") && ContainsSubstring("signing key"));

  mail.status = 500;  // the function failed: the app is well
  call();
  CHECK(told.last_error == "");
  CHECK_FALSE(told.last_error_at);

  const auto heard = told.last_contact;
  mail.stop();
  call();
  CHECK_THAT(told.last_error, ContainsSubstring("127.0.0.1"));
  CHECK(told.last_contact == heard);
}

TEST_CASE("an app whose registration is refused is told of, with the reason", "[apps]") {
  engine engine{shop(), {}};
  const http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  const std::string body = R"({"appName":"broken","url":"http://127.0.0.1:1/x","functions":[{"id":"broken-f",
      "name":"F","triggers":[{"cron":"61 * * * *"}],"steps":{"step":{"id":"step","name":"step",
      "runtime":{"type":"http","url":"http://127.0.0.1:1/x"}}}}]})";
  REQUIRE(client.Post("/fn/register", body, "application/json")->status == 400);
  const app_info told = app_of(engine, "broken");
  CHECK_THAT(told.last_error, ContainsSubstring("its registration was refused: "));
  CHECK(told.functions.empty());
  CHECK(told.url == "");
  CHECK_FALSE(told.registered_at);
}

TEST_CASE("where and when an app registered survives a restart, but not what was heard from it", "[apps]") {
  const store_records::folder folder;
  remote_app mail;
  std::optional<inngest::timestamp> registered_at;
  for (const bool is_first : {true, false}) {
    engine engine{shop(), {}, {.store = std::make_shared<sqlite_store>(sqlite_options{.path = folder.file})}};
    if (is_first) {
      engine.register_app("mail", mail.registration());
      registered_at = app_of(engine, "mail").registered_at;
      CHECK(app_of(engine, "mail").last_contact);
    } else {
      const app_info told = app_of(engine, "mail");
      REQUIRE(registered_at);
      CHECK(told.registered_at == registered_at);
      CHECK(told.sdk == "js");
      CHECK(told.version == "2026-11");
      CHECK_FALSE(told.last_contact);
      engine.register_app("mail", R"({"appName":"mail","url":")" + mail.url() + R"(","functions":[]})");
      for (const app_info& each : engine.apps()) CHECK((each.id != "mail" || each.functions.empty()));
    }
  }
}

TEST_CASE("the engine remembers a limited number of apps that it could not use", "[apps]") {
  inngest::timestamp now{1s};
  const auto contacts = std::make_shared<app_contacts>([&] { return now += 1ms; });
  for (std::size_t i = 0; i < app_contacts::most + 10; ++i)
    contacts->note_error("app " + std::to_string(i), std::string(10'000, 'x'), false);
  const auto all = contacts->all();
  CHECK(all.size() == app_contacts::most);
  CHECK_FALSE(all.contains("app 9"));
  CHECK(all.contains("app 10"));
  CHECK(all.begin()->second.error.size() == 500);
}

// ---- statistics -----------------------------------------------------------------------------------------

TEST_CASE("statistics of a function are those of the last hour and of the last day", "[apps]") {
  const inngest::timestamp now{1000h};
  std::vector<run_times> runs;
  const auto add = [&](run_status status, inngest::duration_ms before, inngest::duration_ms took) {
    runs.push_back({status, now - before - took - 5s, now - before - took, now - before});
  };
  for (int i = 1; i <= 20; ++i)
    add(i == 20 ? run_status::failed : run_status::completed, 1min, std::chrono::seconds(i));
  add(run_status::cancelled, 59min, 1h);
  add(run_status::completed, 2h, 100s);
  add(run_status::failed, 25h, 1s);
  runs.push_back({run_status::running, now - 1s, now - 1s, std::nullopt});
  const function_stats stats = stats_of(runs, now);
  CHECK(stats.hour.runs == 21);
  CHECK(stats.hour.completed == 19);
  CHECK(stats.hour.failed == 1);
  CHECK(stats.hour.cancelled == 1);
  CHECK(stats.hour.error_share == 0.05);
  CHECK(stats.hour.p50 == 10s);
  CHECK(stats.hour.p95 == 19s);
  CHECK(stats.hour.per_minute == 21.0 / 60);
  CHECK(stats.day.runs == 22);
  CHECK(stats.day.p95 == 20s);
  CHECK(stats.day.per_minute == 22.0 / (24 * 60));
  CHECK_FALSE(stats.day.is_sample);

  const function_stats none = stats_of({}, now);
  CHECK(none.day.runs == 0);
  CHECK_FALSE(none.day.error_share);
  CHECK_FALSE(none.day.p50);
}

TEST_CASE("statistics of a function with very many runs are those of its newest runs", "[apps]") {
  const inngest::timestamp now{1000h};
  std::vector<run_times> runs;
  for (std::size_t i = 0; i <= function_stats::most; ++i) {
    const auto ended = now - 1s * static_cast<int>(i);  // one a second: more than an hour
    runs.push_back({run_status::completed, ended, ended, ended});
  }
  const function_stats stats = stats_of(runs, now);
  CHECK_FALSE(stats.hour.is_sample);
  CHECK(stats.hour.runs == 3601);
  CHECK(stats.day.is_sample);
  CHECK(stats.day.runs == function_stats::most);
  CHECK(stats.day.per_minute > 59);
  CHECK(stats.day.per_minute < 61);
}

TEST_CASE("a store tells the times of a function's newest runs", "[apps][store]") {
  const store_records::folder folder;
  std::shared_ptr<store> kept;
  const int kind = GENERATE(0, 1, 2);
  if (kind == 0) kept = std::make_shared<memory_store>();
  if (kind == 1) kept = std::make_shared<sqlite_store>(sqlite_options{.path = folder.file});
  if (kind == 2) kept = std::make_shared<support::forwarding_store>();  // with the default
  CAPTURE(kind);
  const auto app = shop();
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<untyped>(),
                                     [](inngest::context<untyped>& ctx) {
                                       if (ctx.event.data.value("fails", false))
                                         throw std::runtime_error("no");
                                     });
  const auto g = app.create_function({.id = "g"}, inngest::on<untyped>(), nothing);
  engine engine{app, {f, g}, {.store = kept}};
  for (int i = 0; i < 250; ++i) engine.send(untyped{{{"fails", i % 5 == 0}}});
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto times = kept->times_of_runs("shop-f", 230);
  REQUIRE(times.size() == 230);
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i].queued_at <= times[i - 1].queued_at);
  CHECK(kept->times_of_runs("shop-f", 1000).size() == 250);
  CHECK(kept->times_of_runs("none", 10).empty());

  const http_server server{engine, {.port = 0}};
  const json stats = get(server, "/api/functions/shop-f/stats");
  CHECK(stats.at("hour").at("runs") == 250);
  CHECK(stats.at("hour").at("failed") == 50);
  CHECK(stats.at("hour").at("error_share") == 0.2);
  CHECK(stats.at("day").at("completed") == 200);
  CHECK(stats.at("day").at("p50_ms").is_number());
  CHECK(get(server, "/api/functions/shop-g/stats").at("day").at("error_share") == 0.0);
  CHECK(get(server, "/api/functions/none/stats", 404).contains("error"));
}

TEST_CASE("statistics of a function count the runs before a restart", "[apps]") {
  const store_records::folder folder;
  const auto app = shop();
  const auto f = app.create_function({.id = "f"}, inngest::on<untyped>(), nothing);
  for (std::size_t round = 1; round <= 2; ++round) {
    engine engine{app, {f}, {.store = std::make_shared<sqlite_store>(sqlite_options{.path = folder.file})}};
    engine.send(untyped{});
    REQUIRE(engine.wait_until_idle(support::patience));
    CHECK(engine.stats_of("shop-f").hour.completed == round);
  }
}

// ---- events ---------------------------------------------------------------------------------------------

TEST_CASE("an event is told with its payload and the runs that it started", "[apps]") {
  const auto app = shop();
  const auto f = app.create_function({.id = "f"}, inngest::on<untyped>(), nothing);
  engine engine{app, {f}};
  const http_server server{engine, {.port = 0}};
  const std::string id = engine.send(untyped{{{"a", 1}}}).ids.front();
  REQUIRE(engine.wait_until_idle(support::patience));
  const json told = get(server, "/api/events/" + id);
  CHECK(told.at("name") == "apps/untyped");
  CHECK(told.at("event").at("data") == json{{"a", 1}});
  REQUIRE(told.at("runs").size() == 1);
  CHECK(told.at("runs").at(0).at("function") == "shop-f");
  CHECK(told.at("runs").at(0).at("status") == "completed");
  CHECK(get(server, "/api/events/01M89TPDS0F2HBQW0WB3ZVVKAZ", 404).contains("error"));
}

TEST_CASE("what is told about apps needs a session or the signing key", "[apps]") {
  engine engine{shop(), {}};
  const http_server server{engine, {.port = 0, .signing_key = "signkey-test-0123456789abcdef"}};
  for (const char* path : {"/api/apps", "/api/shapes", "/api/functions/f/stats", "/api/events/x"})
    CHECK(get(server, path, 401).contains("error"));
}
