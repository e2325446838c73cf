#pragma once

#include <microhttpd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/http/detail/collect_stream.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/time/detail/saturated.hpp>

// Serves functions with GNU libmicrohttpd, version 0.9.75 or later.

namespace inngest::inline INNGEST_ABI {

namespace detail::microhttpd {

/// Queues a response without a body, or with a body owned by `exchange`.
inline MHD_Result queue(MHD_Connection* connection, const http::response& answer, MHD_Response* made) {
  if (made == nullptr) return MHD_NO;
  for (const auto& [name, value] : answer.headers) MHD_add_response_header(made, name.c_str(), value.c_str());
  const MHD_Result out = MHD_queue_response(connection, static_cast<unsigned>(answer.status), made);
  MHD_destroy_response(made);  // the connection holds it until it is sent
  return out;
}

/// Rejects a request without reading its body; libmicrohttpd then closes the connection.
inline MHD_Result refuse(MHD_Connection* connection, int status, const char* why) {
  http::response answer = serving::bare_answer(status, why);
  answer.headers.add("connection", "close");
  return queue(
      connection, answer,
      MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY));
}

/// A request that waits for its answer, with its connection suspended in the meantime. libmicrohttpd asks for
/// the answer on the connection's thread: wake() resumes the connection to make it do so.
class exchange final : public http::exchange, public std::enable_shared_from_this<exchange> {
 public:
  explicit exchange(MHD_Connection* connection)
      : connection_(connection),
        socket_(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd) {}

  void send(http::response answer) override {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    wake();
  }
  void begin(http::response head) override {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(head);
    is_streamed_ = true;
    wake();
  }
  bool write(std::string piece) override {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    pieces_.push_back(std::move(piece));
    wake();
    return true;
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    wake();
  }
  void abort() override {
    const std::lock_guard lock(mutex_);
    has_ended_ = is_broken_off_ = true;
    wake();
  }
  bool is_open() const override {
    const std::lock_guard lock(mutex_);
    return !is_closed_ && !(is_suspended_ && has_client_left());
  }

  /// Passes the answer to libmicrohttpd, or suspends the connection until there is an answer.
  MHD_Result proceed() {
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_) return MHD_NO;
      if (!answer_) {
        suspend();
        return MHD_YES;
      }
    }
    // The answer no longer changes, so this needs no lock. libmicrohttpd holds a lock of its own in read().
    if (is_streamed_) return queue(connection_, *answer_, streamed());
    return queue(
        connection_, *answer_,
        MHD_create_response_from_buffer(answer_->body.size(), answer_->body.data(), MHD_RESPMEM_PERSISTENT));
  }

  /// Closes the connection.
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    wake();
  }

  /// Called when libmicrohttpd has sent the answer, or has closed the connection.
  void ended() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }

 private:
  void suspend() {
    is_suspended_ = true;
    MHD_suspend_connection(connection_);
  }
  void wake() {
    if (std::exchange(is_suspended_, false)) MHD_resume_connection(connection_);
  }

  /// libmicrohttpd does not poll suspended connections, so this does.
  bool has_client_left() const {
    int flags = MSG_PEEK;
#ifdef MSG_DONTWAIT
    flags |= MSG_DONTWAIT;  // elsewhere its sockets don't block
#endif
    char byte = 0;
    const auto count = ::recv(socket_, &byte, 1, flags);
    return count == 0 || (count < 0 && !detail::may_succeed_later(detail::last_socket_error()));
  }

  MHD_Response* streamed() {
    constexpr std::size_t block = 16 * 1024;
    auto kept = std::make_unique<std::shared_ptr<exchange>>(shared_from_this());
    MHD_Response* out = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block, &read, kept.get(), &free);
    if (out != nullptr) static_cast<void>(kept.release());
    return out;
  }
  static ssize_t read(void* kept, std::uint64_t, char* out, std::size_t size) noexcept {
    return (*static_cast<std::shared_ptr<exchange>*>(kept))->take(out, size);
  }
  static void free(void* kept) noexcept { delete static_cast<std::shared_ptr<exchange>*>(kept); }

  ssize_t take(char* out, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return MHD_CONTENT_READER_END_WITH_ERROR;
    while (!pieces_.empty()) {
      const std::string& piece = pieces_.front();
      const std::size_t count = piece.copy(out, size, taken_);
      taken_ += count;
      if (taken_ == piece.size()) pieces_.pop_front(), taken_ = 0;
      if (count > 0) return static_cast<ssize_t>(count);
    }
    if (has_ended_)
      return is_broken_off_ ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    suspend();
    return 0;
  }

  MHD_Connection* const connection_;
  const MHD_socket socket_;
  mutable std::mutex mutex_;  // guards the members below
  std::optional<http::response> answer_;
  bool is_streamed_ = false;
  std::deque<std::string> pieces_;
  std::size_t taken_ = 0;  // bytes of the first piece that were sent
  bool has_ended_ = false;
  bool is_broken_off_ = false;
  bool is_suspended_ = false;
  bool is_closed_ = false;
};

/// Whether connections of the daemon can be suspended. A daemon with one thread per connection can't.
inline bool can_suspend(MHD_Connection* connection) {
  MHD_Daemon* daemon = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;
  const unsigned flags = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_FLAGS)->flags;
  const unsigned wanted = MHD_ALLOW_SUSPEND_RESUME;
  return (flags & wanted) == wanted && (flags & MHD_USE_THREAD_PER_CONNECTION) == 0;
}

inline std::string_view text_of(const char* begin, std::size_t size) {
  return begin == nullptr ? std::string_view() : std::string_view(begin, size);
}

/// Adds a header field to the request.
inline MHD_Result add_field(void* request, MHD_ValueKind, const char* name, std::size_t name_size,
                            const char* value, std::size_t value_size) noexcept {
  try {
    static_cast<http::request*>(request)->headers.add(std::string(text_of(name, name_size)),
                                                      std::string(text_of(value, value_size)));
    return MHD_YES;
  } catch (...) {  // out of memory
    return MHD_NO;
  }
}

/// Appends a query parameter, which libmicrohttpd has decoded, to the request's URL.
inline MHD_Result add_parameter(void* request, MHD_ValueKind, const char* name, std::size_t name_size,
                                const char* value, std::size_t value_size) noexcept {
  try {
    std::string& url = static_cast<http::request*>(request)->url;
    url += url.find('?') == std::string::npos ? '?' : '&';
    url += http::percent_encoded(text_of(name, name_size));
    if (value != nullptr) url.append("=").append(http::percent_encoded(text_of(value, value_size)));
    return MHD_YES;
  } catch (...) {  // out of memory
    return MHD_NO;
  }
}

/// The length of the body as declared by the client; 0 if it declares none.
inline std::uint64_t declared_length(const http::request& request) {
  std::uint64_t out = 0;
  const std::string_view text = request.headers.find("content-length").value_or("");
  for (const char digit : text) {
    if (!is_digit(digit) || out > std::uint64_t{1} << 58) break;  // libmicrohttpd rejects it
    out = out * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  return out;
}

/// A request that is being received, or waits for its answer.
struct request {
  inngest::handler handler;
  http::request arrived{};
  std::size_t size = 0;  // of its body, including discarded bytes
  std::shared_ptr<microhttpd::exchange> exchange{};
};

}  // namespace detail::microhttpd

/// Answers the requests of your own libmicrohttpd daemon. If the daemon was started with
/// `MHD_ALLOW_SUSPEND_RESUME` and without `MHD_USE_THREAD_PER_CONNECTION`, calls run on
/// `serve_options::executor` and its threads don't wait for them. Otherwise calls run on the daemon's
/// threads, and streamed answers are sent when they are complete.
///
///     inngest::microhttpd_endpoint endpoint;
///     inngest::serve(endpoint, app, {hello});
///     MHD_Daemon* daemon = MHD_start_daemon(
///         MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 3000, nullptr, nullptr,
///         &inngest::microhttpd_endpoint::on_request, &endpoint,
///         MHD_OPTION_NOTIFY_COMPLETED, &inngest::microhttpd_endpoint::on_completed, &endpoint,
///         MHD_OPTION_END);
///
/// Call stop() before `MHD_stop_daemon`, which does not allow suspended connections. If the daemon also
/// answers other requests, call answer() and completed() from your own callbacks.
class microhttpd_endpoint {
 public:
  microhttpd_endpoint() = default;
  microhttpd_endpoint(const microhttpd_endpoint&) = delete;
  microhttpd_endpoint& operator=(const microhttpd_endpoint&) = delete;

  /// Serves a handler at its path.
  void add(handler handler) {
    const std::lock_guard lock(mutex_);
    handlers_.push_back(std::move(handler));
  }

  /// Whether a handler is served at the path.
  [[nodiscard]] bool serves(std::string_view url) const { return find(url).has_value(); }

  /// Answers a request. Call it in your `MHD_AccessHandlerCallback` each time that libmicrohttpd calls it for
  /// this request, and return its result. `*state` must be null at first; it may be a member of your own
  /// state. Paths that are not served get status 404.
  MHD_Result answer(MHD_Connection* connection, const char* url, const char* method, const char* data,
                    std::size_t* size, void** state) noexcept {
    try {
      if (*state == nullptr) return begin(connection, url, method, state);
      auto& request = *static_cast<detail::microhttpd::request*>(*state);
      if (*size == 0) return finish(connection, request);
      return receive(request, std::string_view(data, std::exchange(*size, 0)));
    } catch (...) {  // out of memory: the connection is closed
      return MHD_NO;
    }
  }

  /// Frees the state that answer() created for a request. Call it in your `MHD_RequestCompletedCallback`, for
  /// all requests. Returns false when the state is not this endpoint's.
  bool completed(void** state) noexcept {
    std::unique_ptr<detail::microhttpd::request> request;
    {
      const std::lock_guard lock(mutex_);
      const auto found = requests_.find(*state);
      if (found == requests_.end()) return false;
      request = std::move(found->second);
      requests_.erase(found);
    }
    *state = nullptr;
    if (request->exchange) request->exchange->ended();
    return true;
  }

  /// Closes the connections whose requests wait for an answer, and rejects further requests. Call it after
  /// `handler::drain` and before `MHD_stop_daemon`.
  void stop() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    for (const auto& [state, request] : requests_) {
      if (request->exchange) request->exchange->close();
    }
  }

  /// answer() as a callback, for a daemon that serves nothing else.
  static MHD_Result on_request(void* endpoint, MHD_Connection* connection, const char* url,
                               const char* method, const char* /*version*/, const char* data,
                               std::size_t* size, void** state) noexcept {
    return static_cast<microhttpd_endpoint*>(endpoint)->answer(connection, url, method, data, size, state);
  }
  /// completed() as a callback, for a daemon that serves nothing else.
  static void on_completed(void* endpoint, MHD_Connection*, void** state,
                           MHD_RequestTerminationCode) noexcept {
    static_cast<microhttpd_endpoint*>(endpoint)->completed(state);
  }

 private:
  std::optional<handler> find(std::string_view url) const {
    const std::lock_guard lock(mutex_);
    for (const handler& handler : handlers_) {
      if (handler.options().path == url) return handler;
    }
    return std::nullopt;
  }

  MHD_Result begin(MHD_Connection* connection, const char* url, const char* method, void** state) {
    using namespace detail::microhttpd;
    const auto handler = find(url);
    if (!handler) return refuse(connection, 404, "not found");
    auto made = std::make_unique<request>(request{.handler = *handler});
    made->arrived.method = method;
    made->arrived.url = url;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &add_field, &made->arrived);
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, &add_parameter, &made->arrived);
    const std::uint64_t length = declared_length(made->arrived);
    if (length > handler->options().max_body_size) return refuse(connection, 413, "the body is too large");
    constexpr std::uint64_t max_at_once = 8 * 1024 * 1024;  // the client has not sent it yet
    made->arrived.body.reserve(static_cast<std::size_t>((std::min)(length, max_at_once)));
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return MHD_NO;
    void* const key = made.get();
    requests_[key] = std::move(made);
    *state = key;
    return MHD_YES;
  }

  /// libmicrohttpd accepts no answer while a body arrives, so the rest of a chunked body that is too large is
  /// read and discarded. After twice the limit, the connection is closed.
  static MHD_Result receive(detail::microhttpd::request& request, std::string_view data) {
    const std::size_t limit = request.handler.options().max_body_size;
    request.size += data.size();
    if (request.size <= limit) {
      request.arrived.body.append(data);
      return MHD_YES;
    }
    std::string().swap(request.arrived.body);
    return request.size / 2 <= limit ? MHD_YES : MHD_NO;
  }

  /// Called when the request is complete, or its connection was resumed.
  MHD_Result finish(MHD_Connection* connection, detail::microhttpd::request& request) {
    if (request.exchange) return request.exchange->proceed();
    if (request.size > request.handler.options().max_body_size)
      return detail::microhttpd::refuse(connection, 413, "the body is too large");
    const auto exchange = std::make_shared<detail::microhttpd::exchange>(connection);
    {
      const std::lock_guard lock(mutex_);
      if (is_stopped_) return MHD_NO;
      request.exchange = exchange;
    }
    if (detail::microhttpd::can_suspend(connection))
      request.handler(std::move(request.arrived), http::reply(exchange));
    else
      exchange->send(whole(request.handler(std::move(request.arrived))));
    return exchange->proceed();
  }

  /// libmicrohttpd pulls the pieces of an answer, so they can't be pushed while this thread waits.
  static http::response whole(http::response answer) {
    inngest::detail::collect_stream(answer);
    return answer;
  }

  mutable std::mutex mutex_;  // guards the members below; locked before the mutex of an exchange
  std::vector<handler> handlers_;
  std::unordered_map<void*, std::unique_ptr<detail::microhttpd::request>> requests_;
  bool is_stopped_ = false;
};

/// Serves a handler on an endpoint.
template <>
struct adapter<microhttpd_endpoint> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "microhttpd";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds the handler to the endpoint.
  static void mount(microhttpd_endpoint& endpoint, const handler& handler) { endpoint.add(handler); }
};

/// Options of a microhttpd_server.
struct microhttpd_options {
  /// The IPv4 or IPv6 address to listen on. "0.0.0.0" and "::" mean all addresses.
  std::string address = "127.0.0.1";
  /// The port to listen on; 0 means any free one.
  unsigned short port = 3000;
  /// The number of I/O threads. Calls run on `serve_options::executor`.
  unsigned threads = 1;
  /// The maximum number of open connections. Further connections wait.
  unsigned max_connections = 1000;
  /// How long a connection may be idle, also in the middle of a request or an answer. A call may take longer.
  /// Limited to the range from a second to a year.
  std::chrono::seconds idle_timeout = std::chrono::seconds(60);
};

/// A libmicrohttpd daemon that serves functions:
///
///     inngest::microhttpd_server server({.port = 3000});
///     auto endpoint = inngest::serve(server, app, {hello});
class microhttpd_server {
 public:
  /// Listens, and answers requests on its own threads; with status 404 until serve() was called.
  /// \throws configuration_error when it can't listen, for example because the port is in use.
  explicit microhttpd_server(const microhttpd_options& options = {}) : daemon_(start(options, endpoint_)) {
    port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
  }
  microhttpd_server(const microhttpd_server&) = delete;
  microhttpd_server& operator=(const microhttpd_server&) = delete;
  /// Calls stop().
  ~microhttpd_server() { stop(); }

  /// The port that it listens on.
  [[nodiscard]] int port() const { return port_; }

  /// Stops listening, closes all connections, and waits until its threads have ended. Running calls continue
  /// without a client, so call `handler::drain` first. May be called more than once.
  void stop() {
    endpoint_.stop();
    if (daemon_ != nullptr) MHD_stop_daemon(std::exchange(daemon_, nullptr));
  }

 private:
  friend struct adapter<microhttpd_server>;

  static MHD_Daemon* start(const microhttpd_options& options, microhttpd_endpoint& endpoint) {
    sockaddr_in6 address = {};  // or a sockaddr_in, which is smaller
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (resolve(options, address)) flags |= MHD_USE_IPv6;
    constexpr std::size_t memory = 64 * 1024;  // per connection; it limits the header
    MHD_Daemon* out = MHD_start_daemon(
        flags, 0, nullptr, nullptr, &microhttpd_endpoint::on_request, &endpoint, MHD_OPTION_NOTIFY_COMPLETED,
        &microhttpd_endpoint::on_completed, &endpoint,  //
        MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT, options.max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, seconds_of(options.idle_timeout), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        memory, MHD_OPTION_THREAD_POOL_SIZE, options.threads > 1 ? options.threads : 0U, MHD_OPTION_END);
    if (out != nullptr) return out;
    throw configuration_error("microhttpd_server: can't listen on " + options.address + " port " +
                              std::to_string(options.port) + ": is the port in use, or not allowed?");
  }

  /// Limited to the range from a second to a year; 0 would mean no limit to libmicrohttpd.
  static unsigned seconds_of(std::chrono::seconds time) {
    return static_cast<unsigned>(detail::within_a_year(time, std::chrono::seconds(1)).count());
  }

  /// Writes the address to `out`. Returns whether it is an IPv6 address.
  static bool resolve(const microhttpd_options& options, sockaddr_in6& out) {
    sockaddr_in v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(options.port);
    if (::inet_pton(AF_INET, options.address.c_str(), &v4.sin_addr) == 1) {
      std::memcpy(&out, &v4, sizeof v4);
      return false;
    }
    out.sin6_family = AF_INET6;
    out.sin6_port = htons(options.port);
    if (::inet_pton(AF_INET6, options.address.c_str(), &out.sin6_addr) == 1) return true;
    throw configuration_error("microhttpd_options::address: \"" + options.address +
                              "\" is not an IP address, such as 127.0.0.1");
  }

  microhttpd_endpoint endpoint_;
  MHD_Daemon* daemon_;  // null when stopped
  int port_ = 0;
};

/// Serves a handler on a microhttpd_server.
template <>
struct adapter<microhttpd_server> : adapter<microhttpd_endpoint> {
  /// Adds the handler to the server.
  static void mount(microhttpd_server& server, const handler& handler) { server.endpoint_.add(handler); }
};

}  // namespace inngest::inline INNGEST_ABI
