#pragma once

#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/inngest.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "chance.hpp"

// The network of a simulated world: between a client and its engine, an engine and apps elsewhere, and to
// servers that are fetched from.

namespace simulated {

namespace http = inngest::http;

/// The client's way to the engine.
template <class Engine>
class loopback final : public http::transport {
 public:
  explicit loopback(Engine& engine) : engine_(engine) {}
  http::response send(const http::request& request, std::chrono::milliseconds) override {
    return inngest::embedded::server_api<Engine>(engine_).answer(
        request.url.find("/e/") == std::string::npos ? request : without_times(request));
  }

 private:
  /// The client does not know of the engine, and adds the time of the real world to events.
  static http::request without_times(http::request request) {
    constexpr std::string_view member = ",\"ts\":";
    std::string& text = request.body;
    for (std::size_t at = text.find(member); at != std::string::npos; at = text.find(member, at))
      text.erase(at, text.find_first_not_of("0123456789", at + member.size()) - at);
    return request;
  }

  Engine& engine_;
};

/// What happens to a call of an app elsewhere.
enum class fate { arrives, gets_a_lie, arrives_twice, loses_its_answer, is_lost };

inline fate random_fate(chance& by) {
  switch (by.below(12)) {
    case 8:
      return fate::gets_a_lie;
    case 9:
      return fate::arrives_twice;
    case 10:
      return fate::loses_its_answer;
    case 11:
      return fate::is_lost;
    default:
      return fate::arrives;
  }
}

/// An answer that no app gives.
inline http::response lie(chance& by) {
  static const std::vector<http::response> lies{
      {.status = 200, .body = "<html>"},
      {.status = 206, .headers = {{"x-inngest-sdk", "js:v4"}}, .body = "[{\"op\":\"StepRun\"}]"},
      {.status = 206, .headers = {{"x-inngest-sdk", "js:v4"}}, .body = "[{\"op\":\"None\",\"id\":\"\"}]"},
      {.status = 206, .headers = {{"x-inngest-sdk", "js:v4"}}, .body = "{\"op\":"},
      {.status = 200, .headers = {{"x-inngest-sdk", "js:v4"}}, .body = "\"\\ud83d\""},
      {.status = 204, .headers = {{"x-inngest-sdk", "js:v4"}}},
      {.status = 500, .body = std::string(300, '\xff')},
      {.status = 429, .headers = {{"x-inngest-sdk", "js:v4"}, {"retry-after", "7"}}, .body = "{}"}};
  return by.pick(lies);
}

/// The answer of an app elsewhere, as it comes back.
inline http::response send_over_network(inngest::handler& app, const http::request& request, fate its_fate,
                                        chance& by) {
  const http::response unreachable{.status = 502, .body = "bad gateway"};
  if (its_fate == fate::is_lost) return unreachable;
  http::response out = app(request);
  if (its_fate == fate::loses_its_answer) return unreachable;
  if (its_fate == fate::arrives_twice) out = app(request);
  if (its_fate == fate::gets_a_lie) return lie(by);
  return out;
}

/// The answer to a fetch.
inline http::response fetched(const http::request& request, bool is_lost) {
  if (is_lost) return inngest::embedded::no_answer("the line is dead");
  return {.status = 200, .headers = {{"content-type", "text/plain"}}, .body = "from " + request.url};
}

}  // namespace simulated
