#include <inngest/middleware/encryption.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"
#include "support/replies.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::any_event;
using inngest::call_info;
using inngest::client;
using inngest::encryption_options;
using inngest::function_input;
using inngest::json;
using inngest::step_info;
using support::answer;
using support::run_driver;

using ping = inngest::event<"test/event">;

const std::string key = "correct horse battery staple";

// Made by @inngest/middleware-encryption 2.0.0 with the key, "old key", and the key among white space.
constexpr std::string_view object_of_typescript =
    "rpECibEDcuUtqTxaaon05Il0zNmOgvWmWp2FCuGy+yr4wBhTLDQO63Tjsbbn+NOHWgLyrIL8FotA5NqDhFHc0f5Se+s5PmrVH/"
    "T2zTeVLwnWrcACSTsL";
constexpr std::string_view text_of_typescript =
    "EhqQiyRFXAiqz5FiYFgeLYj1US+RiqmJFA+3rw5il9ssAS4ROsDFvPRxbm43XZr5QQWR70gHvzU=";
constexpr std::string_view object_of_old_key =
    "nInU3X6OyynWxJfeptGdoGgmzZgxBz3Bu/EGrhI4lfTi6mKy0B5e/eCNQMVoXWuAoq3OFglSfC8rA0hWKJA=";
constexpr std::string_view number_of_spaced_key = "vF1+NQ0ZWZ2lRQ6Tbcbipy5Of6Yn3yZjDngDPfHJ0cBuLfdCMus6xMc=";

const json object = {{"name", "Zo\u00eb"}, {"n", 42}, {"list", {1, 2.5, nullptr, true}}};

json sealed(std::string_view data) {
  return {{"__ENCRYPTED__", true}, {"__STRATEGY__", "inngest/libsodium"}, {"data", data}};
}

inngest::client_options options_with(encryption_options chosen) {
  auto out = support::quiet_options();
  out.middleware = {inngest::encryption(std::move(chosen))};
  out.checkpointing.enabled = false;
  return out;
}

/// Gives back what its step and its event hold.
inngest::any_function echo() {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), [](auto& ctx) {
    const json result = ctx.step.run("work", [] { return json{{"secret", "swordfish"}}; });
    return json{{"result", result}, {"event", ctx.event.data}};
  });
}

/// What the options make of a sealed value that a step is remembered with, or the error.
json opened(encryption_options chosen, json memo) {
  chosen.decrypt_only = true;
  run_driver run(echo(), options_with(std::move(chosen)));
  const answer reply = run.result("work", std::move(memo)).discover();
  return reply.status == 200 ? reply.body().at("result") : reply.body().at("message");
}

/// Decrypts a value as a memoized step.
json decrypted(const json& value, const std::string& with = key) {
  const auto secret = inngest::encryption({.key = with});
  const std::string text = value.dump();
  return json::parse(secret->wrap_step({}, {.id = "it", .name = ""}, [&] { return text; }));
}

}  // namespace

TEST_CASE("what the TypeScript package encrypted is decrypted", "[encryption]") {
  CHECK(opened({.key = key}, sealed(object_of_typescript)) == object);
  CHECK(opened({.key = key}, sealed(text_of_typescript)) == "plain \"text\"");
  CHECK(opened({.key = key}, sealed(number_of_spaced_key)) == 7);
  CHECK(opened({.key = "\t " + key + "\r\n"}, sealed(number_of_spaced_key)) == 7);
}

TEST_CASE("a step's result leaves encrypted and comes back decrypted", "[encryption]") {
  run_driver run(echo(), options_with({.key = key}));
  const answer reply = run.discover();
  CHECK(reply.text.find("swordfish") == std::string::npos);
  const json data = reply.op().at("data");
  CHECK(data.size() == 3);
  CHECK(data.at("__ENCRYPTED__") == true);
  CHECK(data.at("__STRATEGY__") == "inngest/libsodium");
  CHECK(decrypted(data) == json{{"secret", "swordfish"}});

  const answer end = run.result("work", data).discover();
  CHECK(end.status == 200);
  CHECK(end.text.find("swordfish") == std::string::npos);
  CHECK(decrypted(end.body()).at("result") == json{{"secret", "swordfish"}});
}

TEST_CASE("the answer that is sent through a reply is encrypted, in pieces and as a whole",
          "[encryption][reply]") {
  const auto executor = std::make_shared<support::manual_executor>();
  const inngest::client app(options_with({.key = key}));
  const bool streaming = GENERATE(false, true);
  const inngest::handler handler(app, {echo()}, {.streaming = streaming, .executor = executor});
  const auto to = std::make_shared<support::client>();
  handler(support::post("app-f", support::call().text()), support::reply_to(to));
  executor->run_all();
  CHECK(to->answers == 1);
  const std::string text =
      streaming ? json::parse(to->pieces.back()).at("body").get<std::string>() : to->body;
  CHECK_THAT(text, !ContainsSubstring("swordfish"));
  CHECK(decrypted(json::parse(text).at(0).at("data")) == json{{"secret", "swordfish"}});
}

TEST_CASE("no two ciphertexts are the same", "[encryption]") {
  run_driver run(echo(), options_with({.key = key}));
  CHECK(run.discover().op().at("data") != run.discover().op().at("data"));
}

TEST_CASE("a result of nothing is not encrypted", "[encryption]") {
  const auto idle = support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(),
                                                            [](auto& ctx) { ctx.step.run("work", [] {}); });
  run_driver run(idle, options_with({.key = key}));
  CHECK(run.discover().op().at("data").is_null());
  CHECK(run.result("work", nullptr).discover().text == "null");
}

TEST_CASE("encrypted members of an event's data are decrypted, whichever they are", "[encryption]") {
  run_driver run(echo(), options_with({.key = key, .decrypt_only = true}));
  run.with_data(
      {{"encrypted", sealed(object_of_typescript)}, {"other", sealed(text_of_typescript)}, {"id", 1}});
  run.result("work", 1);
  CHECK(run.discover().body().at("event") ==
        json{{"encrypted", object}, {"other", "plain \"text\""}, {"id", 1}});
}

TEST_CASE("an event's data that is encrypted as a whole is decrypted", "[encryption]") {
  run_driver run(echo(), options_with({.key = key, .decrypt_only = true}));
  run.with_data(sealed(object_of_typescript)).result("work", 1);
  CHECK(run.discover().body().at("event") == object);
}

TEST_CASE("all events of a batch are decrypted", "[encryption]") {
  const auto secret = inngest::encryption({.key = key});
  const std::string one = json{{"name", "a"}, {"data", {{"encrypted", sealed(object_of_typescript)}}}}.dump();
  function_input input{.event = one,
                       .events = "[" + one + "," + R"({"name":"b","data":{"n":1}})" + "," + one + "]"};
  secret->transform_function_input({}, input);
  CHECK(json::parse(input.event).at("data").at("encrypted") == object);
  const json events = json::parse(input.events);
  REQUIRE(events.size() == 3);
  CHECK(events[0].at("data").at("encrypted") == object);
  CHECK(events[1].at("data").at("n") == 1);
  CHECK(events[2].at("data").at("encrypted") == object);
}

TEST_CASE("the event of an ended run, and its result, are decrypted where the server's event holds them",
          "[encryption]") {
  const auto secret = inngest::encryption({.key = key});
  const json ended = {{"name", "inngest/function.finished"},
                      {"data",
                       {{"result", sealed(text_of_typescript)},
                        {"event", {{"name", "a"}, {"data", {{"encrypted", sealed(object_of_typescript)}}}}},
                        {"events",
                         {{{"name", "a"}, {"data", {{"encrypted", sealed(object_of_typescript)}}}},
                          {{"name", "b"}, {"data", {{"n", 1}}}}}}}}};
  function_input input{.event = ended.dump(), .events = ""};
  secret->transform_function_input({}, input);
  const json data = json::parse(input.event).at("data");
  CHECK(data.at("result") == "plain \"text\"");
  CHECK(data.at("event").at("data").at("encrypted") == object);
  REQUIRE(data.at("events").size() == 2);
  CHECK(data.at("events").at(0).at("data").at("encrypted") == object);
  CHECK(data.at("events").at(1).at("data").at("n") == 1);
}

TEST_CASE("a received event is decrypted", "[encryption]") {
  const auto waits = support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), [](auto& ctx) {
    return ctx.step.template wait_for_event<ping>("wait", {.timeout = std::chrono::seconds(1)})->data;
  });
  run_driver run(waits, options_with({.key = key, .decrypt_only = true}));
  run.memo("wait", {{"name", "test/event"}, {"data", {{"encrypted", sealed(object_of_typescript)}}}});
  CHECK(run.discover().body() == json{{"encrypted", object}});
}

TEST_CASE("of an event that is sent, the chosen part of the data is encrypted", "[encryption]") {
  const auto sent = [](encryption_options chosen, const json& data) {
    auto options = options_with(std::move(chosen));
    const auto transport = std::make_shared<support::fake_transport>();
    options.transport = transport;
    client(options).send(ping{.data = data});
    return json::parse(transport->requests().at(0).body).at(0).at("data");
  };
  const json data = {{"encrypted", object}, {"card", "4111"}, {"_inngest", {{"a", 1}}}};
  SECTION("the member \"encrypted\" by default") {
    const json out = sent({.key = key}, data);
    CHECK(decrypted(out.at("encrypted")) == object);
    CHECK(out.at("encrypted").contains("__ENCRYPTED__"));
    CHECK(out.at("card") == "4111");
  }
  SECTION("another member") {
    const json out = sent({.key = key, .event_field = "card"}, data);
    CHECK(out.at("encrypted") == object);
    CHECK(out.at("card").contains("__ENCRYPTED__"));
    CHECK(decrypted(out.at("card")) == "4111");
  }
  SECTION("every member but the server's own") {
    const json out = sent({.key = key, .every_event_field = true}, data);
    CHECK(decrypted(out.at("encrypted")) == object);
    CHECK(out.at("card").contains("__ENCRYPTED__"));
    CHECK(out.at("_inngest") == json{{"a", 1}});
  }
  SECTION("nothing with decrypt_only") { CHECK(sent({.key = key, .decrypt_only = true}, data) == data); }
  SECTION("nothing where there is no such member") {
    CHECK(sent({.key = key}, {{"a", 1}}) == json{{"a", 1}});
  }
}

TEST_CASE("with decrypt_only results leave as they are", "[encryption]") {
  run_driver run(echo(), options_with({.key = key, .decrypt_only = true}));
  CHECK(run.discover().op().at("data") == json{{"secret", "swordfish"}});
}

TEST_CASE("the data that a function is invoked with is treated as an event's", "[encryption]") {
  const auto secret = inngest::encryption({.key = key});
  inngest::step_input called{.id = "call", .name = "", .input = R"([{"encrypted":"x","n":1}])"};
  secret->transform_step_input({}, {.id = "call", .name = "", .kind = inngest::step_kind::invoke}, called);
  const json out = json::parse(called.input).at(0);
  CHECK(decrypted(out.at("encrypted")) == "x");
  CHECK(out.at("encrypted").contains("__ENCRYPTED__"));
  CHECK(out.at("n") == 1);

  inngest::step_input other{.id = "run", .name = "", .input = R"([{"encrypted":"x"}])"};
  secret->transform_step_input({}, {.id = "run", .name = "", .kind = inngest::step_kind::run}, other);
  CHECK(other.input == R"([{"encrypted":"x"}])");  // its body is given it as it is
}

TEST_CASE("fallback keys decrypt, and never encrypt", "[encryption]") {
  CHECK(opened({.key = key, .fallback_keys = {"", "wrong", "old key"}}, sealed(object_of_old_key)) ==
        json{{"from", "the old key"}});
  run_driver run(echo(), options_with({.key = key, .fallback_keys = {"old key"}}));
  CHECK(decrypted(run.discover().op().at("data"), key) == json{{"secret", "swordfish"}});
}

TEST_CASE("what can't be decrypted is an error that names the step or event, and no secret", "[encryption]") {
  std::string tampered(object_of_typescript);
  tampered[60] = tampered[60] == 'A' ? 'B' : 'A';
  const std::string wrong = "a wrong key";
  const auto step_message = [&](const std::string& with, const json& memo) {
    return opened({.key = with}, memo).get<std::string>();
  };
  for (const std::string& message :
       {step_message(wrong, sealed(object_of_typescript)), step_message(key, sealed(tampered)),
        step_message(key, sealed("AAAA")), step_message(key, sealed(""))}) {
    CHECK_THAT(message, ContainsSubstring("step \"work\"") && ContainsSubstring("can't be decrypted"));
    CHECK(message.find(wrong) == std::string::npos);
    CHECK(message.find(key) == std::string::npos);
  }
  CHECK_THAT(step_message(key, sealed("?!")),
             ContainsSubstring("step \"work\"") && ContainsSubstring("base64"));
  json legacy = sealed("x");
  legacy.erase("__STRATEGY__");
  CHECK_THAT(step_message(key, legacy), ContainsSubstring("AES"));
  json other = sealed("x");
  other["__STRATEGY__"] = "mine";
  CHECK_THAT(step_message(key, other), ContainsSubstring("strategy"));

  run_driver run(echo(), options_with({.key = wrong}));
  const answer reply = run.with_data({{"encrypted", sealed(object_of_typescript)}}).discover();
  CHECK(reply.status == 500);  // to be retried: the key may come
  CHECK_THAT(reply.body().at("message").get<std::string>(),
             ContainsSubstring("event \"test/event\": data.encrypted"));
}

TEST_CASE("a handler that catches errors does not go on after a result that can't be decrypted",
          "[encryption]") {
  const auto compensate = [](inngest::context<ping>& ctx) {
    try {
      ctx.step.run("work", [] { return 1; });
    } catch (const std::exception&) {
      ctx.step.run("compensate", [] {});
    }
  };
  const auto f = support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), compensate);
  run_driver run(f, options_with({.key = "a wrong key"}));
  const answer reply = run.result("work", sealed(number_of_spaced_key)).discover();
  CHECK(reply.status == 500);
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK_THAT(reply.body().at("message").get<std::string>(),
             ContainsSubstring("step \"work\"") && ContainsSubstring("can't be decrypted"));
}

TEST_CASE("what only looks encrypted is left alone", "[encryption]") {
  for (const json& value : {json{{"__ENCRYPTED__", false}, {"data", "x"}}, json{{"__ENCRYPTED__", true}},
                            json{{"__ENCRYPTED__", "true"}, {"data", "x"}}, json("__ENCRYPTED__"),
                            json::array({sealed(text_of_typescript)})}) {
    CHECK(decrypted(value) == value);
  }
}

TEST_CASE("encryption without a key is refused", "[encryption]") {
  const auto refused = [](encryption_options chosen) {
    return support::message_of<inngest::configuration_error>([&] { inngest::encryption(chosen); });
  };
  CHECK_THAT(refused({.key = ""}), ContainsSubstring("encryption_options::key"));
  CHECK_THAT(refused({.key = " \n", .fallback_keys = {"old key"}}),
             ContainsSubstring("encryption_options::key"));
  CHECK_THAT(refused({.key = key, .event_field = ""}), ContainsSubstring("encryption_options::event_field"));
}

TEST_CASE("docs: the client takes encryption", "[encryption]") {
  const std::string old_key = "old key";
  inngest::client app(
      {.id = "shop", .middleware = {inngest::encryption({.key = key, .fallback_keys = {old_key}})}});
  CHECK(app.settings().middleware().size() == 1);
}
