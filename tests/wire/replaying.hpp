#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "recording.hpp"
#include "reference_app.hpp"

// Feeds the calls that a real server made to the same app on another SDK, plays the answers that its API
// gave, and compares what we answer and send with what was answered and sent then.

namespace traffic {

using clock = std::chrono::system_clock;

/// The key of the self-hosted server's recordings.
inline constexpr const char* signing_key = "12345678123456781234567812345678";

/// How the app was set up in a folder's recordings.
struct setup {
  inngest::checkpointing checkpointing{};
  bool streaming = false;
  bool is_signed = false;
  bool has_schedule = false;
  bool has_origin = true;  // says where it is, whatever a request says
  std::chrono::milliseconds step_time{};

  std::string origin() const { return is_signed ? "http://127.0.0.1:13001" : "http://127.0.0.1:3001"; }
  std::string api() const { return is_signed ? "http://127.0.0.1:18388" : "http://127.0.0.1:8288"; }
};

inline setup setup_of(const std::string& folder, const std::string& scenario = {}) {
  using namespace std::chrono_literals;
  setup out;
  if (folder == "nock" || folder == "stream" || folder == "start" || folder == "cron")
    out.checkpointing.enabled = false;
  // In the recording no step began after a second of a call. Only the long steps reached that, two in each
  // call. Here these steps and the limit are twice as long, and the other scenarios have no limit: otherwise
  // a slow machine would reach it.
  if (folder == "ckbuf") out.checkpointing = {.buffered_steps = 3, .max_runtime = 1h};
  if (folder == "ckbuf" && scenario == "long-steps") {
    out.checkpointing.max_runtime = 2s;
    out.step_time = 1010ms;
  }
  out.streaming = folder == "stream";
  out.is_signed = folder.starts_with("start");
  out.has_schedule = folder == "cron";
  return out;
}

/// The server's API as it was recorded: it keeps what it is sent and gives the answers of then, in order.
class recorded_server final : public inngest::http::transport {
 public:
  explicit recorded_server(json exchanges) : exchanges_(std::move(exchanges)) {}

  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (requests_.size() > exchanges_.size()) throw inngest::unreachable("nothing was sent here then");
    const json& answer = exchanges_.at(requests_.size() - 1).at("answer");
    const json& body = answer.at("body");
    inngest::http::response out{.status = answer.at("status"),
                                .body = body.is_string() ? body.get<std::string>() : body.dump()};
    if (answer.contains("x-inngest-server-kind"))
      out.headers.add("X-Inngest-Server-Kind", answer.at("x-inngest-server-kind"));
    return out;
  }

  std::vector<inngest::http::request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  const json exchanges_;
  mutable std::mutex mutex_;
  std::vector<inngest::http::request> requests_;
};

inline inngest::client make_client(const setup& setup, std::shared_ptr<inngest::http::transport> server,
                                   std::string event_key = "abc123def456", std::string key = signing_key) {
  inngest::client_options options{.id = "cap",
                                  .mode = inngest::mode::dev,
                                  .api_base_url = setup.api(),
                                  .event_api_base_url = setup.api(),
                                  .transport = std::move(server),
                                  .send_attempts = 1,
                                  .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                                  .checkpointing = setup.checkpointing,
                                  .environment = [](const char*) { return std::nullopt; }};
  if (setup.has_origin) options.serve_origin = setup.origin();
  if (setup.is_signed) {
    options.mode = inngest::mode::cloud;
    options.event_key = std::move(event_key);
    options.signing_key = std::move(key);
  }
  return inngest::client(std::move(options));
}

inline inngest::handler make_handler(const setup& setup, const inngest::client& client,
                                     inngest::timestamp now = {}) {
  auto functions = app::functions(
      client, [now] { return now; }, setup.step_time);
  if (setup.has_schedule) functions.push_back(app::scheduled(client));
  return inngest::handler(client, std::move(functions),
                          {.streaming = setup.streaming, .framework = "express"});
}

inline std::chrono::sys_seconds now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(clock::now());
}

/// A recorded signature as it would be today: as old, over the same bytes, and right if it was.
inline std::string signature_of_today(const json& call) {
  const std::string recorded = call.at("headers").at("x-inngest-signature");
  const auto parsed = inngest::protocol::parse_signature(recorded);
  if (!parsed) return recorded;
  const auto age = std::chrono::seconds(call.at("at").get<std::int64_t>()) - parsed->at.time_since_epoch();
  std::string out =
      inngest::protocol::sign(call.at("request").get<std::string>(), signing_key, now_in_seconds() - age);
  const bool is_wrong = !call.at("verifies").get<bool>() && call.at("answer").at("status") == 401;
  if (is_wrong) out.back() = out.back() == '0' ? '1' : '0';
  return out;
}

inline inngest::http::request request_of(const setup& setup, const json& call) {
  inngest::http::request out{.method = call.at("method"), .url = "/api/inngest"};
  for (const auto& [key, value] : call.at("query").items()) {
    out.url += (out.url.find('?') == std::string::npos ? "?" : "&") + key + "=" + value.get<std::string>();
  }
  out.headers.add("Host", setup.origin().substr(std::string("http://").size()));
  out.headers.add("Traceparent", "00-7d6754a6a74361badac6873ba2afbb23-3e2134e0277a45bf-01");
  out.headers.add("Tracestate", "inngest@a=b");
  for (const auto& [name, value] : call.at("headers").items()) {
    const bool is_signature = name == "x-inngest-signature";
    out.headers.add(name, is_signature ? signature_of_today(call) : value.get<std::string>());
  }
  out.body = call.at("request");
  return out;
}

/// A header's value; nothing when there is none.
inline std::optional<std::string> header(const inngest::http::headers& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}
inline std::optional<std::string> recorded_header(const json& recorded, const char* name) {
  const auto found = recorded.find(name);
  return found != recorded.end() ? std::optional<std::string>(found->get<std::string>()) : std::nullopt;
}

/// What is in a streamed answer.
inline inngest::http::response unwrapped(const inngest::http::response& streamed) {
  CHECK(header(streamed.headers, "content-type") == "application/json");
  CHECK(header(streamed.headers, "x-inngest-sdk") == inngest::protocol::sdk_name);
  std::string text;
  streamed.stream([&](std::string_view chunk) {
    text += chunk;
    return true;
  });
  const json inner = json::parse(text);
  CHECK(inner.at("version") == 2);
  inngest::http::response out{.status = inner.at("status"), .body = inner.at("body")};
  for (const auto& [name, value] : inner.at("headers").items()) out.headers.add(name, value);
  return out;
}

inline void check_timing(const json& operation) {
  const std::string code = operation.at("op");
  const bool ran = code == "StepRun" || code == "StepError" || code == "StepFailed";
  REQUIRE(operation.contains("timing") == ran);
  if (ran) {
    CHECK(operation.at("timing").at("a").get<std::int64_t>() > 0);
    CHECK(operation.at("timing").at("b").get<std::int64_t>() >= 0);
  }
}

/// Every event says when it was sent. Where nobody had chosen the time, derive.py has dropped it, as it
/// changes with each recording: ours is dropped, too.
inline void check_times(json& ours, const json& recorded) {
  REQUIRE(ours.size() == recorded.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    REQUIRE(ours[i].contains("ts"));
    CHECK(ours[i].at("ts").get<std::int64_t>() > 0);
    if (!recorded[i].contains("ts")) ours[i].erase("ts");
  }
}

/// A request to the server's API says what the recorded one said, to the same address and with the same
/// proof.
inline void check_sent(const setup& setup, const inngest::http::request& ours, const json& recorded) {
  const std::string path = recorded.at("path");
  INFO("sent: " << ours.method << " " << ours.url << " " << ours.body);
  INFO("recorded: " << path << " " << recorded.at("body").dump());
  CHECK(ours.method == recorded.at("method").get<std::string>());
  CHECK(ours.url == setup.api() + path);
  CHECK(header(ours.headers, "content-type") == "application/json");
  CHECK(header(ours.headers, "x-inngest-sdk") == inngest::protocol::sdk_name);
  // Without a key the recording SDK sends "Bearer" or "Bearer undefined".
  const auto proof = recorded_header(recorded.at("headers"), "authorization").value_or("");
  CHECK(header(ours.headers, "authorization").value_or("") == (setup.is_signed ? proof : ""));

  json body = json::parse(ours.body);
  if (path.starts_with("/e/")) {
    CHECK(ours.headers.find("x-inngest-event-id-seed"));
    check_times(body, recorded.at("body"));
  }
  if (path.starts_with("/v1/checkpoint/")) {
    CHECK(body.at("request_started_at").get<std::int64_t>() > 0);
    CHECK(body.at("ts").get<std::int64_t>() >= body.at("request_started_at").get<std::int64_t>());
    for (const json& step : body.at("steps")) check_timing(step);
  }
  if (path.starts_with("/fn/register")) {
    const auto kind = recorded_header(recorded.at("headers"), "x-inngest-expected-server-kind");
    if (kind) CHECK(header(ours.headers, "x-inngest-expected-server-kind") == kind);
  }
  CHECK(meaning_of_sent(path, body) == meaning_of_sent(path, recorded.at("body")));
}

/// What the execution version of an answer should be; the recorded one unless we decided otherwise.
inline std::optional<std::string> version_of(const json& call) {
  // The recorded function asked to be called after each step of a group; ours are called when all have ended.
  if (call.at("query").value("fnId", "") == "cap-parallel-noopt") return "2";
  // The recording SDK hides it from an unproven PUT that it has taken.
  const bool is_taken = call.at("method") == "PUT" && call.at("answer").at("status") == 200;
  if (is_taken) return "2";
  return recorded_header(call.at("answer"), "x-inngest-req-version");
}

/// What the status of an answer should be; the recorded one unless we decided otherwise.
inline int status_of(const json& call) {
  // A call that names no function is the caller's mistake.
  const bool names_none = call.at("method") == "POST" && call.at("query").empty();
  return names_none ? 400 : call.at("answer").at("status").get<int>();
}

inline void check_headers(const json& call, const inngest::http::response& ours) {
  const json& recorded = call.at("answer");
  CHECK(header(ours.headers, "content-type") == "application/json");
  CHECK(header(ours.headers, "x-inngest-no-retry") == recorded_header(recorded, "x-inngest-no-retry"));
  CHECK(header(ours.headers, "retry-after") == recorded_header(recorded, "retry-after"));
  CHECK(header(ours.headers, "x-inngest-req-version") == version_of(call));
  // The recording SDK leaves these out of some answers to unsigned requests.
  for (const char* name : {"x-inngest-sync-kind", "x-inngest-expected-server-kind"}) {
    if (recorded.contains(name)) CHECK(header(ours.headers, name) == recorded_header(recorded, name));
  }
  const int status = recorded.at("status");
  if (status == 401) {
    CHECK_FALSE(ours.headers.find("x-inngest-sdk"));
    return;
  }
  CHECK(header(ours.headers, "x-inngest-sdk") == inngest::protocol::sdk_name);
  const bool is_run =
      call.at("method") == "POST" && !is_refusal(recorded) && !call.at("query").contains("probe");
  if (is_run) {
    CHECK(header(ours.headers, "traceparent") == "00-7d6754a6a74361badac6873ba2afbb23-3e2134e0277a45bf-01");
    CHECK(header(ours.headers, "tracestate") == "inngest@a=b");
  }
}

/// Feeds a call to a handler of the app and compares its answer, and what it sent, with the recorded.
inline void check_call(const setup& setup, const json& call) {
  const json& recorded = call.at("answer");
  const json exchanges = call.value("sent", json::array());
  const auto server = std::make_shared<recorded_server>(exchanges);
  const inngest::timestamp now{std::chrono::milliseconds(call.value("now", std::int64_t{0}))};
  const inngest::handler handler = make_handler(setup, make_client(setup, server), now);

  inngest::http::response ours = handler(request_of(setup, call));
  if (recorded.contains("outer")) {
    REQUIRE(ours.status == recorded.at("outer").at("status"));
    REQUIRE(ours.stream);
    ours = unwrapped(ours);
  }
  INFO("answer: " << ours.status << " " << ours.body.substr(0, 2000));
  INFO("recorded: " << recorded.dump().substr(0, 2000));
  REQUIRE_FALSE(ours.stream);
  REQUIRE(ours.status == status_of(call));
  check_headers(call, ours);

  const json body = json::parse(ours.body);
  if (ours.status == 206) {
    for (const json& operation : body) check_timing(operation);
    const bool tells_race = ours.body.find("\"parallelMode\":\"race\"") != std::string::npos;
    CHECK((!tells_race || call.at("query").at("fnId") == "cap-race"));
  }
  CHECK(meaning_of_answer(call, body) == meaning_of_answer(call, recorded.at("body")));

  const bool is_proven =
      setup.is_signed && call.at("headers").contains("x-inngest-signature") && ours.status != 401;
  const std::string signature = header(ours.headers, "x-inngest-signature").value_or("");
  CHECK(inngest::protocol::verify(signature, ours.body, signing_key, now_in_seconds()) == is_proven);
  CHECK(signature.empty() != is_proven);
  CHECK(recorded.contains("x-inngest-signature") == is_proven);

  const auto sent = server->requests();
  REQUIRE(sent.size() == exchanges.size());
  for (std::size_t i = 0; i < sent.size(); ++i) check_sent(setup, sent[i], exchanges[i]);
}

/// Feeds all calls of a scenario.
inline void replay(const std::string& folder, const std::string& scenario) {
  const json all = calls(folder, scenario);
  REQUIRE_FALSE(all.empty());
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(folder << "/" << scenario << ", call " << i + 1 << " of " << all.size() << ": "
                << all[i].at("method").get<std::string>() << " " << all[i].at("query").dump());
    check_call(setup_of(folder, scenario), all[i]);
  }
}

/// Feeds all calls of all scenarios of a folder, but those that only sent something.
inline void replay_all(const std::string& folder) {
  for (const std::string& scenario : scenarios(folder)) {
    if (calls(folder, scenario).empty()) continue;
    DYNAMIC_SECTION(scenario) { replay(folder, scenario); }
  }
}

}  // namespace traffic
