// The suite of all adapters on Qt's HTTP server, and what is special about Qt.

#include <inngest/adapters/qt.hpp>

#include <QtCore/QCoreApplication>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "suite.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;

/// Qt needs one for event loops.
void need_application() {
  static int count = 1;
  static char name[] = "test";
  static char* arguments[] = {name, nullptr};
  // It is never destroyed: what it needs would be destroyed before.
  [[maybe_unused]] static const QCoreApplication& application = *new QCoreApplication(count, arguments);
}

/// A server with a thread and an event loop of its own.
class server_of_qt final : public suite::running_server {
 public:
  server_of_qt(const inngest::client& app, std::vector<inngest::any_function> functions,
               inngest::serve_options options, int port) {
    need_application();
    std::promise<void> started;
    thread_ = std::thread([&] { run(app, std::move(functions), std::move(options), port, started); });
    try {
      started.get_future().get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~server_of_qt() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return *handler_; }
  void stop() override {
    if (!thread_.joinable()) return;
    QMetaObject::invokeMethod(loop_, &QEventLoop::quit, Qt::QueuedConnection);
    thread_.join();
  }

 private:
  void run(const inngest::client& app, std::vector<inngest::any_function> functions,
           inngest::serve_options options, int port, std::promise<void>& started) {
    QEventLoop loop;
    QHttpServer server;
    std::unique_ptr<inngest::qt_tcp_server> listener;
    try {
      handler_ = std::make_unique<inngest::handler>(
          suite::serve(server, app, std::move(functions), std::move(options)));
      const std::initializer_list<inngest::handler> handlers{*handler_,
                                                             suite::endpoint_handler.value_or(*handler_)};
      listener = std::make_unique<inngest::qt_tcp_server>(handlers);
      if (!listener->listen(QHostAddress::LocalHost, static_cast<quint16>(port)))
        throw std::runtime_error("the port is in use");
    } catch (...) {
      return started.set_exception(std::current_exception());
    }
    server.bind(listener.get());
    port_ = listener->serverPort();
    loop_ = &loop;
    started.set_value();
    loop.exec();
  }

  std::unique_ptr<inngest::handler> handler_;
  QEventLoop* loop_ = nullptr;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

const suite::framework& suite::traits() {
  // Qt 6.11 adds "connection: keep-alive" to every answer, Qt 6.8 does not.
  static const framework out{.name = "qt",
                             .refuses_early = false,
                             .says_when_it_closes = QT_VERSION < QT_VERSION_CHECK(6, 9, 0),
                             .pipelines = QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_qt>(app, std::move(functions), std::move(options), port);
}

namespace {

/// Runs an event loop on this thread until a client, on a thread of its own, is done.
template <class Client>
void serve_until_done(Client client) {
  QEventLoop loop;
  std::exception_ptr problem;
  std::thread thread([&] {
    try {
      client();
    } catch (...) {
      problem = std::current_exception();
    }
    QMetaObject::invokeMethod(&loop, &QEventLoop::quit, Qt::QueuedConnection);
  });
  loop.exec();
  thread.join();
  if (problem) std::rethrow_exception(problem);
}

/// A server on this thread, with a function that waits for a promise.
struct qt_app {
  int listen(inngest::serve_options options = {}) {
    const auto f =
        client.create_function({.id = "f"}, inngest::on<test_event>(), [finish = finish, this](auto& ctx) {
          return ctx.step.run("wait", [&] {
            ran_on = std::this_thread::get_id();
            return finish.wait_for(support::patience) == std::future_status::ready;
          });
        });
    handler = std::make_unique<inngest::handler>(inngest::serve(server, client, {f}, std::move(options)));
    listener = std::make_unique<inngest::qt_tcp_server>(*handler);
    if (!listener->listen(QHostAddress::LocalHost)) throw std::runtime_error("can't listen");
    server.bind(listener.get());
    return listener->serverPort();
  }
  static std::string call() {
    return request_text("POST", "/api/inngest?fnId=app-f&stepId=step", support::call().text());
  }

  bool has_application = (need_application(), true);  // before the server
  std::promise<void> promise{};
  std::shared_future<void> finish = promise.get_future().share();
  std::thread::id ran_on{};
  inngest::client client = support::quiet_client();
  QHttpServer server{};
  std::unique_ptr<inngest::handler> handler{};
  std::unique_ptr<inngest::qt_tcp_server> listener{};
};

}  // namespace

TEST_CASE("qt: other routes are answered in the event loop while a call runs", "[qt]") {
  qt_app app;
  app.server.route("/mine", [] { return "my own"; });
  const int port = app.listen();
  std::string mine, called;
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    http_connection other(port);
    other.send(request_text("GET", "/mine"));
    mine = other.read_answer().body;
    app.promise.set_value();
    called = caller.read_answer().body;
  });
  CHECK(mine == "my own");
  CHECK_THAT(called, ContainsSubstring("\"data\":true"));
  CHECK(app.ran_on != std::this_thread::get_id());
}

TEST_CASE("qt: draining in the event loop lets answers be written", "[qt][drain]") {
  qt_app app;
  const int port = app.listen();
  int status = 0;
  bool drained = false;
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    while (app.handler->calls_under_way() == 0) std::this_thread::sleep_for(1ms);
    QMetaObject::invokeMethod(
        &app.server, [&] { drained = inngest::drain_in_event_loop(*app.handler, support::patience); },
        Qt::QueuedConnection);
    app.promise.set_value();
    status = caller.read_answer().status;
  });
  CHECK(drained);
  CHECK(status == 206);
}

TEST_CASE("qt: draining in the event loop lets answers be written that were queued before it",
          "[qt][drain]") {
  QThreadPool pool;
  qt_app app;
  const int port = app.listen({.executor = std::make_shared<inngest::qt_executor>(pool)});
  int status = 0;
  bool drained = false;
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    while (app.handler->calls_under_way() == 0 || pool.activeThreadCount() == 0)
      std::this_thread::sleep_for(1ms);
    // The event loop is busy with a timer until the drain, and behind it the answer, are queued.
    std::promise<void> begins, ends;
    const auto be_busy = [&] {
      begins.set_value();
      ends.get_future().wait();
    };
    QMetaObject::invokeMethod(
        &app.server, [&] { QTimer::singleShot(1ms, &app.server, be_busy); }, Qt::QueuedConnection);
    begins.get_future().wait();
    QMetaObject::invokeMethod(
        &app.server, [&] { drained = inngest::drain_in_event_loop(*app.handler, support::patience); },
        Qt::QueuedConnection);
    app.promise.set_value();
    pool.waitForDone();
    ends.set_value();
    status = caller.read_answer().status;
  });
  CHECK(drained);
  CHECK(status == 206);
}

TEST_CASE("qt: calls run on a QThreadPool", "[qt][executor]") {
  QThreadPool pool;
  qt_app app;
  const int port = app.listen({.executor = std::make_shared<inngest::qt_executor>(pool)});
  int active = 0;
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    while (app.handler->calls_under_way() == 0 || pool.activeThreadCount() == 0)
      std::this_thread::sleep_for(1ms);
    active = pool.activeThreadCount();
    app.promise.set_value();
    caller.read_answer();
  });
  CHECK(active == 1);
}

TEST_CASE(
    "qt: a client that sends its request too slowly is disconnected, one that waits for its call is not",
    "[qt][limits]") {
  qt_app app;
  const int port = app.listen();
  app.listener->set_timeout(3s);  // a busy machine is slow to send a request, too
  std::string rest = "not read", called;
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    http_connection slow(port);
    slow.send("POST /api/inngest HTTP/1.1\r\n");
    rest = slow.read_rest();
    std::this_thread::sleep_for(3s);  // so that the call took longer
    app.promise.set_value();
    called = caller.read_answer().body;
  });
  CHECK(rest.empty());
  CHECK_THAT(called, ContainsSubstring("\"data\":true"));
}

TEST_CASE("qt: a body over the limit is refused, also on a server that listens without the adapter",
          "[qt][limits]") {
  qt_app app;
  app.listen({.max_body_size = 1000});
  QTcpServer plain;
  REQUIRE(plain.listen(QHostAddress::LocalHost));
  app.server.bind(&plain);
  int status = 0;
  serve_until_done([&] {
    http_connection caller(plain.serverPort());
    caller.send(request_text("POST", "/api/inngest?fnId=app-f", std::string(200'000, 'x')));
    status = caller.read_answer().status;
    caller.read_rest();  // the connection is closed
  });
  CHECK(status == 413);
}

TEST_CASE("qt: a streamed call may wait longer than its client may be idle, also without heartbeats",
          "[qt][streaming]") {
  qt_app app;
  const int port = app.listen({.streaming = true, .heartbeat = 1h});
  app.listener->set_timeout(3s);  // a busy machine is slow to send a request, too
  std::string answer, rest = "not read";
  serve_until_done([&] {
    http_connection caller(port);
    caller.send(app.call());
    caller.read_until("\r\n\r\n");    // the answer has begun
    std::this_thread::sleep_for(5s);  // so that the call waits longer
    app.promise.set_value();
    answer = caller.read_until("0\r\n\r\n");
    rest = caller.read_rest();  // then the client is idle
  });
  CHECK_THAT(answer, ContainsSubstring("\"status\":206"));
  CHECK(rest.empty());
}

namespace {

/// The number of functions that are called when a connection is closed.
struct connection_watchers : QObject {
  static int of(QObject& socket) {
    const auto receivers = &connection_watchers::receivers;
    return (socket.*receivers)(SIGNAL(disconnected()));
  }
};

}  // namespace

TEST_CASE("qt: calls on a kept connection leave nothing behind", "[qt][connection]") {
  qt_app app;
  const int port = app.listen();
  app.promise.set_value();
  int after_one = 0, after_many = 0;
  serve_until_done([&] {
    http_connection caller(port);
    const auto count_after = [&](int calls) {
      int out = 0;
      for (int i = 0; i < calls; ++i) {
        caller.send(app.call());
        caller.read_answer();
      }
      const auto count = [&] {
        for (QTcpSocket* const socket : app.server.findChildren<QTcpSocket*>())
          out += connection_watchers::of(*socket);
      };
      QMetaObject::invokeMethod(&app.server, count, Qt::BlockingQueuedConnection);
      return out;
    };
    after_one = count_after(1);
    after_many = count_after(20);
  });
  CHECK(after_one > 0);
  CHECK(after_many == after_one);
}

namespace {

/// Leaves the process one more descriptor to open.
class scarce_descriptors {
 public:
  scarce_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    low.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int more; (more = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) opened_.push_back(more);
    if (opened_.empty()) throw std::runtime_error("too many descriptors are open for the test");
    ::close(opened_.back());
    opened_.pop_back();
  }
  scarce_descriptors(const scarce_descriptors&) = delete;
  scarce_descriptors& operator=(const scarce_descriptors&) = delete;
  ~scarce_descriptors() {
    for (const int opened : opened_) ::close(opened);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> opened_{};
};

}  // namespace

TEST_CASE("qt: clients are accepted again after the process had no descriptor for one", "[qt][connection]") {
  qt_app app;
  const int port = app.listen();
  std::atomic<bool> has_failed = false;
  QObject::connect(app.listener.get(), &QTcpServer::acceptError, [&] { has_failed = true; });
  int status = 0;
  serve_until_done([&] {
    auto scarce = std::make_unique<scarce_descriptors>();
    http_connection caller(port);
    const bool failed = support::eventually([&] { return has_failed.load(); });
    scarce.reset();
    if (!failed) return;
    caller.send(request_text("GET", "/api/inngest"));
    status = caller.read_answer().status;
  });
  CHECK(has_failed);
  CHECK(status == 200);
}
