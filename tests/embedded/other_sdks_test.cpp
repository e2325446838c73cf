// The engine as a server for apps of other SDKs: what they register, how they are called, and what they are
// refused, as an Inngest server does it.
#include <inngest/embedded/detail/redirect.hpp>
#include <inngest/embedded/detail/registration_rules.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"
#include "support/running_server.hpp"

using namespace std::chrono_literals;
using namespace scheduler_testing;
using Catch::Matchers::ContainsSubstring;

namespace {

json fixture(const std::string& name) {
#ifdef INNGEST_TEST_FIXTURES
  const std::filesystem::path folder = INNGEST_TEST_FIXTURES;
#else
  const auto folder = std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures";
#endif
  std::ifstream file(folder / "other_sdks" / (name + ".json"), std::ios::binary);
  REQUIRE(file);
  return json::parse(file);
}

/// An app of another SDK, which answers as it was recorded.
class recorded_app {
 public:
  explicit recorded_app(const std::string& name) : recording_(fixture(name)) {
    server_.Post("/api/inngest", [this](const httplib::Request& request, httplib::Response& answer) {
      reply(request, answer);
    });
    running_.emplace(server_);
  }

  std::string registration() const {
    std::string out = recording_.at("registration").dump();
    const std::string here = running_->url();
    for (std::size_t at = out.find("APP/"); at != std::string::npos; at = out.find("APP/", at))
      out.replace(at, 3, here);
    return out;
  }
  std::vector<std::string> problems() {
    const std::lock_guard lock(mutex_);
    return problems_;
  }
  /// The last body of a call of the function.
  json last_call(const std::string& function) {
    const std::lock_guard lock(mutex_);
    return last_calls_[function];
  }

 private:
  void reply(const httplib::Request& request, httplib::Response& answer) {
    const json body = json::parse(request.body);
    const std::string function = request.get_param_value("fnId"), step = request.get_param_value("stepId");
    std::set<std::string> steps;
    for (const auto& [id, memo] : body.at("steps").items()) steps.insert(id);
    const std::lock_guard lock(mutex_);
    last_calls_[function] = body;
    if (!inngest::embedded::is_uuid(body.at("ctx").at("fn_id").get<std::string>()))
      problems_.push_back("fn_id is no UUID");  // a Go app answers 500
    for (const json& call : recording_.at("calls")) {
      if (call.at("function") != function || call.at("step") != step) continue;
      const auto known = call.at("steps").get<std::set<std::string>>();
      // a step of a group may be called when another one has ended
      const bool has_results = std::includes(steps.begin(), steps.end(), known.begin(), known.end());
      if (step == "step" ? known != steps : !has_results) continue;
      answer.status = call.at("status");
      for (const auto& [name, value] : call.at("headers").items())
        answer.set_header(name, value.get<std::string>());
      answer.set_content(call.at("body").is_null() ? "" : call.at("body").dump(), "application/json");
      return;
    }
    problems_.push_back("a call that was not recorded: " + function + " " + step + " " + body.dump());
    answer.status = 500;
  }

  json recording_;
  httplib::Server server_;
  std::mutex mutex_;
  std::vector<std::string> problems_;
  std::map<std::string, json> last_calls_;
  std::optional<support::running_server> running_;  // after what its thread uses
};

/// A registration with one function, which a server accepts.
json good_function() {
  return json::parse(R"({"id":"app-f","name":"F","triggers":[{"event":"a/x"}],"steps":{"step":{"id":"step",
      "name":"step","runtime":{"type":"http","url":"http://127.0.0.1:1/x"}}}})");
}
void check_function(const json& function) {
  inngest::embedded::check_registration({{"appName", "app"}, {"functions", {function}}});
}
json with(const json& more) {
  json out = good_function();
  out.update(more);
  return out;
}

/// Answers calls until none is due, and returns the runs in the order of their calls.
std::vector<std::string> answer_all(driver& engine) {
  std::vector<std::string> out;
  while (const auto call = engine.take()) {
    out.push_back(call->run_id);
    engine.answer(*call, 200, "1");
  }
  return out;
}

}  // namespace

TEST_CASE("a recorded Go app registers, is called and completes on the engine", "[other_sdks]") {
  recorded_app app("go");
  const bool on_disk = GENERATE(false, true);
  const store_records::folder folder;
  inngest::embedded::engine_options options{.retry_delay = [](int) { return 1ms; }};
  if (on_disk)
    options.store = std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = folder.file});
  inngest::embedded::engine engine{support::quiet_client(), {}, options};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  const auto registered = client.Post("/fn/register", app.registration(), "application/json");
  REQUIRE(registered);
  CHECK(registered->status == 200);
  const json reply = json::parse(registered->body);
  CHECK(reply.at("app_id") == "3a884d6f-2b79-5ccb-ab1c-4a6df8a1957a");  // what the real server called it
  CHECK(inngest::embedded::is_uuid(reply.at("sync_id").get<std::string>()));

  for (const auto& function : engine.functions()) {
    CAPTURE(function.slug);
    CHECK(function.singleton.has_value() == (function.slug == "rec-singleton"));
    CHECK(function.concurrency.empty() !=
          (function.slug == "rec-scoped" || function.slug == "rec-concurrency"));
    CHECK(function.retries == (function.slug == "rec-concurrency" ? 2 : 4));
  }
  const std::string event = engine.accept(R"({"name":"rec/asked","data":{"user":{"id":42}}})").front();
  REQUIRE(engine.wait_until_idle(support::patience));
  for (const auto& run : engine.runs_of(event)) {  // the one that sleeps, too
    CAPTURE(run.function_slug);
    const auto ended = engine.wait_for(run.id, support::patience);
    if (run.function_slug == "rec-fails") {
      CHECK(ended.status == run_status::failed);
      CHECK(ended.error->message == "unhandled step error: nope");
    } else {
      CHECK(ended.status == run_status::completed);
      CHECK(ended.output_text == (run.function_slug == "rec-steps"      ? "\"1 event not received\""
                                  : run.function_slug == "rec-parallel" ? "2"
                                                                        : "\"done\""));
    }
  }
  CHECK(app.problems() == std::vector<std::string>());
}

TEST_CASE("an app of Python's shape registers, sleeps, waits, invokes and fails on the engine",
          "[other_sdks]") {
  recorded_app app("python");
  inngest::embedded::engine engine{support::quiet_client(), {}, {.retry_delay = [](int) { return 1ms; }}};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  const auto registered = client.Put("/fn/register", app.registration(), "application/json");
  REQUIRE(registered);
  CAPTURE(registered->body);
  REQUIRE(registered->status == 200);
  const std::string event = engine.accept(R"({"name":"py/asked","data":{"user":{"id":1}}})").front();
  REQUIRE(engine.wait_until_idle(support::patience));
  std::set<std::string> outputs;
  for (const auto& run : engine.runs_of(event)) {
    const auto ended = engine.wait_for(run.id, support::patience);
    outputs.insert(run.function_slug + ": " + (ended.error ? ended.error->message : ended.output_text));
  }
  CHECK(outputs ==
        std::set<std::string>{"py-fails: out of luck", "py-limited: null", "py-sleeps: \"slept\""});
  CHECK(app.problems() == std::vector<std::string>());
}

TEST_CASE("an app reads a function's id as a UUID, the same after a restart and at another URL",
          "[other_sdks]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  const std::string before = engine.request_of(engine.must_take()).at("ctx").at("fn_id");
  CHECK(inngest::embedded::is_uuid(before));
  engine.restart();
  CHECK(engine
            .request_of([&] {
              engine.advance(1s);
              return engine.must_take();
            }())
            .at("ctx")
            .at("fn_id") == before);
  CHECK(inngest::embedded::function_uuid("app-f") == before);
  CHECK(inngest::embedded::function_uuid("app-g") != before);
}

TEST_CASE("options are read in upper and lower case, lists of limits as objects", "[other_sdks]") {
  const json limits = GENERATE(
      json::parse(R"({"step":[{"limit":1,"scope":"Fn"}]})"), json::parse(R"({"Step":[{"Limit":1}]})"),
      json::parse(R"([{"limit":1,"scope":"fn"}])"), json::parse(R"({"limit":1})"), json(1),
      json::parse(R"({"fn":[],"step":[{"limit":1,"key":"event.data.k","scope":"Account"}]})"));
  CAPTURE(limits.dump());
  driver engine({on_event("f", "a/x", {{"Concurrency", limits}})});
  for (int i = 0; i < 2; ++i) engine.send({{"name", "a/x"}});
  const job first = engine.must_take();
  CHECK_FALSE(engine.take());
  engine.answer(first, 200, "1");
  CHECK(engine.take());
}

TEST_CASE("a singleton with a capital letter is one", "[other_sdks]") {
  driver engine({on_event("f", "a/x", {{"Singleton", {{"mode", "Skip"}}}, {"singleton", nullptr}})});
  for (int i = 0; i < 3; ++i) engine.send({{"name", "a/x"}});
  CHECK(engine.store().runs().size() == 1);
}

TEST_CASE("a limit of runs holds a slot from a run's first call to its end", "[other_sdks]") {
  driver engine({on_event("f", "a/x", {{"concurrency", {{"fn", {{{"limit", 1}}}}}}})});
  engine.send({{"name", "a/x"}});
  engine.send({{"name", "a/x"}});
  const job first = engine.must_take();
  engine.report(first, {operation("Sleep", 1, {{"opts", {{"duration", "1h"}}}})});
  CHECK_FALSE(engine.take());  // the first run sleeps, and holds the slot
  const auto end = GENERATE(0, 1, 2, 3);
  CAPTURE(end);
  if (end == 0) engine.restart();
  engine.advance(1min);
  CHECK_FALSE(engine.take());
  if (end == 1) {
    CHECK(engine->cancel(first.run_id, engine.now));
    engine.keep();
  } else {
    engine.advance(1h);
    const job again = engine.must_take();
    CHECK(again.run_id == first.run_id);
    CHECK_FALSE(engine.take());
    if (end == 2) {
      engine.answer(again, 400, "{}", {{"x-inngest-no-retry", "true"}});
    } else {
      engine.answer(again, 200, "1");
    }
  }
  const job second = engine.must_take();
  CHECK(second.run_id != first.run_id);
  engine.answer(second, 200, "1");
  CHECK(engine->held().slots_in_use == 0);
}

TEST_CASE("a limit of runs holds for each value of its key, beside a limit of calls", "[other_sdks]") {
  const json limits = {{"fn", {{{"limit", 1}, {"key", "event.data.k"}}}}, {"step", {{{"limit", 2}}}}};
  driver engine({on_event("f", "a/x", {{"concurrency", limits}})});
  for (const char* key : {"a", "a", "b", "c"}) engine.send({{"name", "a/x"}, {"data", {{"k", key}}}});
  const job a = engine.must_take(), b = engine.must_take();
  CHECK_FALSE(engine.take());  // two calls are under way
  const auto nap = operation("Sleep", 1, {{"opts", {{"duration", "1h"}}}});
  engine.report(a, {nap});
  const job c = engine.must_take();
  engine.report(b, {nap});
  CHECK_FALSE(engine.take());  // the other run of "a" waits for the first one
  engine.answer(c, 200, "1");
  CHECK(engine->cancel(a.run_id, engine.now));
  engine.keep();
  engine.answer(engine.must_take(), 200, "1");
  CHECK(engine->cancel(b.run_id, engine.now));
  engine.keep();
  CHECK(engine->held().slots_in_use == 0);
}

TEST_CASE("more runs than a lowered limit of runs finish before another begins", "[other_sdks]") {
  const auto limited = [](int limit) {
    return on_event("f", "a/x", {{"concurrency", {{"fn", {{{"limit", limit}}}}}}});
  };
  driver engine({limited(2)});
  for (int i = 0; i < 4; ++i) engine.send({{"name", "a/x"}});
  std::vector<job> calls{engine.must_take(), engine.must_take()};
  engine.register_functions({limited(1)});
  CHECK_FALSE(engine.take());
  engine.answer(calls[0], 200, "1");
  CHECK_FALSE(engine.take());
  engine.answer(calls[1], 200, "1");
  const job third = engine.must_take();
  CHECK_FALSE(engine.take());
  engine.register_functions({limited(5)});
  CHECK(engine.take());
  engine.answer(third, 200, "1");
  answer_all(engine);
}

TEST_CASE("an empty option counts as none: an event's name, a time", "[other_sdks]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(
      engine.must_take(),
      {operation("WaitForEvent", 1, {{"name", "a/y"}, {"opts", {{"event", ""}, {"timeout", "1h"}}}}),
       operation("Sleep", 2, {{"name", "1m"}, {"opts", {{"duration", ""}}}}),
       json{{"op", "None"}, {"id", ""}}});
  engine.advance(1min);
  const job next = engine.must_take();
  CHECK(engine.request_of(next).at("steps").size() == 1);
  engine.report(next, {json{{"op", "None"}, {"id", ""}}});
  engine.send({{"name", "a/y"}});
  CHECK(engine.request_of(engine.must_take()).at("steps").size() == 2);
}

TEST_CASE("times are read as a server reads them", "[other_sdks]") {
  const auto [text, seconds] = GENERATE(table<std::string, int>({
      {"-5s", 0},
      {"1.5s", 2},
      {"+1s", 1},
      {"0", 0},
      {"1d12h", 36 * 3600},
      {"1w", 7 * 24 * 3600},
      {"2026-03-01T00:00:07Z", 7},
      {"2026-03-01T00:00:07", 7},
      {"2026-03-02", 24 * 3600},
      {"Sun, 01 Mar 2026 00:00:09 GMT", 9},
      {"2020-01-01T00:00:00+02:00", 0},
  }));
  CAPTURE(text);
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("Sleep", 1, {{"name", text}})});
  if (seconds > 0) {
    engine.advance(std::chrono::seconds(seconds) - 1s);
    CHECK_FALSE(engine.take());
    engine.advance(1s);
  }
  CHECK(engine.take());
}

TEST_CASE("an empty timeout ends a wait at once, and an invoke or a signal in a year", "[other_sdks]") {
  driver engine({on_event("f", "a/x"), on_event("slow", "a/slow")});
  engine.send({{"name", "a/x"}});
  const json options =
      GENERATE(json::parse(R"({"op":"WaitForEvent","opts":{"event":"a/y","timeout":""}})"),
               json::parse(R"({"op":"WaitForSignal","opts":{"signal":"s","timeout":""}})"),
               json::parse(R"({"op":"InvokeFunction","opts":{"function_id":"app-slow","timeout":"730d"}})"),
               json::parse(R"({"op":"InvokeFunction","opts":{"function_id":"app-slow","timeout":""}})"));
  CAPTURE(options.dump());
  const auto op = options.at("op").get<std::string>();
  engine.report(engine.must_take(), {operation(op.c_str(), 1, options)});
  if (op == "InvokeFunction") engine.report(engine.must_take(), {operation("Sleep", 2, {{"name", "8000h"}})});
  CHECK(engine.take().has_value() == (op == "WaitForEvent"));
  engine.advance(24h * 300);
  CHECK_FALSE(engine.take());
}

TEST_CASE("a sleep or a wait of more than a year fails the run with a server's error", "[other_sdks]") {
  const auto [op, options, message] = GENERATE(table<std::string, json, std::string>({
      {"Sleep",
       {{"duration", "730d"}},
       "The sleep \"730d\" ends more than one year in the future; sleeps may last at most one year."},
      {"WaitForEvent",
       {{"event", "a/y"}, {"timeout", "730d"}},
       "The wait-for-event timeout \"730d\" expires more than one year in the future; timeouts may last at "
       "most one year."},
  }));
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation(op.c_str(), 1, {{"opts", options}})});
  CHECK(engine.only_run().status == run_status::failed);
  CHECK(engine.only_run().error->name == "InngestErrTimeoutTooLong");
  CHECK(engine.only_run().error->message == message);
}

TEST_CASE("lifecycle events tell errors in a server's form", "[other_sdks]") {
  struct sample {
    int status;
    std::string body;
    inngest::http::headers headers;
    json error;  // what the event must have
    json result;
  };
  const inngest::http::headers sdk{{"x-inngest-sdk", "go:v1"}};
  inngest::http::headers final_ = sdk;
  final_.add("x-inngest-no-retry", "true");
  const sample given = GENERATE_COPY(
      sample{500,
             R"({"message":"boom"})",
             sdk,
             {{"error", "invalid status code: 500"}, {"name", "Error"}, {"message", "boom"}},
             {{"message", "boom"}}},
      sample{400,
             R"({"name":"RangeError","message":"no","stack":"at x","__serialized":true})",
             final_,
             {{"error", "NonRetriableError"}, {"name", "RangeError"}, {"message", "no"}, {"stack", "at x"}},
             {{"name", "RangeError"}, {"message", "no"}, {"stack", "at x"}, {"__serialized", true}}},
      sample{500,
             "plain words",
             sdk,
             {{"error", "invalid status code: 500"}, {"name", "Error"}, {"message", "plain words"}},
             "plain words"},
      sample{
          503,
          "",
          sdk,
          {{"error", "invalid status code: 503"}, {"name", "Error"}, {"message", "invalid status code: 503"}},
          nullptr});
  driver engine({on_event("f", "a/x", {{"retries", 0}}), on_event("failed", "inngest/function.failed"),
                 on_event("finished", "inngest/function.finished"), on_event("parent", "a/parent")});
  engine.send({{"name", "a/parent"}});
  engine.report(engine.must_take(), {operation("InvokeFunction", 1, {{"opts", {{"function_id", "app-f"}}}})});
  const job call = engine.must_take();
  engine.answer(call, given.status, given.body, given.headers);
  for (int seen = 0; seen < 3; ++seen) {  // the parent, and the listeners
    const job next = engine.must_take();
    const json body = engine.request_of(next);
    const std::string name = body.at("event").at("name");
    CAPTURE(name, body.dump());
    if (name == "a/parent") {
      CHECK(body.at("steps").begin()->at("error") == given.error);
      continue;
    }
    CHECK(body.at("event").at("data").at("error") == given.error);
    CHECK(body.at("event").at("data").at("result") == given.result);
    CHECK((body.at("event").at("id") == call.run_id) == (name == "inngest/function.failed"));
  }
}

TEST_CASE("a proxy's page is in the stack of the error", "[other_sdks]") {
  driver engine({on_event("f", "a/x", {{"retries", 0}})});
  engine.send({{"name", "a/x"}});
  engine->finish(
      engine.must_take(),
      {.status = 502, .headers = {{"content-type", "text/html"}}, .body = "<h1>Bad Gateway\xff</h1>"},
      engine.now);
  engine.keep();
  const auto error = engine.only_run().error;
  REQUIRE(error);
  CHECK(error->name == "Server returned a fatal error");
  CHECK(error->message == "Your server returned HTTP 502 before the SDK responded.");
  CHECK_THAT(error->text, ContainsSubstring("<h1>Bad Gateway") && ContainsSubstring("text/html"));
}

TEST_CASE("an app that refuses the engine's signing key fails the run with what it said", "[other_sdks]") {
  const auto message_of = [](const inngest::http::response& answer) {
    driver engine({on_event("f", "a/x", {{"retries", 0}})});
    engine.send({{"name", "a/x"}});
    engine->finish(engine.must_take(), answer, engine.now);
    engine.keep();
    const auto error = engine.only_run().error;
    REQUIRE(error);
    return error->message;
  };
  const auto is_told = [&](const inngest::http::response& answer) {
    CHECK_THAT(message_of(answer), ContainsSubstring("HTTP 401") && ContainsSubstring("unauthorized") &&
                                       ContainsSubstring("signing key") && !ContainsSubstring("before the"));
  };
  const inngest::http::headers of_sdk{{"content-type", "application/json"}, {"x-inngest-sdk", "js:v3"}};
  is_told({.status = 401,
           .headers = {{"content-type", "application/json"}},
           .body = R"({"message":"unauthorized"})"});  // as this library answers
  is_told({.status = 401, .headers = of_sdk, .body = R"({"message":"unauthorized"})"});
  is_told({.status = 401, .headers = of_sdk, .body = "unauthorized\n"});
  CHECK_THAT(message_of({.status = 401, .headers = of_sdk}), ContainsSubstring("signing key"));
  CHECK(message_of({.status = 401, .body = "<h1>Sign in</h1>"}) ==
        "Your server returned HTTP 401 before the SDK responded.");
}

TEST_CASE("the URL of an app is without the parameters of its functions", "[other_sdks]") {
  const auto shown = [](const char* url) { return inngest::embedded::app_url(url); };
  CHECK(shown("http://a:1/b?fnId=b-callee&stepId=step") == "http://a:1/b");
  CHECK(shown("http://a:1/b?kept=1&fnId=f&more=2&stepId=s") == "http://a:1/b?kept=1&more=2");
  CHECK(shown("http://a:1/b?stepId=s&kept=1") == "http://a:1/b?kept=1");
  for (const char* own : {"http://a:1/b", "http://a:1/b?kept=1", ""}) CHECK(shown(own) == own);
}

TEST_CASE("a redirect leads to a URL that keeps the query", "[other_sdks]") {
  const std::string url = "http://a:1/x/y?fnId=f&stepId=s";
  const auto [location, target] = GENERATE_COPY(table<std::string, std::string>({
      {"/z", "http://a:1/z?fnId=f&stepId=s"},
      {"z", "http://a:1/x/z?fnId=f&stepId=s"},
      {"https://b/", "https://b/?fnId=f&stepId=s"},
      {"//b/z#part", "http://b/z?fnId=f&stepId=s"},
      {"/z?fnId=other&more=1", "http://a:1/z?fnId=f&stepId=s&more=1"},
      {"../z", "http://a:1/z?fnId=f&stepId=s"},
      {"../../z/./", "http://a:1/z/?fnId=f&stepId=s"},
      {"?more=1", url + "&more=1"},
      {"#part", url},
      {"http://u:secretpw@b/", ""},
      {"", url},
      {"ftp://b/", ""},
      {"http://b/ x", ""},
  }));
  CAPTURE(location);
  CHECK(inngest::embedded::redirected_url(url, location).value_or("") == target);
  CHECK(inngest::embedded::redirected_url("http://a", "z") == "http://a/z");
}

TEST_CASE("a call follows redirects with its body and headers, but not for ever", "[other_sdks]") {
  httplib::Server app;
  std::string seen;
  app.Post("/old", [](const httplib::Request&, httplib::Response& answer) {
    answer.status = 307;
    answer.set_header("location", "/new?more=1");
  });
  app.Post("/new", [&](const httplib::Request& request, httplib::Response& answer) {
    seen = request.target + " " + json::parse(request.body).at("event").at("name").get<std::string>() + " " +
           request.get_header_value("content-type");
    answer.set_header("x-inngest-sdk", "test:v1");
    answer.set_content("7", "application/json");
  });
  int turns = 0;
  app.Post(R"(/round.*)", [&](const httplib::Request&, httplib::Response& answer) {
    answer.status = 308;
    answer.set_header("location", "/round/" + std::to_string(++turns));
  });
  support::running_server running(app);
  const std::string url = running.url();
  inngest::embedded::engine engine{support::quiet_client(), {}};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  json moved = good_function(), round = good_function();
  moved["steps"]["step"]["runtime"]["url"] = url + "/old?fnId=app-f&stepId=step";
  round["steps"]["step"]["runtime"]["url"] = url + "/round";
  round["id"] = "app-round";
  round["steps"]["step"]["retries"] = {{"attempts", 0}};
  engine.register_app("app", json{{"appName", "app"}, {"functions", {moved, round}}}.dump());
  const std::string event = engine.accept(R"({"name":"a/x"})").front();
  for (const auto& run : engine.runs_of(event)) {
    const auto ended = engine.wait_for(run.id, support::patience);
    if (run.function_slug == "app-f") {
      CHECK(ended.output_text == "7");
    } else {
      CHECK(ended.status == run_status::failed);
    }
  }
  running.stop();
  CHECK(seen == "/new?fnId=app-f&stepId=step&more=1 a/x application/json");
  CHECK(turns == inngest::embedded::max_redirects + 1);
}

TEST_CASE("an answer with status 201 that is no envelope fails the call with what was wrong",
          "[other_sdks]") {
  const std::string body = GENERATE(as<std::string>(), "1", "[1]", "text", "", "null", R"({"a":1})",
                                    R"({"status":"200","body":1})", R"({"status":99,"body":1})",
                                    R"({"status":200,"headers":1,"body":1})");
  CAPTURE(body);
  httplib::Server app;
  app.Post("/x", [&](const httplib::Request&, httplib::Response& answer) {
    answer.status = 201;
    answer.set_header("x-inngest-sdk", "test:v1");
    answer.set_content(body, "application/json");
  });
  support::running_server running(app);
  inngest::embedded::engine engine{support::quiet_client(), {}};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  json one = good_function();
  one["steps"]["step"]["runtime"]["url"] = running.url() + "/x";
  one["steps"]["step"]["retries"] = {{"attempts", 0}};
  engine.register_app("app", json{{"appName", "app"}, {"functions", {one}}}.dump());
  const std::string event = engine.accept(R"({"name":"a/x"})").front();
  const auto ended = engine.wait_for(engine.runs_of(event).at(0).id, support::patience);
  CHECK(ended.status == run_status::failed);
  CHECK_THAT(ended.error.value().message, ContainsSubstring("status 201 must be a JSON object with") &&
                                              !ContainsSubstring("json.exception"));
}

TEST_CASE("registrations that a server accepts are accepted", "[other_sdks]") {
  const json more = GENERATE(
      json::object(), json{{"triggers", json::array()}}, json{{"triggers", nullptr}},
      json{{"concurrency", {{{"limit", 0}}}}}, json{{"concurrency", "5"}},
      json{{"throttle", {{"period", "1m"}}}}, json{{"rateLimit", {{"limit", 1}, {"period", "24h"}}}},
      json{{"debounce", {{"period", "7d"}}}},
      json{{"batchEvents", {{"maxSize", 2}, {"timeout", "1h"}}}, {"singleton", nullptr}},
      json{{"singleton", {{"mode", "cancel"}}}}, json{{"timeouts", {{"start", "1.5s"}, {"finish", "soon"}}}},
      json{{"priority", {{"run", "event.data.p"}}}}, json{{"retries", 99}},
      json{{"triggers",
            {{{"cron", "0 0 * * *"}, {"jitter", "5m"}}, {{"event", "a"}, {"expression", "true"}}}}});
  CAPTURE(more.dump());
  CHECK_NOTHROW(check_function(with(more)));
  CHECK_NOTHROW(read_registration({.id = "app", .text = json{{"functions", {with(more)}}}.dump()}));
}

TEST_CASE("registrations that a server refuses are refused", "[other_sdks]") {
  json triggers = json::array(), cancels = json::array();
  for (int i = 0; i < 11; ++i) triggers.push_back({{"event", std::to_string(i)}});
  for (int i = 0; i < 6; ++i) cancels.push_back({{"event", std::to_string(i)}});
  const json batch{{"maxSize", 5}, {"timeout", "1m"}};
  const auto [more, reason] = GENERATE_COPY(table<json, std::string>({
      {{{"triggers", {{{"event", "a"}, {"cron", "* * * * *"}}}}}, "both an event and a cron"},
      {{{"triggers", {json::object()}}}, "an event or a cron"},
      {{{"triggers", {{{"event", ""}}}}}, "must name an event"},
      {{{"triggers", {{{"event", std::string(256, 'e')}}}}}, "longer than 255"},
      {{{"triggers", triggers}}, "more than 10 triggers"},
      {{{"triggers", {{{"event", "a"}}, {{"event", "a"}}}}}, "there twice"},
      {{{"triggers", {{{"cron", "* * * * *"}}, {{"cron", "* * * * *"}, {"jitter", "2s"}}}}}, "there twice"},
      {{{"triggers", {{{"cron", "* * * * *"}, {"jitter", "6m"}}}}}, "jitter"},
      {{{"triggers", 5}}, "triggers must be a list"},
      {{{"steps", json::object()}}, "one step"},
      {{{"steps", nullptr}}, "one step"},
      {{{"steps", {{"step", {{"name", "step"}}}}}}, "no URL"},
      {{{"steps", {{"step", {{"runtime", {{"url", "http://h/"}}}}}}}}, "a step needs a name"},
      {{{"steps", {{"step", {{"name", "s"}, {"runtime", {{"url", "ftp://h/"}}}}}}}},
       "its URL must begin with"},
      {{{"name", ""}}, "needs a name"},
      {{{"name", 5}}, "name must be a text"},
      {{{"concurrency", {{{"limit", 1}}, {{"limit", 2}}, {{"limit", 3}}}}}, "more than 2 concurrency limits"},
      {{{"concurrency", {{"step", {{{"limit", 1}}, {{"limit", 2}}, {{"limit", 3}}}}}}}, "more than 2"},
      {{{"concurrency", {{{"limit", 1}, {"scope", "planet"}}}}}, "unknown concurrency scope"},
      {{{"concurrency", {{{"limit", 1}, {"scope", "Account"}}}}}, "needs a key"},
      {{{"concurrency", {{"fn", {{{"limit", 0}}}}}}}, "at least 1"},
      {{{"concurrency", {{"fn", {{{"limit", 1}}, {{"limit", 2}}}}}}}, "only one"},
      {{{"concurrency", {{"fn", {{{"limit", 1}, {"scope", "app"}}}}}}}, "app"},
      {{{"concurrency", {{{"limit", 1.5}}}}}, "whole number"},
      {{{"debounce", json::object()}}, "needs a period"},
      {{{"debounce", {{"period", "500ms"}}}}, "from 1 s"},
      {{{"debounce", {{"period", "8d"}}}}, "from 1 s"},
      {{{"rateLimit", {{"limit", 0}, {"period", "1h"}}}}, "at least 1"},
      {{{"rateLimit", {{"limit", 1}, {"period", "25h"}}}}, "at most a day"},
      {{{"rateLimit", {{"limit", 1}}}}, "needs a period"},
      {{{"throttle", {{"limit", 1}}}}, "needs a period"},
      {{{"throttle", {{"limit", -1}, {"period", "1m"}}}}, "at least 0"},
      {{{"batchEvents", {{"maxSize", 0}, {"timeout", "1m"}}}}, "at least 2"},
      {{{"batchEvents", {{"maxSize", 2}}}}, "needs a timeout"},
      {{{"batchEvents", {{"maxSize", 2}, {"timeout", "500ms"}}}}, "a second"},
      {{{"batchEvents", {{"maxSize", 2}, {"timeout", "1d"}}}}, "units"},
      {{{"batchEvents", batch}, {"cancel", {{{"event", "c"}}}}}, "cancellation"},
      {{{"batchEvents", batch}, {"singleton", {{"mode", "skip"}}}}, "singletons"},
      {{{"batchEvents", batch}, {"debounce", {{"period", "5s"}}}}, "debouncing"},
      {{{"batchEvents", batch}, {"priority", {{"run", "1"}}}}, "priority"},
      {{{"singleton", {{"mode", "eat"}}}}, "singleton mode"},
      {{{"cancel", cancels}}, "more than 5 cancellation"},
      {{{"throttle", 5}}, "throttle must be an object"},
  }));
  CAPTURE(more.dump());
  CHECK_THROWS_WITH(check_function(with(more)), ContainsSubstring("app-f") && ContainsSubstring(reason));
}

TEST_CASE("a refused registration changes nothing, and names every problem", "[other_sdks]") {
  inngest::embedded::engine engine{support::quiet_client(), {}};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  const json body{{"appName", "app"},
                  {"functions", {with({{"name", ""}, {"throttle", {{"limit", 1}}}}), good_function()}}};
  const auto answer = client.Post("/fn/register", body.dump(), "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 400);
  CHECK_THAT(answer->body, ContainsSubstring("needs a name") && ContainsSubstring("needs a period"));
  CHECK(engine.functions().empty());
  const json good{{"AppName", "app"}, {"Functions", {good_function()}}};
  CHECK(client.Post("/fn/register", good.dump(), "application/json")->status == 200);
  httplib::Headers cloud{{"x-inngest-expected-server-kind", "cloud"}};
  CHECK(client.Post("/fn/register", cloud, good.dump(), "application/json")->status == 400);
  CHECK(engine.functions().size() == 1);
}

TEST_CASE("a store with a registration that is refused today still opens", "[other_sdks]") {
  const auto store = std::make_shared<memory_store>();
  changes before;
  before.apps.push_back(
      {.id = "app",
       .text =
           json{{"functions",
                 {with({{"name", ""}, {"debounce", {{"period", "8d"}}}, {"batchEvents", {{"maxSize", 0}}}})}}}
               .dump()});
  store->commit({&before, 1});
  inngest::embedded::engine engine{support::quiet_client(), {}, {.store = store}};
  CHECK(engine.functions().size() == 1);
  CHECK(engine.unreadable().empty());
}

TEST_CASE("a function without an id has one made from its name", "[other_sdks]") {
  const auto [name, slug] = GENERATE(table<std::string, std::string>({
      {"My Function", "my-function"},
      {"  Salt & Pepper!", "salt-and-pepper"},
      {"a_b--c", "a_b-c"},
  }));
  json function = good_function();
  function.erase("id");
  function["name"] = name;
  const auto read = read_registration({.id = "app", .text = json{{"functions", {function}}}.dump()});
  REQUIRE(read.size() == 1);
  CHECK(read.front().slug == slug);
}
