#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

#include "app.hpp"
#include "catch.hpp"
#include "support/http_client.hpp"

// The exchanges of Inngest's conformance runner, over a real socket: its sync, then the calls that a server
// makes for its events, and what it compares of each answer.

using Catch::Matchers::ContainsSubstring;
using inngest::json;

namespace {

const char* const path = "/api/inngest";

struct keys {
  inngest::mode mode = inngest::mode::dev;
  std::string signing_key{};
  std::string fallback{};
};

/// The fixture app on a port of its own.
class served_app {
 public:
  explicit served_app(const keys& keys = {}) {
    const inngest::client app({.id = conformance::app_id,
                               .signing_key = keys.signing_key,
                               .signing_key_fallback = keys.fallback,
                               .mode = keys.mode,
                               .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                               .checkpointing = {.enabled = false},  // the runner looks at each answer
                               .environment = [](const char*) { return std::nullopt; }});
    inngest::serve(server_, app, conformance::functions(app));
    port_ = server_.bind_to_any_port("127.0.0.1");
    REQUIRE(port_ > 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  served_app(const served_app&) = delete;
  served_app& operator=(const served_app&) = delete;
  ~served_app() {
    server_.stop();
    thread_.join();
  }

  httplib::Response send(const std::string& method, const std::string& target, const std::string& body = {},
                         httplib::Headers headers = {}) const {
    support::http_client client(port_);
    httplib::Request request;
    request.method = method;
    request.path = target;
    request.body = body;
    request.headers = std::move(headers);
    if (!body.empty()) request.headers.emplace("Content-Type", "application/json");
    const httplib::Result result = client.send(request);
    REQUIRE(result);
    return *result;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

/// A run as the server keeps it: what it puts into each call.
struct run {
  std::string function;
  json event;
  json steps = json::object();
  std::vector<std::string> stack{};

  void remember(const std::string& step, json memo) {
    steps[step] = std::move(memo);
    stack.push_back(step);
  }

  std::string target(const std::string& step = "step") const {
    return std::string(path) + "?fnId=test-suite-" + function + "&stepId=" + step;
  }

  /// Canonical JSON: sorted keys and no white space, as the server sends it.
  std::string body(int attempt = 0) const {
    json full = event;
    full["id"] = "01J00000000000000000000000";
    full["ts"] = 1700000000000;
    const json call{{"ctx",
                     {{"attempt", attempt},
                      {"disable_immediate_execution", false},
                      {"env", ""},
                      {"fn_id", "7f3a2b9c-0000-4000-8000-000000000001"},
                      {"max_attempts", 5},
                      {"qi_id", "cXVldWUtaXRlbQ=="},
                      {"run_id", "01J00000000000000000000001"},
                      {"stack", {{"current", stack.size()}, {"stack", stack}}},
                      {"step_id", "step"},
                      {"use_api", false}}},
                    {"defers", json::object()},
                    {"event", full},
                    {"events", {full}},
                    {"steps", steps},
                    {"use_api", false},
                    {"version", steps.empty() ? -1 : 2}};
    return call.dump();
  }
};

json result_of(const httplib::Response& answer) {
  INFO(answer.body);
  REQUIRE(answer.status == 200);
  CHECK_FALSE(answer.get_header_value("x-inngest-sdk").empty());
  return json::parse(answer.body);
}

/// An answer's operations as the runner compares them: a member that is absent is null, but `data` must be
/// there.
json operations_of(const httplib::Response& answer) {
  INFO(answer.body);
  REQUIRE(answer.status == 206);
  CHECK_FALSE(answer.get_header_value("x-inngest-sdk").empty());
  json out = json::array();
  for (const json& each : json::parse(answer.body)) {
    REQUIRE(each.contains("data"));
    json op{{"op", each.at("op")},
            {"id", each.at("id")},
            {"name", each.value("name", "")},
            {"opts", each.value("opts", json())},
            {"data", each.at("data")},
            {"error", nullptr}};
    if (op["op"] == "Sleep" && op["opts"].is_object() && op["opts"].contains("duration")) {
      op["name"] = op["opts"]["duration"];
      op["opts"] = nullptr;
    }
    if (each.contains("error")) op["error"] = each.at("error").at("message");
    out.push_back(std::move(op));
  }
  return out;
}

/// The one operation that the runner expects.
json expected(const char* code, const std::string& id, const std::string& name, const json& data = nullptr,
              const json& opts = nullptr, const json& error = nullptr) {
  return json::array(
      {{{"op", code}, {"id", id}, {"name", name}, {"opts", opts}, {"data", data}, {"error", error}}});
}

const std::string first_step = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
const std::string second_step = "764e20ec975d4ef820d0f42e6a5833384bd7ee36";
const std::string sleep_step = "c3ca5f787365eae0dea86250e27d476406956478";
const std::string wait_step = "daaad336276d15594d0e765f96c17cd746bf4971";

json event(const char* name, json data, json user = json::object()) {
  return {{"name", name}, {"data", std::move(data)}, {"user", std::move(user)}};
}

/// The runner's event for the functions with steps.
json event_with_user(const char* name) {
  return event(name, {{"steps", {{"ok", "yes"}}}}, {{"email", "test@example.com"}});
}

const run simple{.function = "simple-fn", .event = event("tests/function.test", {{"test", true}})};

const httplib::Headers in_band{{"x-inngest-sync-kind", "in_band"}, {"X-Inngest-Server-Kind", "dev"}};

// ---- signatures, made here with nothing of the library ----------------------------------------------

const std::string bare_key = "00112233445566778899aabbccddeeff";
const std::string signing_key = "signkey-test-" + bare_key;

std::string mac(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(out[i]));
    hex += digits;
  }
  return hex;
}

std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

/// The header for a body. The key is without its prefix, as it is used for the signature.
httplib::Headers signed_by(const std::string& key, const std::string& body, std::int64_t at = now()) {
  const std::string seconds = std::to_string(at);
  return {{"X-Inngest-Signature", "t=" + seconds + "&s=" + mac(key, body + seconds)}};
}

httplib::Headers with(httplib::Headers headers, const httplib::Headers& more) {
  headers.insert(more.begin(), more.end());
  return headers;
}

void check_signed_by(const std::string& key, const httplib::Response& answer) {
  const std::string signature = answer.get_header_value("X-Inngest-Signature");
  INFO("signature: " << signature);
  REQUIRE(signature.rfind("t=", 0) == 0);
  const std::size_t split = signature.find("&s=");
  REQUIRE(split != std::string::npos);
  const std::string seconds = signature.substr(2, split - 2);
  CHECK(std::abs(std::stoll(seconds) - now()) <= 10);
  CHECK(signature.substr(split + 3) == mac(key, answer.body + seconds));
}

/// A refusal must not even show that there is an app, or which functions it has.
void check_refused(const httplib::Response& answer) {
  INFO(answer.body);
  CHECK(answer.status == 401);
  for (const auto& [name, value] : answer.headers) {
    INFO(name << ": " << value);
    std::string lower;
    for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    CHECK(lower.find("inngest") == std::string::npos);
    CHECK(value.find("cpp") == std::string::npos);
  }
  for (const char* told : {"test-suite", "simple-fn", "tests/", "ok", "cpp", "key"}) {
    CHECK(answer.body.find(told) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("an in-band sync tells the runner every function that it needs", "[conformance]") {
  const served_app app;
  const std::string proxy = "http://127.0.0.1:45678";
  const std::string body = json{{"url", proxy}}.dump();

  httplib::Headers headers = in_band;
  SECTION("unsigned") {}
  SECTION("signed, as the runner does even if the app has no key") {
    headers = with(headers, signed_by(bare_key, body));
  }
  const auto answer = app.send("PUT", path, body, headers);
  const json synced = result_of(answer);
  CHECK(answer.get_header_value("x-inngest-sync-kind") == "in_band");
  CHECK(synced.at("app_id") == "test-suite");
  CHECK(synced.at("url") == proxy);
  CHECK(synced.at("platform").is_null());
  CHECK(synced.at("env").is_null());
  CHECK(synced.at("framework") == "cpp-httplib");
  CHECK(synced.at("sdk_language") == "cpp");
  CHECK(synced.at("sdk_version") == INNGEST_VERSION);
  CHECK(synced.at("inspection").at("mode") == "dev");
  CHECK(synced.at("capabilities").at("in_band_sync") == "v1");

  std::vector<std::pair<std::string, std::string>> triggers;
  for (const json& each : synced.at("functions")) {
    const std::string slug = each.at("id");
    INFO(slug);
    REQUIRE(each.at("triggers").size() == 1);
    triggers.emplace_back(slug, each.at("triggers")[0].at("event"));
    CHECK_FALSE(each.at("name").get<std::string>().empty());
    REQUIRE(each.at("steps").size() == 1);
    const json& step = each.at("steps").at("step");
    CHECK(step.at("id") == "step");
    CHECK(step.at("runtime").at("type") == "http");
    // the runner keeps the query and sends it back through its own origin
    CHECK(step.at("runtime").at("url") == proxy + "?fnId=" + slug + "&stepId=step");
    if (slug == "test-suite-cancel-test") {
      const json cancel{{"event", "cancel/please"}, {"if", "async.data.request_id == event.data.request_id"}};
      CHECK(each.at("cancel") == json::array({cancel}));
    } else {
      CHECK_FALSE(each.contains("cancel"));
    }
  }
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"test-suite-simple-fn", "tests/function.test"},
      {"test-suite-step-test", "tests/step.test"},
      {"test-suite-retry-test", "tests/retry.test"},
      {"test-suite-cancel-test", "tests/cancel.test"},
      {"test-suite-wait-for-event", "tests/wait.test"}};
  CHECK(triggers == wanted);
}

TEST_CASE("the app can be inspected", "[conformance]") {
  const served_app app;
  const json told = result_of(app.send("GET", path));
  CHECK(told.at("mode") == "dev");
  CHECK(told.at("function_count") == 5);
  CHECK(told.at("schema_version") == "2024-05-24");
  CHECK_FALSE(told.contains("app_id"));  // nobody has proved to be its server
}

TEST_CASE("basic-invoke: a function without steps gives its result", "[conformance]") {
  const served_app app;
  const auto answer = app.send("POST", simple.target(), simple.body());
  CHECK(result_of(answer) == json{{"name", "tests/function.test"}, {"body", "ok"}});
  CHECK(answer.get_header_value("x-inngest-req-version") == "2");
  CHECK(answer.get_header_value("Content-Type") == "application/json");
}

TEST_CASE("steps-serial: steps and a sleep follow one another", "[conformance]") {
  const served_app app;
  run run{.function = "step-test", .event = event_with_user("tests/step.test")};

  auto answer = app.send("POST", run.target(), run.body());
  CHECK(operations_of(answer) == expected("StepRun", first_step, "first step", "first step"));

  run.remember(first_step, {{"data", "first step"}});
  answer = app.send("POST", run.target(), run.body());
  CHECK(operations_of(answer) == expected("Sleep", sleep_step, "2s"));
  CHECK(json::parse(answer.body)[0].at("displayName") == "for 2s");

  run.remember(sleep_step, nullptr);
  answer = app.send("POST", run.target(), run.body());
  const json data{{"first", "first step"}, {"second", true}};
  CHECK(operations_of(answer) == expected("StepRun", second_step, "second step", data));
  // of data the runner compares the bytes
  CHECK_THAT(answer.body, ContainsSubstring(R"("data":{"first":"first step","second":true})"));

  run.remember(second_step, {{"data", data}});
  answer = app.send("POST", run.target(), run.body());
  CHECK(result_of(answer) == json{{"body", "ok"}, {"name", "tests/step.test"}});
}

TEST_CASE("retry-basic: a step and then the function fail once each", "[conformance]") {
  const served_app app;
  run run{.function = "retry-test", .event = event_with_user("tests/retry.test")};

  auto answer = app.send("POST", run.target(), run.body());
  CHECK(operations_of(answer) == expected("StepError", first_step, "first step", nullptr, nullptr, "broken"));
  CHECK(answer.get_header_value("x-inngest-no-retry") == "false");

  answer = app.send("POST", run.target(), run.body(1));
  CHECK(operations_of(answer) == expected("StepRun", first_step, "first step", "yes: 2"));
  CHECK_FALSE(answer.has_header("x-inngest-no-retry"));

  run.remember(first_step, {{"data", "yes: 2"}});
  answer = app.send("POST", run.target(), run.body());
  CHECK(answer.status == 500);
  CHECK(json::parse(answer.body).at("name") == "Error");
  CHECK(json::parse(answer.body).at("message") == "broken func");
  CHECK(answer.get_header_value("x-inngest-no-retry") == "false");

  answer = app.send("POST", run.target(), run.body(1));
  CHECK(result_of(answer) == json{{"body", "ok"}, {"name", "tests/retry.test"}});
}

TEST_CASE("cancel-basic: the run sleeps until it is cancelled", "[conformance]") {
  const served_app app;
  const run run{
      .function = "cancel-test",
      .event = event("tests/cancel.test", {{"request_id", "123"}, {"whatever", "does not matter"}})};
  const auto answer = app.send("POST", run.target(), run.body());
  CHECK(operations_of(answer) == expected("Sleep", sleep_step, "10s"));
}

TEST_CASE("wait-for-event-basic: the run waits and gives what it received", "[conformance]") {
  const served_app app;
  run run{.function = "wait-for-event", .event = event("tests/wait.test", {{"id", "123"}})};

  auto answer = app.send("POST", run.target(), run.body());
  const json opts{{"event", "test/resume"},
                  {"if", "async.data.resume == true && async.data.id == event.data.id"},
                  {"timeout", "10s"}};
  CHECK(operations_of(answer) == expected("WaitForEvent", wait_step, "wait", nullptr, opts));

  SECTION("an event came") {
    const json data{{"id", "123"}, {"resume", true}};
    json received = event("test/resume", data);
    received["id"] = "resume";
    received["ts"] = 1700000001000;
    run.remember(wait_step, received);
    answer = app.send("POST", run.target(), run.body());
    CHECK(result_of(answer) == json{{"result", data}});
  }
  SECTION("none came") {
    run.remember(wait_step, nullptr);
    answer = app.send("POST", run.target(), run.body());
    CHECK(result_of(answer).value("result", json()).is_null());
  }
}

TEST_CASE("what is no call is refused with a reason", "[conformance]") {
  const served_app app;
  SECTION("a body that is not JSON") { CHECK(app.send("POST", simple.target(), "{\"ctx\":").status == 400); }
  SECTION("a body without an event") { CHECK(app.send("POST", simple.target(), "{}").status == 400); }
  SECTION("a step's id that is none") {
    CHECK(app.send("POST", simple.target("nonsense"), simple.body()).status == 400);
  }
  SECTION("a function that the app does not have") {
    const run run{.function = "other", .event = simple.event};
    const auto answer = app.send("POST", run.target(), run.body());
    CHECK(answer.status == 500);
    CHECK_THAT(answer.body, ContainsSubstring("test-suite-other"));
  }
}

TEST_CASE("in cloud mode a call that is signed rightly is answered and the answer signed", "[conformance]") {
  // the prefix is no part of what signs
  const served_app app({.mode = inngest::mode::cloud, .signing_key = GENERATE(signing_key, bare_key)});
  const std::string body = simple.body();

  SECTION("a result") {
    const auto answer = app.send("POST", simple.target(), body, signed_by(bare_key, body));
    CHECK(result_of(answer) == json{{"name", "tests/function.test"}, {"body", "ok"}});
    check_signed_by(bare_key, answer);
  }
  SECTION("operations") {
    const run steps{.function = "step-test", .event = event_with_user("tests/step.test")};
    const auto answer = app.send("POST", steps.target(), steps.body(), signed_by(bare_key, steps.body()));
    CHECK(operations_of(answer) == expected("StepRun", first_step, "first step", "first step"));
    check_signed_by(bare_key, answer);
  }
  SECTION("a failure") {
    const std::string nonsense = "nonsense";
    const auto answer = app.send("POST", simple.target(), nonsense, signed_by(bare_key, nonsense));
    CHECK(answer.status == 400);
    check_signed_by(bare_key, answer);
  }
  SECTION("a clock that is a little off, either way") {
    const std::int64_t off = GENERATE(-240, 240);
    const auto answer = app.send("POST", simple.target(), body, signed_by(bare_key, body, now() + off));
    CHECK(answer.status == 200);
    check_signed_by(bare_key, answer);
  }
  SECTION("a trust probe") {
    const std::string probe = "{}";
    const auto answer =
        app.send("POST", std::string(path) + "?probe=trust", probe, signed_by(bare_key, probe));
    CHECK(answer.status == 200);
    check_signed_by(bare_key, answer);
  }
}

TEST_CASE("in cloud mode a call that is not signed rightly is told nothing", "[conformance]") {
  const served_app app({.mode = inngest::mode::cloud, .signing_key = signing_key});
  const std::string body = simple.body();
  const auto call = [&](httplib::Headers headers) {
    return app.send("POST", simple.target(), body, std::move(headers));
  };

  SECTION("unsigned") { check_refused(call({})); }
  SECTION("by another key") { check_refused(call(signed_by("ffeeddccbbaa99887766554433221100", body))); }
  SECTION("by the key with its prefix") { check_refused(call(signed_by(signing_key, body))); }
  SECTION("of another body") { check_refused(call(signed_by(bare_key, simple.body(1)))); }
  SECTION("too long ago") { check_refused(call(signed_by(bare_key, body, now() - 360))); }
  SECTION("too far ahead") { check_refused(call(signed_by(bare_key, body, now() + 360))); }
  SECTION("with another time than that which was signed") {
    std::string signature = signed_by(bare_key, body, now() - 360).begin()->second;
    signature.replace(2, std::to_string(now()).size(), std::to_string(now()));
    check_refused(call({{"X-Inngest-Signature", signature}}));
  }
  SECTION("with something else in the header") {
    const char* const text = GENERATE("", "t=", "t=&s=", "s=00", "t=1700000000", "t=x&s=y", "nonsense");
    check_refused(call({{"X-Inngest-Signature", text}}));
  }
  SECTION("a function that is not there is refused in the same words as one that is") {
    const auto there = call({});
    const auto not_there = app.send("POST", std::string(path) + "?fnId=test-suite-other&stepId=step", body);
    CHECK(not_there.status == there.status);
    CHECK(not_there.body == there.body);
  }
  SECTION("a trust probe") { check_refused(app.send("POST", std::string(path) + "?probe=trust", "{}")); }
  SECTION("an inspection") { check_refused(app.send("GET", path)); }
  SECTION("an in-band sync") {
    const std::string sync = json{{"url", "http://127.0.0.1:45678"}}.dump();
    check_refused(app.send("PUT", path, sync, in_band));
    check_refused(app.send("PUT", path, sync, with(in_band, signed_by(bare_key, sync, now() - 360))));
  }
  SECTION("an out-of-band sync, which would send the server to whatever host it names") {
    check_refused(app.send("PUT", path, "{}"));
  }
}

TEST_CASE("in cloud mode a signed in-band sync is answered and the answer signed", "[conformance]") {
  const served_app app({.mode = inngest::mode::cloud, .signing_key = signing_key});
  const std::string url = "http://127.0.0.1:45678/?a=1&b=2";
  const std::string canonical = json{{"url", url}}.dump();
  std::string body = canonical;
  SECTION("its bytes as they were signed") {}
  SECTION("its bytes in another form than the canonical one that was signed") {
    body = R"({ "url": "http://127.0.0.1:45678/?a=1\u0026b=2" })";
  }
  const auto answer = app.send("PUT", path, body, with(in_band, signed_by(bare_key, canonical)));
  const json synced = result_of(answer);
  CHECK(synced.at("app_id") == "test-suite");
  CHECK(synced.at("functions").size() == 5);
  CHECK(synced.at("url") == url);
  CHECK(synced.at("inspection").at("authentication_succeeded") == true);
  CHECK(synced.at("inspection").at("mode") == "cloud");
  CHECK(answer.body.find(bare_key) == std::string::npos);
  check_signed_by(bare_key, answer);
}

TEST_CASE("while keys are rotated the fallback key is as good, and signs the answer", "[conformance]") {
  const std::string next = "ffeeddccbbaa99887766554433221100";
  const served_app app(
      {.mode = inngest::mode::cloud, .signing_key = signing_key, .fallback = "signkey-prod-" + next});
  const std::string key = GENERATE_REF(bare_key, next);
  const auto answer = app.send("POST", simple.target(), simple.body(), signed_by(key, simple.body()));
  CHECK(answer.status == 200);
  check_signed_by(key, answer);
}

TEST_CASE("in dev mode a key is checked where there is a signature", "[conformance]") {
  const served_app app({.signing_key = signing_key});
  const std::string body = simple.body();
  CHECK(app.send("POST", simple.target(), body).status == 200);
  check_signed_by(bare_key, app.send("POST", simple.target(), body, signed_by(bare_key, body)));
  check_refused(app.send("POST", simple.target(), body, signed_by("00", body)));
}
