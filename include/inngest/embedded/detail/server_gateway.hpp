#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// What a connect_gateway adds to its http_server: routes below /v0/connect, and calls over the connections
/// of workers.
class server_gateway : public remote_apps {
 public:
  /// Answers a request whose key was checked; `nullopt` when the route does not exist.
  virtual std::optional<http::response> answer(const http::request& request) = 0;
};

/// Calls remote apps over HTTP, or through the gateway if their workers are connected. Thread-safe.
class app_router final : public remote_apps {
 public:
  explicit app_router(std::shared_ptr<remote_apps> over_http) : over_http_(std::move(over_http)) {}

  /// Null when there is none.
  std::shared_ptr<server_gateway> gateway() const {
    const std::lock_guard lock(mutex_);
    return gateway_;
  }

  /// Whether there was one before. Then the server stops, or gets another one soon.
  bool had_gateway() const {
    const std::lock_guard lock(mutex_);
    return had_gateway_;
  }

  /// Null removes the gateway.
  void set_gateway(std::shared_ptr<server_gateway> gateway) {
    const std::lock_guard lock(mutex_);
    had_gateway_ = true;
    gateway_.swap(gateway);
  }

  std::unique_ptr<app_route> route_to(const function_definition& function) override {
    if (!function.is_called_over_connection()) return over_http_->route_to(function);
    const auto workers = gateway();
    return workers ? workers->route_to(function) : nullptr;
  }

  connected_app connections_of(const std::string& app) const override {
    const auto workers = gateway();
    return workers ? workers->connections_of(app) : connected_app();
  }

 private:
  const std::shared_ptr<remote_apps> over_http_;
  mutable std::mutex mutex_;
  std::shared_ptr<server_gateway> gateway_;
  bool had_gateway_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::embedded
