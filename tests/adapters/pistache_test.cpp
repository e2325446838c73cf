// The suite of all adapters on Pistache's endpoint, and what is special about Pistache.

#include <inngest/adapters/pistache.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
namespace pistache = Pistache::Http;

pistache::Endpoint::Options options() {
  using Pistache::Tcp::Options;
  return pistache::Endpoint::options().threads(2).flags(Options::ReuseAddr | Options::NoDelay);
}

Pistache::Address loopback(int port) {
  return {Pistache::Ipv4::loopback(), Pistache::Port(static_cast<std::uint16_t>(port))};
}

class server_of_pistache final : public suite::running_server {
 public:
  server_of_pistache(const inngest::client& app, std::vector<inngest::any_function> functions,
                     inngest::serve_options serve_options, int port)
      : endpoint_(std::make_unique<pistache::Endpoint>(loopback(port))),
        handler_((endpoint_->init(options()),
                  inngest::serve(*endpoint_, app, std::move(functions), std::move(serve_options)))) {
    endpoint_->serveThreaded();
    port_ = endpoint_->getPort();
  }
  ~server_of_pistache() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    if (endpoint_) endpoint_->shutdown();
    endpoint_.reset();
  }

 private:
  std::unique_ptr<pistache::Endpoint> endpoint_;
  inngest::handler handler_;
  int port_ = 0;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "pistache", .pipelines = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_pistache>(app, std::move(functions), std::move(options), port);
}
