#pragma once

#include <QtCore/QByteArray>
#include <QtCore/QEventLoop>
#include <QtCore/QMetaObject>
#include <QtCore/QObject>
#include <QtCore/QPointer>
#include <QtCore/QRegularExpressionMatch>
#include <QtCore/QString>
#include <QtCore/QThreadPool>
#include <QtCore/QTimer>
#include <QtCore/QUrl>
#include <QtCore/QVariant>
#include <QtHttpServer/QHttpServer>
#include <QtNetwork/QTcpServer>
#include <QtNetwork/QTcpSocket>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/executor.hpp>
#include <inngest/serve.hpp>

// Written for Qt 6.4 and later. QHttpServer changed twice: since 6.5, responders no longer expose their
// socket; since 6.8, they write header fields as QHttpHeaders, and bodies in pieces.

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// A property of a connection whose client expects it to be closed after the answer. QHttpServer hides a
/// request's HTTP version.
inline constexpr const char* is_http10 = "inngest_is_http10";
/// A property of a connection: the number of its requests whose answers have not ended.
inline constexpr const char* unanswered = "inngest_unanswered";

inline void add_unanswered(QTcpSocket& socket, int count) {
  socket.setProperty(unanswered, socket.property(unanswered).toInt() + count);
}

/// The connection of a request; null when it can't be found, for example for a QLocalServer.
inline QTcpSocket* qt_socket([[maybe_unused]] const QHttpServer& server,
                             [[maybe_unused]] const QHttpServerRequest& request,
                             [[maybe_unused]] const QHttpServerResponder& responder) {
#if QT_VERSION < QT_VERSION_CHECK(6, 5, 0)
  return responder.socket();
#else
  for (QTcpSocket* const socket : server.findChildren<QTcpSocket*>()) {
    if (socket->peerPort() == request.remotePort() && socket->localPort() == request.localPort() &&
        socket->peerAddress() == request.remoteAddress())
      return socket;
  }
  return nullptr;
#endif
}

/// Writes one answer to a client, on the server's thread.
class qt_writer {
 public:
  qt_writer(QHttpServerResponder responder, QTcpSocket* socket, bool closes)
      : responder_(std::move(responder)), socket_(socket), closes_(closes) {}

  /// The client's connection; null when it was closed.
  QTcpSocket* socket() const { return socket_; }
  /// Whether to close the connection after the answer. Qt does not.
  bool closes() const { return closes_; }
  /// Breaks off a streamed answer. Without the socket its end is all that can be written.
  void abort() {
    closes_ = true;
    if (!socket_) end();
  }

#if QT_VERSION < QT_VERSION_CHECK(6, 8, 0)
  void send(const http::response& answer) {
    if (!can_write()) return;
    write_head(answer);
    responder_.writeHeader("content-length", QByteArray::number(static_cast<qint64>(answer.body.size())));
    write(answer.body);
  }
  void begin(const http::response& head) {
    if (!can_write()) return;
    write_head(head);
    responder_.writeHeader("transfer-encoding", "chunked");
    write({});  // ends the header
  }
  void write_piece(const std::string& piece) {
    if (!can_write()) return;
    const auto size = QByteArray::number(static_cast<qint64>(piece.size()), 16);
    write(size.toStdString() + "\r\n" + piece + "\r\n");
  }
  void end() {
    if (can_write()) write("0\r\n\r\n");
  }

 private:
  bool can_write() const {
#if QT_VERSION < QT_VERSION_CHECK(6, 5, 0)
    return socket_ && socket_->isOpen();  // the responder uses the socket
#else
    return true;
#endif
  }
  void write_head(const http::response& answer) {
    responder_.writeStatusLine(static_cast<QHttpServerResponder::StatusCode>(answer.status));
    for (const auto& [name, value] : answer.headers)
      responder_.writeHeader(QByteArray::fromStdString(name), QByteArray::fromStdString(value));
    if (closes_) responder_.writeHeader("connection", "close");
  }
  void write(const std::string& bytes) {
    responder_.writeBody(bytes.data(), static_cast<qint64>(bytes.size()));
  }
#else
  void send(const http::response& answer) {
    responder_.write(QByteArray::fromStdString(answer.body), fields(answer), status(answer));
  }
  void begin(const http::response& head) { responder_.writeBeginChunked(fields(head), status(head)); }
  void write_piece(const std::string& piece) { responder_.writeChunk(QByteArray::fromStdString(piece)); }
  void end() { responder_.writeEndChunked("\n"); }  // Qt warns of a last chunk without bytes

 private:
  static QHttpServerResponder::StatusCode status(const http::response& answer) {
    return static_cast<QHttpServerResponder::StatusCode>(answer.status);
  }
  QHttpHeaders fields(const http::response& answer) const {
    QHttpHeaders out;
    for (const auto& [name, value] : answer.headers) out.append(name, value);
    if (closes_) out.append(QHttpHeaders::WellKnownHeader::Connection, "close");
    return out;
  }
#endif

  QHttpServerResponder responder_;
  QPointer<QTcpSocket> socket_;
  bool closes_;
};

/// A server's requests that wait for an answer. QHttpServer and its responders may only be used on the
/// server's thread: so is everything here except post().
class qt_requests {
 public:
  explicit qt_requests(QHttpServer& server) : server_(&server) {}

  /// Runs work later, on the server's thread. Returns false when the server was destroyed.
  template <class Work>
  bool post(Work work) {
    const std::lock_guard lock(mutex_);
    return server_ && QMetaObject::invokeMethod(server_, std::move(work), Qt::QueuedConnection);
  }
  /// Called when the server is being destroyed.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      server_ = nullptr;
    }
    waiting_.clear();
  }
  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return !server_;
  }

  std::uint64_t add(qt_writer writer) {
    waiting_.emplace(++last_, std::move(writer));
    return last_;
  }
  qt_writer* find(std::uint64_t id) {
    const auto found = waiting_.find(id);
    return found == waiting_.end() ? nullptr : &found->second;
  }
  void remove(std::uint64_t id) { waiting_.erase(id); }

 private:
  mutable std::mutex mutex_;
  QObject* server_;  // null when it was destroyed
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, qt_writer> waiting_{};
};

/// An answer to a QHttpServer request. It may be given from any thread, and is written on the server's.
class qt_exchange final : public http::exchange, public std::enable_shared_from_this<qt_exchange> {
 public:
  qt_exchange(std::shared_ptr<qt_requests> requests, std::uint64_t id, bool streams)
      : requests_(std::move(requests)), id_(id), streams_(streams) {}

  void send(http::response answer) override {
    post([answer = std::move(answer)](qt_writer& to) { to.send(answer); }, true);
  }
  void begin(http::response head) override {
    post([head = std::move(head)](qt_writer& to) { to.begin(head); }, false);
  }
  bool write(std::string piece) override {
    if (piece.empty()) return is_open();  // an empty chunk would end the answer
    if (!is_open()) return false;
    return post([piece = std::move(piece)](qt_writer& to) { to.write_piece(piece); }, false);
  }
  void end() override {
    post([](qt_writer& to) { to.end(); }, true);
  }
  void abort() override {
    post([](qt_writer& to) { to.abort(); }, true);
  }
  bool is_open() const override { return !is_gone_ && !requests_->is_closed(); }
  bool streams() const override { return streams_; }

  /// Notices when the client disconnects before its answer has ended.
  void watch(QTcpSocket& socket) {
    watch_ = QObject::connect(&socket, &QTcpSocket::disconnected, &socket, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->is_gone_ = true;
    });
  }

 private:
  template <class Work>
  bool post(Work work, bool is_last) {
    return requests_->post([self = shared_from_this(), work = std::move(work), is_last] {
      qt_writer* const writer = self->requests_->find(self->id_);
      if (!writer) return;
      QTcpSocket* const socket = writer->socket();
      if (socket && is_last) add_unanswered(*socket, -1);
      work(*writer);
      const bool closes = writer->closes();
      if (socket) socket->flush();
      if (!is_last) return;
      self->requests_->remove(self->id_);
      QObject::disconnect(self->watch_);
      if (!socket) return;
      self->last_until_written(socket);
      if (closes) socket->disconnectFromHost();  // after the written data
    });
  }

  /// Draining waits until the exchange is destroyed, so it must stay alive until the system has all bytes of
  /// the answer.
  void last_until_written(QTcpSocket* socket) {
    if (socket->bytesToWrite() == 0) return;
    auto* const waiting = new QObject(socket);
    QObject::connect(socket, &QTcpSocket::bytesWritten, waiting,
                     [socket, waiting, self = shared_from_this()] {
                       if (socket->bytesToWrite() == 0) waiting->deleteLater();
                     });
    QObject::connect(socket, &QTcpSocket::disconnected, waiting, &QObject::deleteLater);
  }

  const std::shared_ptr<qt_requests> requests_;
  const std::uint64_t id_;
  const bool streams_;
  std::atomic<bool> is_gone_{false};
  QMetaObject::Connection watch_{};  // used on the server's thread; a connection may outlive many requests
};

inline const char* method_name(QHttpServerRequest::Method method) {
  using Method = QHttpServerRequest::Method;
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Put:
      return "PUT";
    case Method::Post:
      return "POST";
    case Method::Head:
      return "HEAD";
    case Method::Options:
      return "OPTIONS";
    case Method::Delete:
      return "DELETE";
    case Method::Patch:
      return "PATCH";
    case Method::Connect:
      return "CONNECT";
    case Method::Trace:
      return "TRACE";
    default:
      return "UNKNOWN";
  }
}

inline http::request to_request(const QHttpServerRequest& from) {
  const QUrl url = from.url();
  http::request out{.method = method_name(from.method()),
                    .url = url.path(QUrl::FullyEncoded).toStdString(),
                    .body = from.body().toStdString()};
  if (url.hasQuery()) out.url += '?' + url.query(QUrl::FullyEncoded).toStdString();
  const auto headers = from.headers();
#if QT_VERSION < QT_VERSION_CHECK(6, 8, 0)
  for (const auto& [name, value] : headers) out.headers.add(name.toStdString(), value.toStdString());
#else
  for (qsizetype i = 0; i < headers.size(); ++i) {
    const auto name = headers.nameAt(i);
    out.headers.add(std::string(name.data(), static_cast<std::size_t>(name.size())),
                    headers.valueAt(i).toByteArray().toStdString());
  }
#endif
  return out;
}

/// Matches one path for any method, including methods that Qt does not know.
class qt_rule final : public QHttpServerRouterRule {
 public:
  template <class... Rest>
  explicit qt_rule(QString path, Rest&&... rest)
      : QHttpServerRouterRule(QStringLiteral("/"), std::forward<Rest>(rest)...), path_(std::move(path)) {}

 protected:
  bool matches(const QHttpServerRequest& request, QRegularExpressionMatch*) const override {
    return request.url().path() == path_;
  }

 private:
  QString path_;
};

inline void answer_qt(const handler& handler, QHttpServer& server,
                      const std::shared_ptr<qt_requests>& requests, const QHttpServerRequest& request,
                      QHttpServerResponder responder) {
  QTcpSocket* const socket = qt_socket(server, request, responder);
  http::request wire = to_request(request);
  const bool is_too_large = wire.body.size() > handler.options().max_body_size;
  const bool is_old = socket && socket->property(is_http10).toBool();  // HTTP/1.0 knows no chunks
  const bool closes = is_too_large || is_old || request.value("connection").toLower() == "close";
  const std::uint64_t id = requests->add({std::move(responder), socket, closes});
  const auto exchange = std::make_shared<qt_exchange>(requests, id, !is_old);
  if (socket) {
    add_unanswered(*socket, 1);
    socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
    exchange->watch(*socket);
  }
  handler(std::move(wire), http::reply(exchange));
}

}  // namespace detail

/// Serves a handler on a QHttpServer of Qt 6.4 or later. The adapter adds a route for the handler's path and
/// all methods. The server's thread reads requests and writes answers, but its event loop never waits for a
/// call; calls run on `serve_options::executor`. Call serve() on the server's thread.
///
/// drain() waits for answers that the event loop has to write: call it on another thread, or use
/// `drain_in_event_loop()`.
///
/// - Qt reads requests of any size into memory. A `qt_tcp_server` limits them as they arrive; without it, a
///   body over `max_body_size` is rejected only after it has arrived.
/// - Qt 6.4 answers pipelined requests in any order. Inngest servers do not send any.
template <std::derived_from<QHttpServer> Server>
struct adapter<Server> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "qt";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds the handler's route to the server.
  static void mount(QHttpServer& server, const handler& handler) {
    const auto requests = std::make_shared<detail::qt_requests>(server);
    QObject::connect(&server, &QObject::destroyed, [requests] { requests->close(); });
#if QT_VERSION < QT_VERSION_CHECK(6, 8, 0)
    using responder = QHttpServerResponder&&;
#else
    using responder = QHttpServerResponder&;
#endif
    server.route<detail::qt_rule>(
        QString::fromStdString(handler.options().path),
        [handler, &server, requests](const QHttpServerRequest& request, responder to) {
          detail::answer_qt(handler, server, requests, request, std::move(to));
        });
  }
};

/// A listener for a QHttpServer that limits what clients may send: requests larger than the handler's
/// `max_body_size` get status 413 as they arrive, and slow or idle clients are disconnected. It sends answers
/// without delay (TCP_NODELAY).
///
///     inngest::qt_tcp_server listener(endpoint);  // endpoint: the result of serve()
///     listener.listen(QHostAddress::LocalHost, 3000);
///     server.bind(&listener);  // makes the server its parent
class qt_tcp_server : public QTcpServer {
 public:
  /// Limits requests to the handler's `max_body_size`, and headers to 64 KB.
  explicit qt_tcp_server(const handler& handler, QObject* parent = nullptr)
      : qt_tcp_server(std::initializer_list<inngest::handler>{handler}, parent) {}
  /// Limits requests to the largest `max_body_size` of the server's handlers; each handler enforces its own.
  explicit qt_tcp_server(std::initializer_list<handler> handlers, QObject* parent = nullptr)
      : QTcpServer(parent), limit_(limit_of(handlers)) {
    // Qt accepts nothing more after an error, such as too many open files.
    connect(this, &QTcpServer::acceptError, this, [this] {
      QTimer::singleShot(time_to_accept_again, this, [this] {
        if (isListening()) resumeAccepting();
      });
    });
  }

  /// The time limit for receiving a request, and for waiting for the next one on a connection.
  void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }

 protected:
  /// Inspects the bytes of a connection before QHttpServer reads them.
  void incomingConnection(qintptr descriptor) override {
    auto* const socket = new QTcpSocket(this);
    if (!socket->setSocketDescriptor(descriptor)) return delete socket;
    socket->setSocketOption(QAbstractSocket::LowDelayOption, 1);
    auto* const timer = new QTimer(socket);
    const auto seen = std::make_shared<traffic>();
    connect(socket, &QTcpSocket::readyRead, socket, [this, socket, timer, seen] {
      if (!socket->isTransactionStarted()) begin_request(*socket, *seen, *timer);
      seen->size += socket->bytesAvailable();
      if (seen->size > limit_) refuse(*socket, *seen);
    });
    connect(socket, &QTcpSocket::bytesWritten, socket, [timer, seen] {
      seen->is_idle = true;
      timer->start();
    });
    connect(timer, &QTimer::timeout, socket, [socket, seen] {
      if (is_client_late(*socket, *seen)) socket->abort();
    });
    timer->start(timeout_);
    addPendingConnection(socket);
  }

 private:
  /// What a connection has received.
  struct traffic {
    qint64 size = 0;          // of the request being received
    bool is_idle = true;      // no request has begun since bytes of an answer were written
    bool is_refused = false;  // a request was too large
  };
  static constexpr std::chrono::seconds time_to_hang_up{2};
  static constexpr std::chrono::seconds time_to_accept_again{1};

  static qint64 limit_of(std::initializer_list<handler> handlers) {
    constexpr std::size_t head = 64 * 1024;
    std::size_t body = 0;
    for (const handler& served : handlers) body = (std::max)(body, served.options().max_body_size);
    return static_cast<qint64>((std::min<std::size_t>)(body, (std::numeric_limits<qint64>::max)() - head) +
                               head);
  }
  /// Whether the connection waits for its client. A streamed answer that has begun may have nothing to write
  /// for as long as its call runs.
  static bool is_client_late(const QTcpSocket& socket, const traffic& seen) {
    if (socket.isTransactionStarted()) return true;
    const bool awaits_call = socket.property(detail::unanswered).toInt() > 0 && socket.bytesToWrite() == 0;
    return seen.is_idle && !awaits_call;
  }
  static void begin_request(QTcpSocket& socket, traffic& seen, QTimer& timer) {
    seen.size = 0;
    seen.is_idle = false;
    timer.start();
    const QByteArray line = socket.peek(8192).split('\n').front();
    socket.setProperty(detail::is_http10, line.trimmed().endsWith("HTTP/1.0"));
  }
  /// Sends status 413 and discards the rest of the request. It reads on for a while, because a client that is
  /// still sending would otherwise not see the answer.
  static void refuse(QTcpSocket& socket, traffic& seen) {
    socket.commitTransaction();
    socket.readAll();
    if (std::exchange(seen.is_refused, true)) return;
    socket.write(
        "HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
        "content-length: 35\r\n\r\n{\"message\":\"the body is too large\"}");
    QTimer::singleShot(time_to_hang_up, &socket, [&socket] { socket.abort(); });
  }

  const qint64 limit_;
  std::chrono::milliseconds timeout_ = std::chrono::minutes(1);
};

/// Like `handler.drain(grace)`, for the thread of a QHttpServer: it runs the event loop while it waits, so
/// that answers are written.
inline bool drain_in_event_loop(const handler& handler,
                                std::chrono::milliseconds grace = std::chrono::seconds(10)) {
  QEventLoop loop;
  bool out = false;
  std::thread waiting([&] {
    out = handler.drain(grace);
    QMetaObject::invokeMethod(&loop, &QEventLoop::quit, Qt::QueuedConnection);
  });
  // An answer may already be queued behind the event that called this. Qt's dispatcher for GLib does not see
  // it in a new loop before another event is queued.
  const auto nothing = [] {};
  QMetaObject::invokeMethod(&loop, nothing, Qt::QueuedConnection);
  loop.exec();
  waiting.join();
  return out;
}

/// Runs calls on a QThreadPool: see `serve_options::executor`. The pool has one thread per core unless you
/// call `setMaxThreadCount()`, and its queue is unlimited.
class qt_executor final : public executor {
 public:
  /// Runs calls on a pool that must outlive the executor.
  explicit qt_executor(QThreadPool& pool = *QThreadPool::globalInstance()) : pool_(pool) {}
  /// Queues the work.
  bool post(std::function<void()> work) override {
    pool_.start(std::move(work));
    return true;
  }

 private:
  QThreadPool& pool_;
};

}  // namespace inngest::inline INNGEST_ABI
