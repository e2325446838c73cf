// The suite of all adapters on RESTinio.

#include <inngest/adapters/restinio.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "suite.hpp"
#include "support/free_port.hpp"

namespace {

using router_type = restinio::router::express_router_t<>;

struct server_traits : restinio::default_traits_t {
  using request_handler_t = router_type;
};

class server_of_restinio final : public suite::running_server {
 public:
  server_of_restinio(const inngest::client& app, std::vector<inngest::any_function> functions,
                     inngest::serve_options options, int port)
      : port_(port != 0 ? port : support::free_port()),
        handler_(suite::serve(*router_, app, std::move(functions), std::move(options))) {
    router_->non_matched_request_handler(
        [](auto request) { return request->create_response(restinio::status_not_found()).done(); });
    restinio::server_settings_t<server_traits> settings;
    inngest::configure_restinio(settings, {handler_, suite::endpoint_handler.value_or(handler_)});
    settings.port(static_cast<std::uint16_t>(port_))
        .address("127.0.0.1")
        .max_pipelined_requests(4)
        .request_handler(std::move(router_));
    server_ = restinio::run_async(restinio::own_io_context(), std::move(settings), 2);
  }
  ~server_of_restinio() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    if (std::exchange(is_stopped_, true) || !server_) return;
    handler_.drain(std::chrono::seconds(60));  // calls need the server
    server_->stop();
    server_->wait();
  }

 private:
  int port_;
  std::unique_ptr<router_type> router_ = std::make_unique<router_type>();
  inngest::handler handler_;
  restinio::running_server_handle_t<server_traits> server_;
  bool is_stopped_ = false;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "restinio",
                             .notices_gone_clients = false,
                             .refuses_early = false,
                             .breaks_off = false,
                             .outlives_server = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_restinio>(app, std::move(functions), std::move(options), port);
}
