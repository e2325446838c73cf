#pragma once

// A worker with a stand-in gateway and its server.

#include <inngest/connect/worker.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/stand_in_gateway.hpp"

namespace connect_test {

using namespace std::chrono_literals;
using inngest::connect::worker;
using inngest::connect::worker_options;
using inngest::connect::worker_state;
using support::eventually;
using support::json;
using wire_kind = support::wire::message_kind;
namespace wire = support::wire;
using happened = inngest::event<"test/happened">;

/// A server's two routes beside the WebSocket.
class stand_in_api {
 public:
  explicit stand_in_api(std::string gateway_url) : url_(std::move(gateway_url)) {}

  std::atomic<int> start_status = 200;
  std::atomic<int> flush_status = 200;
  std::string accepted_key{};  // hashed; empty accepts all
  std::function<void()> before_flush{};

  std::shared_ptr<support::fake_transport> transport() {
    return std::make_shared<support::fake_transport>(
        [this](const inngest::http::request& request) { return answer(request); });
  }
  std::vector<std::vector<std::string>> exclusions() const {
    const std::lock_guard lock(mutex_);
    return exclusions_;
  }
  std::vector<wire::sdk_response> flushed() const {
    const std::lock_guard lock(mutex_);
    return flushed_;
  }
  std::vector<inngest::http::request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  void set_url(std::string url) {
    const std::lock_guard lock(mutex_);
    url_ = std::move(url);
  }

 private:
  inngest::http::response answer(const inngest::http::request& request) {
    if (before_flush && request.url.ends_with("/v0/connect/flush")) before_flush();
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const bool is_known =
        accepted_key.empty() || request.headers.find("authorization") == "Bearer " + accepted_key;
    if (!is_known) return {.status = 401, .body = R"({"error":"who are you?"})"};
    if (request.url.ends_with("/v0/connect/start")) {
      exclusions_.push_back(wire::decode<wire::start_request>(request.body).exclude_gateways);
      if (start_status != 200) return {.status = start_status, .body = R"({"error":"not today"})"};
      const std::string number = std::to_string(exclusions_.size());
      return {.status = 200,
              .body = wire::encode(wire::start_response{.connection_id = "c" + number,
                                                        .gateway_endpoint = url_,
                                                        .gateway_group = "group-" + number,
                                                        .session_token = "session",
                                                        .sync_token = "sync"})};
    }
    if (flush_status == 200) flushed_.push_back(wire::decode<wire::sdk_response>(request.body));
    return {.status = flush_status};
  }

  mutable std::mutex mutex_;
  std::string url_;
  std::vector<std::vector<std::string>> exclusions_;
  std::vector<wire::sdk_response> flushed_;
  std::vector<inngest::http::request> requests_;
};

/// A door that calls wait behind.
class gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  /// A test that fails before it opens the door must not hang.
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, support::patience, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

/// A gateway, its server, and a worker with one function.
struct fixture {
  support::stand_in_gateway gateway;
  stand_in_api api{gateway.url()};
  support::log_record log;
  std::function<json(inngest::context<happened>&)> body = [](inngest::context<happened>& ctx) {
    return json(ctx.run_id);
  };
  worker_options options{.instance_id = "edge-7", .grace = 5s};

  inngest::client_options client_options() {
    auto out = support::quiet_options();
    out.transport = api.transport();
    out.log = log.logger();
    return out;
  }
  inngest::client client() { return inngest::client(client_options()); }
  worker make() { return make(client()); }
  worker make(const inngest::client& app) {
    const auto f = app.create_function({.id = "f"}, inngest::on<happened>(),
                                       [this](inngest::context<happened>& ctx) { return body(ctx); });
    return worker(app, {f}, options);
  }

  static wire::executor_request request(const std::string& id, const std::string& app = "app") {
    support::call call;
    auto body = json::parse(call.text());
    body["ctx"]["run_id"] = "run-" + id;
    return {.request_id = id,
            .account_id = "account",
            .env_id = "env",
            .app_id = "app-uuid",
            .app_name = app,
            .function_id = "uuid",
            .function_slug = app + "-f",
            .step_id = "step",
            .request_payload = body.dump(),
            .system_trace_ctx = "system",
            .run_id = "run-" + id,
            .lease_id = "lease",
            .job_id = "job"};
  }
  void call(const std::string& id, std::size_t connection = 0) {
    gateway.send(connection, wire_kind::gateway_executor_request, request(id));
  }
  std::vector<wire::sdk_response> replies() const {
    std::vector<wire::sdk_response> out;
    for (const auto& frame : gateway.frames(wire_kind::worker_reply))
      out.push_back(wire::decode<wire::sdk_response>(frame.payload));
    return out;
  }
};

}  // namespace connect_test
