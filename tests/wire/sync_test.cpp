#include "replaying.hpp"

// Registration in and out of band, descriptions, the event API and calls that are none.

using traffic::json;

TEST_CASE("recorded: registrations, descriptions, probes and bad calls of a dev server", "[wire][sync]") {
  for (const std::string& scenario : traffic::scenarios("sync")) {
    const json calls = traffic::calls("sync", scenario);
    if (calls.empty()) continue;
    DYNAMIC_SECTION(scenario) { traffic::replay("sync", scenario); }
  }
}

TEST_CASE("recorded: a registration that the app began itself", "[wire][sync]") {
  for (const char* folder : {"nock", "cron"}) {
    DYNAMIC_SECTION(folder) {
      const traffic::setup setup = traffic::setup_of(folder);
      json exchanges = traffic::api(folder, "sync");
      if (exchanges.empty()) exchanges = traffic::calls(folder, "sync").at(0).at("sent");
      const auto server = std::make_shared<traffic::recorded_server>(exchanges);
      const auto handler = traffic::make_handler(setup, traffic::make_client(setup, server));
      const auto result = handler.sync(setup.origin() + "/api/inngest");
      CHECK(result.ok);
      CHECK(result.modified == exchanges.at(0).at("answer").at("body").at("modified").get<bool>());
      traffic::check_sent(setup, server->requests().at(0), exchanges.at(0));
    }
  }
}

TEST_CASE("refused registrations say why, in the server's words", "[wire][sync]") {
  const json exchanges = traffic::api("sync", "register-errors");
  REQUIRE(exchanges.size() == 4);
  for (const json& exchange : exchanges) {
    const traffic::setup setup = traffic::setup_of("sync");
    const auto server = std::make_shared<traffic::recorded_server>(json::array({exchange}));
    const auto handler = traffic::make_handler(setup, traffic::make_client(setup, server));
    const auto result = handler.sync(setup.origin() + "/api/inngest");
    INFO(result.message);
    CHECK_FALSE(result.ok);
    CHECK(result.message.find(exchange.at("answer").at("body").at("error")) != std::string::npos);
    CHECK(result.message.find("400") != std::string::npos);
  }
}

TEST_CASE("the event API's answers, good and bad, are told as they were recorded", "[wire][sync]") {
  const json exchanges = traffic::api("sync", "event-api");
  REQUIRE(exchanges.size() == 10);
  std::size_t taken = 0;
  std::size_t refused = 0;
  for (const json& exchange : exchanges) {
    if (exchange.at("path") != "/e/test") continue;  // an invocation from outside, which no SDK makes
    const json& answer = exchange.at("answer");
    const json& body = exchange.at("body");
    if (body == json::array()) continue;  // below
    INFO(exchange.dump());
    const auto server = std::make_shared<traffic::recorded_server>(json::array({exchange}));
    const auto client = traffic::make_client(traffic::setup_of("sync"), server);
    // Some of what was sent then can't be sent with this library: any event gets the answer of then.
    std::vector<inngest::any_event> events;
    for (std::size_t i = 0; i < (body.is_array() ? body.size() : 1); ++i) {
      events.emplace_back("api/x", json::object());
    }
    if (answer.at("status") == 200) {
      CHECK(json(client.send(events).ids) == answer.at("body").at("ids"));
      ++taken;
    } else {
      try {
        client.send(events);
        FAIL("the event was taken");
      } catch (const inngest::event_rejected& problem) {
        CHECK(std::string(problem.what()).find(answer.at("body").at("error")) != std::string::npos);
        CHECK(std::string(problem.what()).find("400") != std::string::npos);
        INFO(json(problem.accepted()).dump());
        CHECK((problem.accepted().empty() || problem.accepted() == std::vector<std::string>{""}));
      }
      ++refused;
    }
  }
  CHECK(taken == 4);
  CHECK(refused == 4);
}

TEST_CASE("events are written as the recorded ones, and what was refused then can't be made",
          "[wire][sync]") {
  using inngest::event;
  const json exchanges = traffic::api("sync", "event-api");
  CHECK(json::parse(inngest::any_event("api/one", json{{"a", 1}}).text()) == exchanges.at(0).at("body"));
  const auto then = inngest::timestamp(std::chrono::milliseconds(1795409233713));
  const event<"api/three"> three{
      .data = json::object(), .id = "dup", .ts = then, .user = {{"x", 1}}, .v = "2"};
  CHECK(json::parse(inngest::any_event(three).text()) == exchanges.at(1).at("body").at(1));

  CHECK_THROWS_AS(inngest::any_event("", json::object()), inngest::configuration_error);
  CHECK_THROWS_AS(inngest::any_event("api/x", json("string")), inngest::payload_error);
  CHECK_THROWS_AS(inngest::any_event("inngest/internal", json::object()), inngest::configuration_error);
  const auto server = std::make_shared<traffic::recorded_server>(json::array());
  CHECK(traffic::make_client(traffic::setup_of("sync"), server)
            .send(std::vector<inngest::any_event>{})
            .ids.empty());
  CHECK(server->requests().empty());
}
