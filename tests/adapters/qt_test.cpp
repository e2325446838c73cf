// The suite of all adapters on Qt's HTTP server, and what is special about Qt.

#include <inngest/adapters/qt.hpp>

#include <QtCore/QCoreApplication>

#include <atomic>
#include <chrono>
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
  static QCoreApplication application(count, arguments);
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
          inngest::serve(server, app, std::move(functions), std::move(options)));
      listener = std::make_unique<inngest::qt_tcp_server>(*handler_);
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
  static const framework out{
      .name = "qt", .refuses_early = false, .pipelines = QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_qt>(app, std::move(functions), std::move(options), port);
}
