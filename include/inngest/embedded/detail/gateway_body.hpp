#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/connect_gateway_options.hpp>
#include <inngest/embedded/detail/audit_scope.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/gateway_session.hpp>
#include <inngest/embedded/detail/gateway_socket.hpp>
#include <inngest/embedded/detail/gateway_tokens.hpp>
#include <inngest/embedded/detail/http_listener.hpp>
#include <inngest/embedded/detail/http_server_body.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/detail/server_gateway.hpp>
#include <inngest/embedded/detail/worker_pool.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Implements connect_gateway: listens, runs the sessions on a thread, and answers the routes of the
/// http_server below /v0/connect.
class gateway_body final : public server_gateway {
 public:
  gateway_body(http_server_body& server, connect_gateway_options options);
  ~gateway_body() override { stop(); }
  gateway_body(const gateway_body&) = delete;
  gateway_body& operator=(const gateway_body&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view host) const;
  std::size_t workers() const { return pool_->shown().size(); }

  std::unique_ptr<app_route> route_to(const function_definition& function) override {
    return pool_->route_to(function);
  }
  connected_app connections_of(const std::string& app) const override { return pool_->connections_of(app); }
  std::optional<http::response> answer(const http::request& request) override;

  /// Lets running calls end, closes the connections, and ends the threads.
  void stop();

 private:
  using tcp = boost::asio::ip::tcp;

  static connect_gateway_options checked(const http_server_body& server, connect_gateway_options options);
  worker_pool_options pool_options(const http_server_body& server) const;
  void listen();
  void accept();
  void on_accept(boost::system::error_code error, tcp::socket socket);
  void look_at_clock();
  void run();
  template <class Function>
  void for_each_socket(Function function);
  void wait_until_closed(std::chrono::milliseconds timeout);
  void register_apps(std::vector<worker_app> apps, const gateway_socket::when_registered& done);
  void log(bool is_refusal, const std::string& text);

  http::response start(const http::request& request) const;
  http::response flush(const http::request& request) const;
  json connections() const;
  std::optional<json> group(const std::string& hash) const;
  static http::response message(std::string bytes);

  engine& engine_;
  const connect_gateway_options options_;
  const std::string id_ = detail::make_ulid(std::chrono::system_clock::now());
  const gateway_tokens tokens_;
  const std::shared_ptr<worker_pool> pool_;
  detail::log_limiter refusals_;
  gateway_services services_;
  gateway_socket::callbacks callbacks_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::size_t> open_{0};

  boost::asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer timer_{io_};
  bool is_accepting_ = false;
  std::map<gateway_socket*, std::shared_ptr<gateway_socket>> sockets_;  // of the thread
  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable closed_;
  boost::asio::thread_pool registrar_{1};
  std::thread thread_;
};

inline gateway_body::gateway_body(http_server_body& server, connect_gateway_options options)
    : engine_(server.engine()),
      options_(checked(server, std::move(options))),
      pool_(std::make_shared<worker_pool>(pool_options(server))),
      services_{.options = options_,
                .tokens = tokens_,
                .pool = *pool_,
                .workers_changed = [this] { engine_.retry_remote_apps(); },
                .log = [this](bool is_refusal, const std::string& text) { log(is_refusal, text); }},
      callbacks_{.register_apps =
                     [this](std::vector<worker_app> apps, const gateway_socket::when_registered& done) {
                       register_apps(std::move(apps), done);
                     },
                 .ended =
                     [this](gateway_socket& socket) {
                       if (sockets_.erase(&socket) > 0) --open_;
                       const std::lock_guard lock(mutex_);
                       closed_.notify_all();
                     }} {
  listen();
  accept();
  look_at_clock();
  thread_ = std::thread([this] { run(); });
}

inline connect_gateway_options gateway_body::checked(const http_server_body& server,
                                                     connect_gateway_options options) {
  if (options.host.empty()) options.host = server.options().host;
  if (!server.has_keys() && !server.options().allow_anyone && !detail::is_loopback_only(options.host))
    throw configuration_error("the gateway must not listen on \"" + options.host +
                              "\" without keys, because other machines can reach it there. Set signing_key "
                              "in http_server_options, or allow_anyone = true");
  constexpr std::chrono::milliseconds none{0}, least{1};
  if (options.heartbeat_interval < least || options.lease < 4 * least || options.ack_timeout < least ||
      options.lease_grace < none || options.status_interval < none || options.drain_time < none)
    throw configuration_error(
        "connect_gateway_options: heartbeat_interval and ack_timeout must be at least 1 ms, lease 4 ms, and "
        "no time may be negative");
  if ((std::max)({options.heartbeat_interval, options.lease, options.ack_timeout, options.lease_grace,
                  options.status_interval, options.drain_time}) > detail::a_year)
    throw configuration_error("connect_gateway_options: all times must be at most 366 days");
  if (options.max_connections == 0 || options.max_message_size == 0)
    throw configuration_error(
        "connect_gateway_options: max_connections and max_message_size must be at least 1");
  if (options.port < 0 || options.port > 65535)
    throw configuration_error("connect_gateway_options::port: not a port: " + std::to_string(options.port));
  return options;
}

inline worker_pool_options gateway_body::pool_options(const http_server_body& server) const {
  return {.heartbeat_interval = options_.heartbeat_interval,
          .ack_timeout = options_.ack_timeout,
          .lease = options_.lease,
          .lease_grace = options_.lease_grace,
          .call_timeout = server.options().call_timeout};
}

inline void gateway_body::listen() {
  try {
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                        tcp::resolver::passive | tcp::resolver::numeric_service);
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol());
    detail::keep_from_children(acceptor_.native_handle());
#if !defined(_WIN32)  // where it would let two gateways share a port
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
#endif
    acceptor_.bind(endpoint);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
  } catch (const boost::system::system_error& problem) {
    throw configuration_error("the gateway can't listen on " + options_.host + ":" +
                              std::to_string(options_.port) + ": " + problem.code().message());
  }
}

inline std::string gateway_body::url(std::string_view host) const {
  if (!options_.url.empty()) return options_.url;
  return "ws://" + std::string(host) + ":" + std::to_string(port_) + "/v0/connect";
}

// ---- the thread of the sessions ---------------------------------------------------------------------------

inline void gateway_body::run() {
  while (!io_.stopped()) {
    try {
      io_.run();
    } catch (...) {  // the thread must go on for the other connections
      engine_.log().error("the gateway failed to handle a message: " + words_of_exception());
    }
  }
}

inline void gateway_body::accept() {
  is_accepting_ = true;
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    is_accepting_ = false;
    on_accept(error, std::move(socket));
  });
}

inline void gateway_body::on_accept(boost::system::error_code error, tcp::socket socket) {
  if (is_stopping_ || error == boost::asio::error::operation_aborted) return;
  if (error) return;  // such as too many open files: look_at_clock() accepts again
  if (sockets_.size() < options_.max_connections) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    detail::keep_from_children(socket.native_handle());
    const auto opened = std::make_shared<gateway_socket>(std::move(socket), services_, callbacks_);
    sockets_.emplace(opened.get(), opened);
    ++open_;
    opened->start();
  }
  accept();
}

template <class Function>
void gateway_body::for_each_socket(Function function) {
  std::vector<std::shared_ptr<gateway_socket>> all;  // the function may remove some
  for (const auto& [address, socket] : sockets_) all.push_back(socket);
  for (const auto& socket : all) function(*socket);
}

inline void gateway_body::look_at_clock() {
  const auto pause = std::clamp<std::chrono::milliseconds>(
      options_.heartbeat_interval / 4, std::chrono::milliseconds(10), std::chrono::seconds(1));
  timer_.expires_after(pause);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    look_at_clock();  // first: what follows may throw
    for_each_socket(
        [now = gateway_socket::clock::now()](gateway_socket& socket) { socket.look_at_clock(now); });
    if (!is_accepting_ && !is_stopping_) accept();
    if (pool_->take_room()) engine_.retry_remote_apps();
  });
}

inline void gateway_body::register_apps(std::vector<worker_app> apps,
                                        const gateway_socket::when_registered& done) {
  boost::asio::post(registrar_, [this, apps = std::move(apps), done] {
    std::string problem;
    const audit_scope scope("worker");
    try {
      for (const worker_app& app : apps) engine_.register_app(app.id, app.registration);
    } catch (...) {
      problem = words_of_exception();
    }
    done(std::move(problem));
  });
}

inline void gateway_body::log(bool is_refusal, const std::string& text) {
  if (!is_refusal) return engine_.log().info(text);
  const auto held_back = refusals_.pass(0);
  if (!held_back) return;
  const std::string more =
      *held_back > 0 ? " (and " + std::to_string(*held_back) + " more since the last such line)" : "";
  engine_.log().warn(text + more);
}

inline void gateway_body::stop() {
  if (is_stopping_.exchange(true)) return;
  pool_->begin_to_close();
  boost::asio::post(io_, [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for_each_socket([](gateway_socket& socket) { socket.drain(); });
  });
  pool_->wait_until_unused(options_.drain_time);
  pool_->close();
  boost::asio::post(io_, [this] {
    for_each_socket(
        [](gateway_socket& socket) { socket.close(gateway_session::going_away, "connect_gateway_closing"); });
  });
  wait_until_closed(std::chrono::seconds(1));
  registrar_.join();
  io_.stop();
  if (thread_.joinable()) thread_.join();
  for_each_socket([](gateway_socket& socket) { socket.drop(); });
}

inline void gateway_body::wait_until_closed(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  closed_.wait_for(lock, timeout, [this] { return open_ == 0; });
}

// ---- routes of the http_server ----------------------------------------------------------------------------

inline std::optional<http::response> gateway_body::answer(const http::request& request) {
  using api = server_api<engine>;
  const std::vector<std::string> path = detail::path_parts(request.path());
  const bool posts = request.method == "POST";
  try {
    if (posts && path.size() == 3 && path[2] == "start") return start(request);
    if (posts && path.size() == 3 && path[2] == "flush") return flush(request);
  } catch (const connect::detail::message_error& problem) {
    return api::refusal(400, problem.what());
  }
  const bool is_of_environment = request.method == "GET" && path.size() > 4 && path[2] == "envs";
  if (is_of_environment && path.size() == 5 && path[4] == "conns")
    return api::answer_of(200, {{"data", connections()}});
  if (!is_of_environment || path.size() != 6 || path[4] != "groups") return std::nullopt;
  const auto found = group(path[5]);
  return found ? api::answer_of(200, {{"data", *found}}) : api::refusal(404, "there is no such group");
}

inline http::response gateway_body::start(const http::request& request) const {
  using api = server_api<engine>;
  if (is_stopping_) return api::refusal(503, "the gateway is closing");
  // As on a dev server, there is one gateway: workers that exclude it get it all the same.
  static_cast<void>(connect::detail::decode<connect::detail::start_request>(request.body));
  if (open_ >= options_.max_connections) return api::refusal(429, "too many connections");
  std::string host(request.headers.find("host").value_or("127.0.0.1"));
  const std::size_t bracket = host.rfind(']'), colon = host.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) host.resize(colon);
  const std::string id = detail::make_ulid(std::chrono::system_clock::now());
  return message(
      connect::detail::encode(connect::detail::start_response{.connection_id = id,
                                                              .gateway_endpoint = url(host),
                                                              .gateway_group = options_.group,
                                                              .session_token = tokens_.make("session", id),
                                                              .sync_token = tokens_.make("sync", id)}));
}

inline http::response gateway_body::flush(const http::request& request) const {
  if (request.body.empty()) return server_api<engine>::refusal(400, "the body is missing");
  auto reply = connect::detail::decode<connect::detail::sdk_response>(request.body);
  const connect::detail::flush_response out{.request_id = reply.request_id};
  if (!pool_->take_reply(std::move(reply))) return server_api<engine>::refusal(503, "the gateway is closing");
  return message(connect::detail::encode(out));
}

inline http::response gateway_body::message(std::string bytes) {
  return {.status = 200, .headers = {{"content-type", "application/octet-stream"}}, .body = std::move(bytes)};
}

inline json gateway_body::connections() const {
  json all = json::array();
  for (const worker_pool::shown_worker& shown : pool_->shown()) {
    json groups = json::object();
    for (const worker_app& app : shown.worker.apps) groups[uuid_of(app.id)] = app.hash;
    const auto heard = shown.heard_at.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(heard);
    all.push_back(
        {{"id", shown.worker.connection_id},
         {"gateway_id", id_},
         {"instance_id", shown.worker.instance_id},
         {"all_worker_groups", groups},
         {"synced_worker_groups", groups},
         {"status", static_cast<int>(shown.at)},
         {"last_heartbeat_at",
          {{"seconds", seconds.count()}, {"nanos", std::chrono::nanoseconds(heard - seconds).count()}}},
         {"sdk_language", shown.worker.sdk_language},
         {"sdk_version", shown.worker.sdk_version},
         {"attributes",
          {{"cpu_cores", shown.worker.system.cpu_cores},
           {"mem_bytes", shown.worker.system.mem_bytes},
           {"os", shown.worker.system.os}}}});
  }
  return all;
}

inline std::optional<json> gateway_body::group(const std::string& hash) const {
  std::optional<json> out;
  for (const worker_pool::shown_worker& shown : pool_->shown()) {
    for (const worker_app& app : shown.worker.apps) {
      if (app.hash != hash) continue;
      if (!out)
        out = json{{"app_id", uuid_of(app.id)},
                   {"app_name", app.id},
                   {"app_version", app.version},
                   {"sdk_lang", shown.worker.sdk_language},
                   {"sdk_version", shown.worker.sdk_version},
                   {"fns", app.functions},
                   {"hash", hash},
                   {"synced", true},
                   {"conns", json::array()}};
      (*out)["conns"].push_back(shown.worker.connection_id);
    }
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
