// The suite of all adapters on cpp-httplib's server.

#include <inngest/adapters/httplib.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "suite.hpp"
#include "support/own_sockets.hpp"

namespace {

class server_of_httplib final : public suite::running_server {
 public:
  server_of_httplib(const inngest::client& app, std::vector<inngest::any_function> functions,
                    inngest::serve_options options, int port)
      : handler_(suite::serve(server_, app, std::move(functions), std::move(options))), port_(port) {
    const bool bound = port == 0 ? (port_ = server_.bind_to_any_port("127.0.0.1")) > 0
                                 : server_.bind_to_port("127.0.0.1", port);
    if (!bound) throw std::runtime_error("the port is in use");
    server_.set_keep_alive_timeout(60);
    server_.set_keep_alive_max_count(1000);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~server_of_httplib() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    if (!thread_.joinable()) return;
    server_.stop();
    // It waits for the next request of each connection, which is to end now.
    for (const int socket : support::sockets_on(port_)) ::shutdown(socket, SHUT_RD);
    thread_.join();
  }

 private:
  httplib::Server server_;
  inngest::handler handler_;
  int port_;
  std::thread thread_;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "cpp-httplib",
                             .uses_executor = false,
                             .notices_gone_clients = false,
                             .refuses_early = false,
                             .pipelines = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_httplib>(app, std::move(functions), std::move(options), port);
}
