#pragma once

// Plays the server's part by hand: builds call requests, reads the operations of the answers and feeds the
// results back as memos. It decides nothing that the protocol leaves to the server.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/context.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/function.hpp>
#include <inngest/serve.hpp>

namespace support {

using inngest::json;

inline std::string hash_of(std::string_view id) {
  return inngest::detail::to_hex(inngest::detail::sha1::of(id));
}

/// Log messages, kept.
class log_record {
 public:
  inngest::logger logger(inngest::log_level level = inngest::log_level::debug) const {
    return inngest::logger(
        [kept = kept_](inngest::log_level at, std::string_view message) {
          const std::lock_guard lock(kept->mutex);
          kept->lines.emplace_back(std::string(to_string(at)) + ": " + std::string(message));
        },
        level);
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(kept_->mutex);
    return kept_->lines;
  }
  std::size_t count(std::string_view part) const {
    std::size_t found = 0;
    for (const std::string& line : lines()) found += line.find(part) != std::string::npos ? 1 : 0;
    return found;
  }
  std::string text() const {
    std::string out;
    for (const std::string& line : lines()) out += line + "\n";
    return out;
  }

 private:
  struct state {
    std::mutex mutex;
    std::vector<std::string> lines;
  };
  std::shared_ptr<state> kept_ = std::make_shared<state>();
};

/// A transport that answers from a list, or as a function says, and keeps what it was sent.
class fake_transport : public inngest::http::transport {
 public:
  using answerer = std::function<inngest::http::response(const inngest::http::request&)>;

  explicit fake_transport(answerer answer =
                              [](const inngest::http::request&) {
                                return inngest::http::response{.status = 200,
                                                               .body = R"({"ids":["sent-1"],"status":200})"};
                              })
      : answer_(std::move(answer)) {}

  inngest::http::response send(const inngest::http::request& request,
                               std::chrono::milliseconds timeout) override {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      timeouts_.push_back(timeout);
    }
    return answer_(request);
  }

  std::vector<inngest::http::request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::chrono::milliseconds> timeouts() const {
    const std::lock_guard lock(mutex_);
    return timeouts_;
  }

 private:
  mutable std::mutex mutex_;
  answerer answer_;
  std::vector<inngest::http::request> requests_;
  std::vector<std::chrono::milliseconds> timeouts_;
};

/// Options that depend neither on the environment nor on the network.
inline inngest::client_options quiet_options(inngest::mode mode = inngest::mode::dev) {
  return {.id = "app",
          .mode = mode,
          .transport = std::make_shared<fake_transport>(),
          .log = inngest::logger([](inngest::log_level, std::string_view) {}),
          .environment = [](const char*) { return std::optional<std::string>(); }};
}

inline inngest::client quiet_client() { return inngest::client(quiet_options()); }

/// An answer, taken apart.
struct answer {
  int status = 0;
  std::string text;
  inngest::http::headers headers;

  answer() = default;
  explicit answer(inngest::http::response response)
      : status(response.status), text(std::move(response.body)), headers(std::move(response.headers)) {}

  json body() const { return json::parse(text); }
  std::string header(std::string_view name) const {
    return std::string(headers.find(name).value_or("(absent)"));
  }
  /// The operations as "Op:displayName", in order.
  std::vector<std::string> operations() const {
    std::vector<std::string> out;
    for (const json& op : body())
      out.push_back(op.at("op").get<std::string>() + ":" + op.at("displayName").get<std::string>());
    return out;
  }
  json op(std::size_t index = 0) const { return body().at(index); }
};

/// One call request.
struct call {
  json event = {{"name", "test/event"}, {"data", json::object()}, {"id", "e1"}, {"ts", 1767225600000}};
  json steps = json::object();
  json stack = json::array();
  int attempt = 0;
  std::optional<int> max_attempts = 4;
  bool plan_only = false;

  std::string text() const {
    json ctx{{"run_id", "01RUN"},  {"fn_id", "f"},
             {"attempt", attempt}, {"disable_immediate_execution", plan_only},
             {"use_api", false},   {"stack", {{"stack", stack}, {"current", stack.size()}}}};
    if (max_attempts) ctx["max_attempts"] = *max_attempts;
    return json{{"event", event}, {"events", json::array({event})},
                {"steps", steps}, {"ctx", ctx},
                {"version", 2},   {"use_api", false}}
        .dump();
  }
};

inline inngest::http::request post(std::string slug, std::string body, std::string step = "step") {
  return {.method = "POST",
          .url = "/api/inngest?fnId=" + inngest::http::percent_encoded(slug) + "&stepId=" + step,
          .body = std::move(body)};
}

/// A run of one function.
class run_driver {
 public:
  explicit run_driver(const inngest::any_function& function,
                      inngest::client_options options = quiet_options())
      : slug_(function.slug()), handler_(inngest::client(std::move(options)), {function}) {}

  call request{};

  run_driver& with_event(json event) {
    request.event = std::move(event);
    return *this;
  }
  run_driver& with_data(json data) {
    request.event["data"] = std::move(data);
    return *this;
  }
  /// Remembers a step's result as the server does, in the order of the calls.
  run_driver& memo(std::string_view id, json wrapped) {
    request.steps[hash_of(id)] = std::move(wrapped);
    request.stack.push_back(hash_of(id));
    return *this;
  }
  run_driver& result(std::string_view id, json data) { return memo(id, {{"data", std::move(data)}}); }
  run_driver& failure(std::string_view id, std::string name, std::string message) {
    return memo(id, {{"error", {{"name", std::move(name)}, {"message", std::move(message)}}}});
  }

  answer discover() const { return answer(handler_(post(slug_, request.text()))); }
  answer target(std::string_view id) const {
    return answer(handler_(post(slug_, request.text(), hash_of(id))));
  }

  struct ending {
    int status = 0;
    json result;
    std::vector<std::string> history;  // "Op:displayName", in order of report
    int requests = 0;
    std::string no_retry;
  };

  /// Events for the run's waits, in order; a wait beyond them times out.
  std::deque<json> awaited{};
  /// The result of each invoked function, by slug.
  std::map<std::string, json> invoked{};

  /// Goes on until the function completes or fails for good.
  ending finish(int most_requests = 200) {
    ending out;
    while (++out.requests <= most_requests) {
      const answer reply = discover();
      if (reply.status != 206) {
        const bool final_failure = reply.header("x-inngest-no-retry") == "true" ||
                                   request.attempt + 1 >= request.max_attempts.value_or(1);
        if (reply.status != 200 && !final_failure) {
          ++request.attempt;
          continue;
        }
        out.status = reply.status;
        out.result = reply.body();
        out.no_retry = reply.header("x-inngest-no-retry");
        return out;
      }
      const json operations = reply.body();
      for (const json& op : operations) take(op, out);
      if (operations.size() > 1) request.plan_only = true;
    }
    throw std::runtime_error("the run did not end");
  }

 private:
  void keep(const json& op, json memo) {
    request.steps[op.at("id").get<std::string>()] = std::move(memo);
    request.stack.push_back(op.at("id"));
    request.attempt = 0;
  }

  void take(const json& op, ending& out) {
    const std::string code = op.at("op");
    out.history.push_back(code + ":" + op.at("displayName").get<std::string>());
    if (code == "StepRun") return keep(op, {{"data", op.at("data")}});
    if (code == "StepFailed") return keep(op, {{"error", op.at("error")}});
    if (code == "Sleep") return keep(op, nullptr);
    if (code == "WaitForEvent") {
      json event = nullptr;
      if (!awaited.empty()) {
        event = awaited.front();
        awaited.pop_front();
      }
      return keep(op, event);
    }
    if (code == "InvokeFunction") return keep(op, {{"data", invoked.at(op.at("opts").at("function_id"))}});
    if (code == "StepError") {
      ++request.attempt;
      return;
    }
    if (code != "StepPlanned") throw std::runtime_error("unexpected operation " + code);
    const int attempt = std::exchange(request.attempt, 0);
    for (;;) {
      ++out.requests;
      const answer reply(handler_(post(slug_, request.text(), op.at("id").get<std::string>())));
      if (reply.status != 206 || reply.body().size() != 1)
        throw std::runtime_error("not one step: " + reply.text);
      const json done = reply.op();
      out.history.push_back(done.at("op").get<std::string>() + ":" +
                            done.at("displayName").get<std::string>());
      if (done.at("op") == "StepError") {
        ++request.attempt;
        continue;
      }
      keep(op,
           done.at("op") == "StepRun" ? json{{"data", done.at("data")}} : json{{"error", done.at("error")}});
      request.attempt = attempt;
      return;
    }
  }

  std::string slug_;
  inngest::handler handler_;
};

}  // namespace support
