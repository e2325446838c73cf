// The suite of all adapters on Boost.Beast, and what is special about it.

#include <inngest/adapters/beast.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "suite.hpp"

namespace {

class server_of_beast final : public suite::running_server {
 public:
  server_of_beast(const inngest::client& app, std::vector<inngest::any_function> functions,
                  inngest::serve_options options, int port)
      : server_(io_, {.port = static_cast<unsigned short>(port)}),
        handler_(inngest::serve(server_, app, std::move(functions), std::move(options))) {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { io_.run(); });
  }
  ~server_of_beast() override { stop(); }

  int port() const override { return server_.port(); }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    server_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  boost::asio::io_context io_;
  inngest::beast_server server_;
  inngest::handler handler_;
  std::vector<std::thread> threads_;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "boost-beast"};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_beast>(app, std::move(functions), std::move(options), port);
}
