#include "replaying.hpp"

// A self-hosted server, with which everything is signed.

using namespace std::chrono_literals;
using inngest::protocol::verify;
using traffic::json;

namespace {

/// A recorded signature, and the bytes it is about.
struct recorded_signature {
  std::string where;
  std::string signature;
  std::string text;
  bool is_right = false;
};

std::vector<recorded_signature> all_signatures() {
  std::vector<recorded_signature> out;
  for (const char* folder : {"start", "startck"}) {
    for (const std::string& scenario : traffic::scenarios(folder)) {
      for (const json& call : traffic::calls(folder, scenario)) {
        const std::string where = std::string(folder) + "/" + scenario;
        const json& answer = call.at("answer");
        if (call.at("headers").contains("x-inngest-signature")) {
          out.push_back(
              {where, call.at("headers").at("x-inngest-signature"), call.at("request"), call.at("verifies")});
        }
        if (answer.contains("text")) {
          out.push_back({where + "'s answer", answer.at("x-inngest-signature"), answer.at("text"),
                         answer.at("verifies")});
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("recorded, signed: calls, registrations, descriptions and probes of a self-hosted server",
          "[wire][signature]") {
  traffic::replay_all("start");
}

TEST_CASE("recorded, signed and with each step saved: what a self-hosted server asks", "[wire][signature]") {
  traffic::replay_all("startck");
}

TEST_CASE("recorded signatures are right exactly when another implementation finds them so",
          "[wire][signature]") {
  std::size_t right = 0;
  for (const auto& [where, signature, text, is_right] : all_signatures()) {
    INFO(where << ": " << signature);
    const auto parsed = inngest::protocol::parse_signature(signature);
    if (!parsed) {
      CHECK_FALSE(is_right);
      continue;
    }
    CHECK(verify(signature, text, traffic::signing_key, parsed->at) == is_right);
    if (!is_right) continue;
    ++right;
    CHECK(inngest::protocol::sign(text, traffic::signing_key, parsed->at) == signature);
    CHECK(verify(signature, text, traffic::signing_key, parsed->at + 300s));
    CHECK_FALSE(verify(signature, text, traffic::signing_key, parsed->at + 301s));
    CHECK_FALSE(verify(signature, text, traffic::signing_key, parsed->at - 301s));
    CHECK_FALSE(verify(signature, text + "x", traffic::signing_key, parsed->at));
    CHECK_FALSE(verify(signature, text, "12345678123456781234567812345679", parsed->at));
  }
  CHECK(right > 60);
}

TEST_CASE("an expired signature was refused, and would have been right in its time", "[wire][signature]") {
  for (const char* folder : {"start", "startck"}) {
    const json call = traffic::calls(folder, "call-expired-signature").at(0);
    const std::string signature = call.at("headers").at("x-inngest-signature");
    const std::string body = call.at("request");
    const std::chrono::sys_seconds at(std::chrono::seconds(call.at("at").get<std::int64_t>()));
    CHECK_FALSE(verify(signature, body, traffic::signing_key, at));
    CHECK(verify(signature, body, traffic::signing_key, at - 200s));
  }
}

TEST_CASE("an unsigned registration is refused when only the request says where the app is",
          "[wire][signature]") {
  // The recording SDK takes it: see sync-out-of-band. Whoever wrote the request would get the server's calls.
  traffic::setup setup = traffic::setup_of("start");
  const json call = traffic::calls("start", "sync-out-of-band").at(0);
  REQUIRE(call.at("answer").at("status") == 200);
  setup.has_origin = false;
  const auto server = std::make_shared<traffic::recorded_server>(json::array());
  const auto handler = traffic::make_handler(setup, traffic::make_client(setup, server));
  CHECK(handler(traffic::request_of(setup, call)).status == 401);
  CHECK(server->requests().empty());
}

TEST_CASE("keys that a self-hosted server refused are reported as refused", "[wire][signature]") {
  for (const char* folder : {"start", "startck"}) {
    const traffic::setup setup = traffic::setup_of(folder);
    const json api = traffic::api(folder, "auth-errors");
    const auto server_of = [](const json& exchange) {
      return std::make_shared<traffic::recorded_server>(json::array({exchange}));
    };

    const auto event_api = server_of(api.at(0));
    const auto client = traffic::make_client(setup, event_api, "wrongkey");
    CHECK_THROWS_AS(client.send(inngest::any_event("x", json::object())), inngest::unauthorized);
    traffic::check_sent(setup, event_api->requests().at(0),
                        json{{"path", "/e/wrongkey"},
                             {"method", "POST"},
                             {"headers", json::object()},
                             {"body", {{{"name", "x"}, {"data", json::object()}}}}});

    const auto open_api = server_of(api.at(2));
    const auto answer =
        traffic::make_client(setup, open_api).call_api({.method = "GET", .url = api.at(2).at("path")});
    CHECK(answer.status == 200);
    CHECK(traffic::header(open_api->requests().at(0).headers, "authorization") ==
          api.at(2).at("headers").at("authorization").get<std::string>());

    const auto register_api = server_of(api.at(3));
    const auto handler =
        traffic::make_handler(setup, traffic::make_client(setup, register_api, "abc123def456", "bad"));
    const auto result = handler.sync("http://127.0.0.1:13001/api/inngest");
    CHECK_FALSE(result.ok);
    INFO(result.message);
    CHECK(result.message.find("the signing key was refused") != std::string::npos);
  }
}
