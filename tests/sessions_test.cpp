#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/outbox.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"
#include "support/temporary_folder.hpp"

// Sessions of events, and how runs pass them on.

namespace sessions {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::any_event;
using inngest::event_meta;
using inngest::json;
using inngest::session;
using support::run_driver;
using list = std::vector<session>;

struct text {
  std::string text;
};
INNGEST_FIELDS(text, text)
using asked = inngest::event<"chat/asked", text>;
using answered = inngest::event<"chat/answered", text>;
using context = inngest::context<asked>;

const list two{{"conversation", "c1"}, {"user", "u1"}};

json received(const json& of_sessions, const std::string& data = "d") {
  return {{"name", "chat/asked"}, {"data", {{"text", data}}}, {"meta", {{"sessions", of_sessions}}}};
}

json meta_of(const any_event& event) { return json::parse(event.text()).at("meta"); }

std::string problem_of(const event_meta& meta) {
  return support::message_of<inngest::payload_error>([&] { any_event(asked{.meta = meta}); });
}

/// Events are read in place, from text with room behind it.
asked read_back(const any_event& event) {
  const inngest::detail::json_buffer padded(event.text());
  return inngest::detail::read_event<asked>(padded.text());
}

}  // namespace sessions

using namespace sessions;

TEST_CASE("an event carries its sessions, and they round trip", "[sessions][event]") {
  const asked sent{.data = {"hi"}, .id = "i", .meta = {.sessions = two}};
  const any_event event(sent);
  CHECK(meta_of(event) == json::parse(R"({"sessions":{"conversation":"c1","user":"u1"}})"));
  CHECK(read_back(event).meta.sessions == two);
  CHECK(meta_of(any_event("run/time", json::object(), {.sessions = two})) == meta_of(event));
  CHECK_FALSE(json::parse(any_event(asked{}).text()).contains("meta"));
}

TEST_CASE("sessions of a run can be removed, one or all", "[sessions][event]") {
  CHECK(meta_of(asked{.meta = {.sessions = {{"user"}, {"a", "b"}}}}) ==
        json::parse(R"({"sessions":{"user":null,"a":"b"}})"));
  CHECK(meta_of(asked{.meta = {.clear_sessions = true}}) == json::parse(R"({"sessions":null})"));
}

TEST_CASE("sessions that no server takes are refused", "[sessions][event]") {
  CHECK_THAT(problem_of({.sessions = {{"", "x"}}}),
             ContainsSubstring("meta.sessions: a key must have 1 to 128"));
  CHECK_THAT(problem_of({.sessions = {{std::string(129, 'k'), "x"}}}), ContainsSubstring("1 to 128"));
  CHECK_THAT(problem_of({.sessions = {{"k", ""}}}), ContainsSubstring("the id of \"k\" must have 1 to 512"));
  CHECK_THAT(problem_of({.sessions = {{"k", std::string(513, 'i')}}}), ContainsSubstring("1 to 512"));
  CHECK_THAT(problem_of({.sessions = {{"k", "\xff"}}}), ContainsSubstring("UTF-8"));
  CHECK_THAT(problem_of({.sessions = {{"k", "a"}, {"k", "b"}}}), ContainsSubstring("used twice"));
  CHECK_THAT(problem_of({.sessions = {{"k", "a"}}, .clear_sessions = true}),
             ContainsSubstring("clear_sessions"));
  list six;
  for (int i = 0; i < 6; ++i) six.push_back({"k" + std::to_string(i), "i"});
  CHECK_THAT(problem_of({.sessions = six}), ContainsSubstring("at most 5 sessions, not 6"));
  six.front().id.reset();  // one that is removed does not count
  CHECK_NOTHROW(any_event(asked{.meta = {.sessions = six}}));
}

TEST_CASE("middleware and missing times leave an event's sessions whole", "[sessions][event]") {
  any_event event(asked{.data = {"a longer text"}, .meta = {.sessions = two}});
  event.set_data(R"({"text":"x"})");
  event.set_propagated_sessions(R"({"p":"1"})");
  event.set_data(R"({"text":"a text that is much longer than before"})");
  event.set_missing_ts(inngest::timestamp(5ms));
  CHECK(json::parse(event.text()) == json::parse(R"({"name":"chat/asked",
      "data":{"text":"a text that is much longer than before"},"ts":5,
      "meta":{"sessions":{"conversation":"c1","user":"u1"},"propagated_sessions":{"p":"1"}}})"));
  any_event plain(asked{});
  plain.set_propagated_sessions(R"({"p":"1"})");
  plain.set_missing_ts(inngest::timestamp(5ms));
  CHECK(json::parse(plain.text()).at("meta") == json::parse(R"({"propagated_sessions":{"p":"1"}})"));
}

TEST_CASE("an event that was read from text keeps the sessions that it has inherited", "[sessions][event]") {
  inngest::any_event sent = inngest::any_event::from_text(
      R"({"name":"a","data":{},"meta":{"sessions":{"k":"1"},"propagated_sessions":{"user":"u1"}}})");
  const std::string before = sent.text();
  sent.set_propagated_sessions(R"({"user":"u2"})");
  CHECK(sent.text() == before);
  const char* none =
      GENERATE("", R"(,"meta":{"propagated_sessions":{ }})", R"(,"meta":{"propagated_sessions":null})");
  inngest::any_event fresh =
      inngest::any_event::from_text(R"({"name":"a","data":{})" + std::string(none) + "}");
  fresh.set_propagated_sessions(R"({"user":"u2"})");
  fresh.set_propagated_sessions(R"({"user":"u3"})");
  CHECK(json::parse(fresh.text()).at("meta") == json{{"propagated_sessions", {{"user", "u2"}}}});
}

TEST_CASE("a run has the sessions that all of its events share", "[sessions][batch]") {
  const auto shared = [](const std::vector<json>& events) {
    return inngest::protocol::shared_sessions(events.at(0).dump(), json(events).dump());
  };
  CHECK(shared({received({{"user", "u1"}, {"conversation", "c1"}})}) == two);
  CHECK(shared({received({{"a", "1"}, {"b", "2"}, {"c", "3"}}), received({{"a", "1"}, {"b", "x"}})}) ==
        list{{"a", "1"}});
  CHECK(shared({received({{"a", 1}}), received({{"a", "1"}})}) == list{{"a", "1"}});
  CHECK(shared({received({{"a", "1"}}), {{"name", "n"}, {"data", json::object()}}}).empty());
  CHECK(shared({received({{"a", nullptr}, {"", "x"}, {"b", json::array()}})}).empty());
  CHECK(shared({received("not an object")}).empty());
  CHECK(inngest::protocol::shared_sessions("{\"sessions\"", "").empty());
  json seven = json::object();
  for (const char* key : {"g", "f", "e", "d", "c", "b", "a"}) seven[key] = "i";
  CHECK(shared({received(seven)}).size() == 5);
  CHECK(shared({received(seven)}).back().key == "e");
}

TEST_CASE("steps pass the run's sessions on over HTTP", "[sessions][http]") {
  for (const bool is_on : {true, false}) {
    CAPTURE(is_on);
    auto transport = std::make_shared<support::fake_transport>();
    auto options = support::quiet_options();
    options.transport = transport;
    options.session_propagation = is_on;
    options.middleware = {inngest::encryption({.key = "k", .every_event_field = true})};
    options.checkpointing.enabled = false;
    const inngest::client app(options);
    auto later = app.create_deferred_function<text>({.id = "later"}, [](auto&) {});
    auto other = app.create_function({.id = "other"}, inngest::on<answered>(), [](auto&) {});
    list seen;
    auto f = app.create_function({.id = "f"}, inngest::on<asked>(), [&](context& ctx) {
      seen = ctx.sessions();
      ctx.defer("later", later, text{"t"}, {.meta = {.sessions = {{"topic", "t1"}}}});
      ctx.step.send_event("send", {answered{.meta = {.sessions = {{"user"}}}}, asked{}});
      ctx.step.invoke("call", other, text{"t"}, {.meta = {.sessions = {{"user", "u2"}}}, .v = "2"});
    });
    run_driver run(f, options);
    const json event = received({{"conversation", "c1"}, {"user", "u1"}});
    run.with_event(event).discover();
    CHECK(seen == (is_on ? two : list{}));
    const json sent = json::parse(transport->requests().at(0).body);
    const json operations = run.result("send", {{"ids", {"1", "2"}}}).discover().body();
    REQUIRE(operations.size() == 2);
    const json payload = operations[0].at("opts").at("payload");
    const json deferred = operations[1].at("opts");
    CHECK(payload.at("v") == "2");
    json of_sent = json::parse(R"({"sessions":{"user":null}})");
    json of_call = json::parse(R"({"sessions":{"user":"u2"}})");
    json of_deferred = json::parse(R"({"sessions":{"topic":"t1"}})");
    if (is_on) {
      const json inherited = json::parse(R"({"conversation":"c1","user":"u1"})");
      for (json* each : {&of_sent, &of_call, &of_deferred}) (*each)["propagated_sessions"] = inherited;
      CHECK(sent.at(1).at("meta") == json{{"propagated_sessions", inherited}});
    } else {
      CHECK_FALSE(sent.at(1).contains("meta"));
    }
    CHECK(sent.at(0).at("meta") == of_sent);
    CHECK(payload.at("meta") == of_call);
    CHECK(deferred.at("meta") == of_deferred);
  }
}

TEST_CASE("a client within its own handler passes the run's sessions on", "[sessions][send]") {
  for (const bool hooked : {false, true}) {
    auto transport = std::make_shared<support::fake_transport>();
    auto options = support::quiet_options();
    options.transport = transport;
    options.checkpointing.enabled = false;
    if (hooked) options.middleware = {inngest::encryption({.key = "k"})};
    const inngest::client app(options), other(options);
    auto f = app.create_function({.id = "f"}, inngest::on<asked>(), [&](context& ctx) {
      app.send(answered{});
      other.send(answered{});
      std::thread([&] { app.send({answered{}}); }).join();
      ctx.step.run("s", [&] { app.send(answered{.meta = {.sessions = {{"own", "o"}}}}); });
    });
    const inngest::handler handler(app, {f});
    support::call body;
    body.event = received({{"user", "u1"}});
    CHECK(handler(support::post("app-f", body.text())).status == 206);
    app.send(answered{});
    std::vector<std::string> metas;
    for (const auto& each : transport->requests())
      metas.push_back(json::parse(each.body).at(0).value("meta", json()).dump());
    CHECK(metas == std::vector<std::string>{R"({"propagated_sessions":{"user":"u1"}})", "null", "null",
                                            R"({"propagated_sessions":{"user":"u1"},"sessions":{"own":"o"}})",
                                            "null"});
  }
}

TEST_CASE("the variable for passing sessions on is read as a boolean", "[sessions][settings]") {
  const auto propagation = [](const char* value) {
    auto options = support::quiet_options();
    options.environment = [value](const char* name) {
      return std::string(name) == "INNGEST_SESSION_PROPAGATION" ? std::optional<std::string>(value)
                                                                : std::nullopt;
    };
    return inngest::settings(options).session_propagation();
  };
  CHECK(propagation("true"));
  CHECK(propagation(" 1 "));
  CHECK_FALSE(propagation("false"));
  CHECK_FALSE(propagation("0"));
  CHECK_THROWS_AS(propagation("perhaps"), inngest::configuration_error);
  CHECK(inngest::settings(support::quiet_options()).session_propagation());
}

namespace sessions {

/// Runs that start each other in every way, and the sessions that each of them has.
struct chain {
  mutable std::mutex mutex{};
  std::vector<std::pair<std::string, list>> seen{};
  inngest::client app;
  inngest::deferred_function<text> deferred;
  inngest::function<void, answered> by_event;
  inngest::function<int, inngest::invoked<text>> invoked;
  inngest::function<void, asked> first;

  explicit chain(inngest::client_options options)
      : app(std::move(options)),
        deferred(app.create_deferred_function<text>(
            {.id = "deferred"}, [this](auto& ctx) { note("deferred " + ctx.event.data.text, ctx); })),
        by_event(app.create_function({.id = "by-event"}, inngest::on<answered>(),
                                     [this](inngest::context<answered>& ctx) { note("event", ctx); })),
        invoked(app.create_function({.id = "invoked"}, inngest::on_invoke<text>(),
                                    [this](inngest::context<inngest::invoked<text>>& ctx) {
                                      note("invoked", ctx);
                                      return 1;
                                    })),
        first(app.create_function({.id = "first"}, inngest::on<asked>(), [this](context& ctx) {
          ctx.step.send_event("send", answered{.meta = {.sessions = {{"user"}, {"own", "o"}}}});
          ctx.step.invoke("call", invoked, text{"t"}, {.meta = {.clear_sessions = true}});
          ctx.defer("later", deferred, text{"t"}, {.meta = {.sessions = {{"user", "u2"}}}});
        })) {}

  template <class Context>
  void note(const std::string& name, Context& ctx) {
    ctx.step.run("note", [&] {
      const std::lock_guard lock(mutex);
      seen.emplace_back(name, ctx.sessions());
    });
  }
  list of(const std::string& name) const {
    const std::lock_guard lock(mutex);
    for (const auto& [run, sessions] : seen) {
      if (run == name) return sessions;
    }
    return {{"no run", name}};
  }
  bool has_run(const std::string& name) const {
    const std::lock_guard lock(mutex);
    return std::any_of(seen.begin(), seen.end(), [&](const auto& run) { return run.first == name; });
  }
  std::vector<inngest::any_function> functions() const { return {deferred, by_event, invoked, first}; }

  void check() const {
    CHECK(of("event") == list{{"conversation", "c1"}, {"own", "o"}});
    CHECK(of("invoked").empty());
    CHECK(of("deferred t") == list{{"conversation", "c1"}, {"user", "u2"}});
  }
};

}  // namespace sessions

TEST_CASE("runs inherit sessions in a harness", "[sessions][harness]") {
  auto options = support::quiet_options();
  options.middleware = {inngest::encryption({.key = "k", .every_event_field = true})};
  chain runs(options);
  inngest::testing::harness t(runs.app, runs.functions());
  REQUIRE(t.send(asked{.meta = {.sessions = two}}).completed());
  runs.check();
}

TEST_CASE("runs inherit sessions on an engine that restarts in between", "[sessions][engine][sqlite]") {
  const bool on_disk = GENERATE(false, true);
  CAPTURE(on_disk);
  const support::temporary_folder place;
  const auto path = place.path() / "engine.db";
  const auto open = [&]() -> std::shared_ptr<inngest::embedded::store> {
    return std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = path.string()});
  };
  auto store = on_disk ? open() : std::make_shared<inngest::embedded::memory_store>();
  const auto gate_of = [](chain& runs) {
    return runs.app.create_function({.id = "gate"}, inngest::on<asked>(), [&](context& ctx) {
      ctx.defer("later", runs.deferred, text{"gate"}, {.meta = {.sessions = {{"user", "u3"}}}});
      ctx.step.sleep("nap", 1h);
    });
  };
  {
    chain runs(support::quiet_options());
    inngest::embedded::engine engine(runs.app, {gate_of(runs), runs.deferred}, {.store = store});
    const std::string run = engine
                                .accept(R"({"name":"chat/asked","data":{"text":"t"},
        "meta":{"sessions":{"conversation":"c1","user":"u1"}}})")
                                .front();
    const auto sleeps = [&] {
      const auto found = engine.runs_of(run);
      return !found.empty() && found.front().timeline.size() > 2;
    };
    REQUIRE(support::eventually(sleeps));
  }
  if (on_disk) {
    store.reset();
    store = open();
  }
  chain runs(support::quiet_options());
  auto functions = runs.functions();
  functions.push_back(gate_of(runs));
  inngest::embedded::engine engine(runs.app, functions, {.store = store});
  REQUIRE(engine.cancel(engine.runs().front().id));  // what it deferred follows
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(runs.of("deferred gate") == list{{"conversation", "c1"}, {"user", "u3"}});
  engine.send(asked{.meta = {.sessions = two}});
  CHECK(support::eventually(
      [&] { return runs.has_run("event") && runs.has_run("invoked") && runs.has_run("deferred t"); }));
  engine.stop(10s);
  runs.check();
}

TEST_CASE("sessions round trip, whatever their text", "[sessions][property]") {
  std::mt19937 random(7);
  const std::vector<std::string> pieces{"a", "\"",   "\\",   "\n", "{", "\xc3\xa4", "\xf0\x9f\x98\x80",
                                        " ", "\x7f", "null", "/"};
  const auto any_text = [&](std::size_t most) {
    std::string out;
    for (std::size_t i = random() % most + 1; i > 0; --i) out += pieces[random() % pieces.size()];
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    list given;
    for (std::size_t i = random() % 6; i > 0; --i)
      given.push_back({any_text(8) + std::to_string(i), any_text(20)});
    const any_event event(asked{.data = {any_text(20)}, .meta = {.sessions = given}});
    CHECK(read_back(event).meta.sessions == given);
    list sorted = given;
    std::sort(sorted.begin(), sorted.end(), [](const session& a, const session& b) { return a.key < b.key; });
    const list shared = inngest::protocol::shared_sessions(event.text(), "");
    CHECK(shared == sorted);
    any_event child(asked{});
    const std::string inherited = inngest::protocol::propagated_text(shared);
    if (!inherited.empty()) child.set_propagated_sessions(inherited);
    const json sent = json::parse(child.text());
    const std::string resolved =
        inngest::embedded::resolved_meta(sent.value("meta", json()), inngest::detail::json_path("meta"));
    CHECK(resolved.empty() == given.empty());
    const std::string received =
        R"({"name":"n","data":{},"meta":)" + (resolved.empty() ? "null" : resolved) + "}";
    CHECK(inngest::protocol::shared_sessions(received, "") == sorted);
  }
}

TEST_CASE("an engine refuses sessions that a server refuses", "[sessions][engine]") {
  const inngest::client app = support::quiet_client();
  inngest::embedded::engine engine(app, {});
  const auto send = [&](const std::string& meta) {
    return engine.accept(R"({"name":"a/b","data":{},"meta":)" + meta + "}").size();
  };
  CHECK(send(R"({"sessions":{"a":"1","b":2},"propagated_sessions":{"c":"3"},"other":1})") == 1);
  CHECK(send("null") == 1);
  for (const char* refused :
       {"1", R"({"sessions":[]})", R"({"sessions":{"":"x"}})", R"({"sessions":{"a":""}})",
        R"({"sessions":{"a":true}})", R"({"propagated_sessions":{"a":null}})",
        R"({"sessions":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1"}})"}) {
    CAPTURE(refused);
    CHECK_THROWS_AS(send(refused), inngest::payload_error);
  }
}
