#pragma once

#include <pistache/endpoint.h>
#include <pistache/http.h>
#include <pistache/peer.h>
#include <pistache/router.h>

#ifdef unreachable
#undef unreachable  // Pistache 0.0.5 makes it a macro, but it is a class of the library
#endif

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/adapters/detail/path_text.hpp>
#include <inngest/config.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// Tells exchanges whether their connection's Pistache thread still exists. A connection must not be used
/// after its thread has ended.
struct pistache_gate {
  std::mutex mutex{};
  bool is_open = true;
};

/// What the handler of an endpoint knows of one of its connections. Pistache's data of a connection has it
/// under this name.
struct pistache_connection {
  static constexpr const char* name = "inngest.connection";

  /// Null for a connection of another handler, such as a router's.
  static std::shared_ptr<pistache_connection> of(const Pistache::Tcp::Peer& peer) {
    return std::static_pointer_cast<pistache_connection>(peer.tryGetData(name));
  }

  bool is_closed = false;  // guarded by the mutex of the gate
  // These are used on the connection's thread:
  bool is_receiving = true;              // a request has begun to arrive, or is the first
  std::weak_ptr<http::exchange> call{};  // the last request that was passed to the handler
};

/// Gives access to protected members of Pistache's messages, so that a body is moved instead of copied.
struct pistache_message : Pistache::Http::Message {
  static std::string take_body(Pistache::Http::Message& message) {
    return std::move(message.*&pistache_message::body_);
  }
};

/// A second descriptor of a connection, to close it from any thread. Pistache's own descriptor might have
/// been closed and reused by then.
class pistache_closer {
 public:
  explicit pistache_closer(int socket) : socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}
  pistache_closer(const pistache_closer&) = delete;
  pistache_closer& operator=(const pistache_closer&) = delete;
  ~pistache_closer() {
    if (socket_ >= 0) ::close(socket_);
  }
  /// Closes the connection after the written data. To Pistache it looks as if the client had closed it.
  void operator()() const {
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }

 private:
  int socket_;
};

/// Whether the connection must be closed after the request's answer. Pistache itself never closes it.
inline bool closes_connection(const Pistache::Http::Request& request) {
  using Pistache::Http::ConnectionControl;
  const auto field = request.headers().tryGet<Pistache::Http::Header::Connection>();
  if (request.version() == Pistache::Http::Version::Http10)
    return !field || field->control() != ConnectionControl::KeepAlive;
  return field && field->control() == ConnectionControl::Close;
}

/// An answer to a Pistache request, which may be given from any thread. It writes the bytes of the answer
/// itself, because Pistache's own writers drop unknown header fields, and stream only from Pistache's
/// threads.
class pistache_exchange final : public http::exchange,
                                public std::enable_shared_from_this<pistache_exchange> {
 public:
  pistache_exchange(std::shared_ptr<pistache_gate> gate, std::shared_ptr<Pistache::Tcp::Peer> peer,
                    Pistache::Http::Version version, bool closes)
      : gate_(std::move(gate)),
        peer_(peer),
        connection_(pistache_connection::of(*peer)),
        is_http10_(version == Pistache::Http::Version::Http10) {
    if (closes) closer_ = std::make_unique<const pistache_closer>(peer->fd());
  }

  void send(http::response answer) override {
    if (answer.headers.find("connection") == "close") close_at_end();
    std::string text = head(answer) + "content-length: " + std::to_string(answer.body.size()) + "\r\n\r\n";
    put(text += answer.body, true);
  }
  void begin(http::response answer) override {
    if (is_http10_) close_at_end();  // closing the connection marks the end of the answer
    put(head(answer) + (is_http10_ ? "\r\n" : "transfer-encoding: chunked\r\n\r\n"), false);
  }
  bool write(std::string piece) override {
    if (piece.empty()) return is_open();  // an empty chunk would end the answer
    if (is_http10_) return put(std::move(piece), false);
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.begin(), size.end(), piece.size(), 16).ptr;
    return put(std::string(size.begin(), end) + "\r\n" + piece + "\r\n", false);
  }
  void end() override { put(is_http10_ ? "" : "0\r\n\r\n", true); }
  void abort() override {
    close_at_end();
    put("", true);
  }
  bool is_open() const override {
    const std::lock_guard lock(gate_->mutex);
    return open_peer() != nullptr;
  }

 private:
  /// The connection, unless it was closed. Pistache knows connections by the numbers of their descriptors,
  /// and a closed one's number is soon that of another client. Hold the gate's mutex while you use it.
  std::shared_ptr<Pistache::Tcp::Peer> open_peer() const {
    if (!gate_->is_open || (connection_ && connection_->is_closed)) return nullptr;
    return peer_.lock();
  }

  std::string head(const http::response& answer) const {
    std::string out = is_http10_ ? "HTTP/1.0 " : "HTTP/1.1 ";
    out += std::to_string(answer.status) + ' ';
    out += Pistache::Http::codeString(static_cast<Pistache::Http::Code>(answer.status));
    out += "\r\n";
    for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
    if (closer_ && !answer.headers.find("connection")) out += "connection: close\r\n";
    return out;
  }

  void close_at_end() {
    if (closer_) return;
    const std::lock_guard lock(gate_->mutex);
    const auto peer = open_peer();
    if (peer) closer_ = std::make_unique<const pistache_closer>(peer->fd());
  }

  /// Queues bytes for the connection's thread. The exchange stays alive until they are written.
  bool put(std::string bytes, bool is_last) {
    const std::lock_guard lock(gate_->mutex);
    const auto peer = open_peer();
    if (!peer) return false;
    const std::size_t size = bytes.size();
    const auto written = [self = shared_from_this(), is_last] {
      if (is_last && self->closer_) (*self->closer_)();
    };
    peer->send(Pistache::RawBuffer(std::move(bytes), size))
        .then([written](ssize_t) { written(); }, [written](const std::exception_ptr&) { written(); });
    return true;
  }

  const std::shared_ptr<pistache_gate> gate_;
  const std::weak_ptr<Pistache::Tcp::Peer> peer_;
  const std::shared_ptr<const pistache_connection> connection_;
  const bool is_http10_;
  std::unique_ptr<const pistache_closer> closer_{};
};

/// Starts to answer a request. Called on the connection's thread.
inline void pass_to_handler(const handler& handler, const Pistache::Http::Request& request, std::string body,
                            const std::shared_ptr<Pistache::Tcp::Peer>& peer,
                            std::shared_ptr<pistache_gate> gate) {
  http::request wire{.method = Pistache::Http::methodString(request.method()),
                     .url = request.resource() + request.query().as_str(),
                     .body = std::move(body)};
  for (const auto& [key, field] : request.headers().rawList()) wire.headers.add(field.name(), field.value());
  // Otherwise Pistache would send status 408 when a call takes longer than its limit for receiving a request.
  peer->setIdle(true);
  const auto exchange = std::make_shared<pistache_exchange>(std::move(gate), peer, request.version(),
                                                            closes_connection(request));
  if (const auto connection = pistache_connection::of(*peer)) connection->call = exchange;
  handler(std::move(wire), http::reply(exchange));
}

}  // namespace detail

/// Answers one request of a Pistache handler or route, immediately or later from another thread. Drain the
/// handler before you destroy the endpoint.
inline void answer(const handler& handler, const Pistache::Http::Request& request,
                   const Pistache::Http::ResponseWriter& response) {
  static const auto always_open = std::make_shared<detail::pistache_gate>();
  const auto peer = response.getPeer();
  if (peer) detail::pass_to_handler(handler, request, request.body(), peer, always_open);
}

/// The handler that `serve()` sets on an endpoint. It answers requests for the handler's path; others get
/// status 404. It limits bodies to `serve_options::max_body_size` as they arrive, regardless of the
/// endpoint's `maxRequestSize`.
class pistache_handler final : public Pistache::Http::Handler {
 public:
  /// Answers with this handler.
  explicit pistache_handler(handler handler) : handler_(std::move(handler)) {}
  /// Pistache copies its handler for each of its threads.
  pistache_handler(const pistache_handler& other)
      : Pistache::Http::Handler(other), handler_(other.handler_) {}
  pistache_handler& operator=(const pistache_handler&) = delete;
  ~pistache_handler() override {
    const std::lock_guard lock(gate_->mutex);
    gate_->is_open = false;
  }
  /// Called by Pistache.
  std::shared_ptr<Pistache::Tcp::Handler> clone() const override {
    return std::make_shared<pistache_handler>(*this);
  }

  /// Called by Pistache.
  void onRequest(const Pistache::Http::Request& request, Pistache::Http::ResponseWriter response) override {
    answer(handler_, request, response);
  }

 private:
  static constexpr std::size_t max_head_size = 64 * 1024;

  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    const std::size_t room = (std::numeric_limits<std::size_t>::max)() - max_head_size;
    const std::size_t limit = (std::min)(handler_.options().max_body_size, room) + max_head_size;
    peer->putData(ParserData, std::make_shared<Pistache::Http::RequestParser>(limit));
    peer->putData(detail::pistache_connection::name, std::make_shared<detail::pistache_connection>());
  }

  /// Pistache calls this before it closes the connection's descriptor, except when it ends an idle one.
  void onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    const auto connection = detail::pistache_connection::of(*peer);
    const std::lock_guard lock(gate_->mutex);
    if (connection) connection->is_closed = true;
  }

  /// Pistache's own onInput() would parse the rest of a rejected body as further requests.
  void onInput(const char* bytes, std::size_t size,
               const std::shared_ptr<Pistache::Tcp::Peer>& peer) override {
    if (peer->tryGetData(refused_)) return;
    const auto parser = getParser(peer);
    const auto connection = detail::pistache_connection::of(*peer);
    if (!std::exchange(connection->is_receiving, true)) begin_request(*parser, *connection, *peer);
    try {
      if (!parser->feed(bytes, size)) return refuse(*parser, peer, 413, too_large_);
      const auto state = parser->parse();
      if (is_too_large(parser->request)) return refuse(*parser, peer, 413, too_large_);
      if (state != Pistache::Http::Private::State::Done) return;
    } catch (const Pistache::Http::HttpError& problem) {
      return refuse(*parser, peer, problem.code(), problem.reason());
    } catch (const std::exception& problem) {
      return refuse(*parser, peer, 400, problem.what());
    }
    pass_on(parser->request, peer);
    parser->reset();
    connection->is_receiving = false;
  }

  /// Lets Pistache limit the time to send a request that follows another one: an idle connection may last
  /// much longer. Pistache would answer 408 and close the connection, so not during a call.
  static void begin_request(Pistache::Http::RequestParser& parser,
                            const detail::pistache_connection& connection, Pistache::Tcp::Peer& peer) {
    parser.reset();  // the time begins now
    if (connection.call.expired()) peer.setIdle(false);
  }

  /// Whether a request declares a body that is too large. Pistache may have read less of it.
  bool is_too_large(const Pistache::Http::Request& request) const {
    const auto declared = request.headers().tryGet<Pistache::Http::Header::ContentLength>();
    return declared && declared->value() > handler_.options().max_body_size;
  }

  void pass_on(Pistache::Http::Request& request, const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    std::string body = detail::pistache_message::take_body(request);
    if (request.resource() == handler_.options().path)
      return detail::pass_to_handler(handler_, request, std::move(body), peer, gate_);
    peer->setIdle(true);
    http::response answer{.status = 404, .headers = {{"content-type", "text/plain"}}, .body = "not found"};
    serving::drop_forbidden_body(answer, request.method() == Pistache::Http::Method::Head);
    std::make_shared<detail::pistache_exchange>(gate_, peer, request.version(),
                                                detail::closes_connection(request))
        ->send(std::move(answer));
  }

  /// Answers a request that can't be read completely. Further data on its connection is ignored.
  void refuse(const Pistache::Http::RequestParser& parser, const std::shared_ptr<Pistache::Tcp::Peer>& peer,
              int status, std::string_view reason) {
    peer->putData(refused_, std::make_shared<bool>(true));
    http::response answer{.status = status, .headers = {{"content-type", "text/plain"}}};
    answer.body = reason;
    serving::drop_forbidden_body(answer, parser.request.method() == Pistache::Http::Method::Head);
    std::make_shared<detail::pistache_exchange>(gate_, peer, parser.request.version(), true)
        ->send(std::move(answer));
  }

  static constexpr const char* too_large_ = "the body is too large";
  static constexpr const char* refused_ = "inngest.refused";
  const handler handler_;
  const std::shared_ptr<detail::pistache_gate> gate_ = std::make_shared<detail::pistache_gate>();
};

/// Serves a handler on an endpoint of Pistache 0.0.5, as the endpoint's handler. Calls run on
/// `serve_options::executor`; Pistache's threads never wait for them.
///
/// - Give the endpoint the flags `NoDelay` and `ReuseAddr`, so that answers are sent without delay and the
///   port can be reused immediately.
/// - Pistache closes a connection `keepaliveTimeout` after its last request arrived (default: 300 seconds),
///   even while a call runs; the call is then asked to stop.
/// - Pistache answers unknown methods with 400, keeps only one of several header fields or query parameters
///   with the same name, and does not support pipelined requests.
template <std::derived_from<Pistache::Http::Endpoint> Endpoint>
struct adapter<Endpoint> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "pistache";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Sets the endpoint's handler.
  static void mount(Pistache::Http::Endpoint& endpoint, const handler& handler) {
    endpoint.setHandler(std::make_shared<pistache_handler>(handler));
  }
};

/// Serves a handler on a Pistache router, next to your other routes. Set `maxRequestSize` in the endpoint's
/// options, because Pistache's default is 4 KB; Pistache answers larger requests with 413. Drain the handler
/// before you destroy the endpoint.
template <std::derived_from<Pistache::Rest::Router> Router>
struct adapter<Router> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "pistache";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds a route for each method at the handler's path.
  /// \throws configuration_error when the path is a pattern to Pistache, such as "/a/:b".
  static void mount(Pistache::Rest::Router& router, const handler& handler) {
    using Pistache::Http::Method;
    const std::string& path = handler.options().path;
    const bool has_parameter = path.find("/:") != path.npos;
    detail::refuse_in_path(path, has_parameter ? ":*?" : "*?", framework);
    const auto route = [handler](const Pistache::Rest::Request& request,
                                 Pistache::Http::ResponseWriter response) {
      answer(handler, request, response);
      return Pistache::Rest::Route::Result::Ok;
    };
    for (const Method method : {Method::Get, Method::Put, Method::Post, Method::Head, Method::Options,
                                Method::Patch, Method::Delete, Method::Trace, Method::Connect})
      router.addRoute(method, path, route);
  }
};

}  // namespace inngest::inline INNGEST_ABI
