#pragma once

#include <restinio/all.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <inngest/adapters/detail/path_text.hpp>
#include <inngest/config.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI {

namespace detail {

/// The answer to a RESTinio request. Another thread produces it; RESTinio writes it on its own threads.
template <class Request>
class restinio_exchange final : public http::exchange,
                                public std::enable_shared_from_this<restinio_exchange<Request>> {
 public:
  explicit restinio_exchange(std::shared_ptr<Request> request) : request_(std::move(request)) {}

  void send(http::response answer) override {
    auto out = request_->create_response(status_of(answer));
    add_headers(out, answer);
    out.set_body(std::move(answer.body));
    out.done(until_written());
  }

  void begin(http::response head) override {
    pieces_.emplace(request_->template create_response<restinio::chunked_output_t>(status_of(head)));
    add_headers(*pieces_, head);
    pieces_->flush();
  }

  bool write(std::string piece) override {
    if (piece.empty()) return is_open_;
    pieces_->append_chunk(std::move(piece));
    pieces_->flush(until_written());
    return is_open_;
  }

  void end() override { pieces_->done(until_written()); }

  bool is_open() const override { return is_open_; }

  /// Clients of HTTP/1.0 know no chunks. RESTinio does not tell a request's version, but only theirs end the
  /// connection without a field that says so. Those that send a Connection field are not recognized.
  bool streams() const override {
    const restinio::http_request_header_t& header = request_->header();
    return header.should_keep_alive() || header.has_field("connection");
  }

 private:
  static restinio::http_status_line_t status_of(const http::response& answer) {
    return {restinio::http_status_code_t(static_cast<std::uint16_t>(answer.status)), "Answer"};
  }

  template <class Output>
  static void add_headers(restinio::response_builder_t<Output>& out, const http::response& answer) {
    for (const auto& [name, value] : answer.headers) out.append_header(name, value);
    if (answer.status == 413) out.connection_close();
  }

  /// Keeps this object alive until RESTinio has written the data.
  restinio::write_status_cb_t until_written() {
    return [self = this->shared_from_this()](const restinio::asio_ns::error_code& error) {
      if (error) self->is_open_ = false;
    };
  }

  const std::shared_ptr<Request> request_;
  std::optional<restinio::response_builder_t<restinio::chunked_output_t>> pieces_;
  std::atomic<bool> is_open_ = true;
};

}  // namespace detail

/// Answers a request of RESTinio 0.6 (Debian 12: 0.6.16) in a request handler of your own:
///
///     settings.request_handler([endpoint](restinio::request_handle_t request) {
///       if (request->header().path() == endpoint.options().path)
///         return inngest::answer(endpoint, std::move(request));
///       return restinio::request_rejected();
///     });
///
/// It returns immediately. The call runs on `serve_options::executor`, and must end before the server is
/// destroyed, because it writes its answer through the server: first repeat `handler::drain` until it returns
/// true.
template <class Request>
restinio::request_handling_status_t answer(const handler& endpoint, std::shared_ptr<Request> request) {
  const restinio::http_request_header_t& header = request->header();
  http::request asked{.method = header.method().c_str(), .url = header.request_target()};
  header.for_each_field([&](const auto& field) { asked.headers.add(field.name(), field.value()); });
  // RESTinio gives only a const reference, but the body is not a const object, and nothing else uses it.
  asked.body = std::move(const_cast<std::string&>(request->body()));
  endpoint(std::move(asked),
           http::reply(std::make_shared<detail::restinio_exchange<Request>>(std::move(request))));
  return restinio::request_accepted();
}

/// Changes settings of a RESTinio server as served functions need them: answers are sent without delay
/// (TCP_NODELAY), a call may take hours instead of 10 seconds, and connections with oversized header fields
/// or bodies are closed. Pass all handlers of the server: it reads bodies up to the largest of their limits,
/// and each handler enforces its own.
///
/// RESTinio closes such connections without an answer. Therefore it reads slightly more than the handlers'
/// limit, so that the handler can answer slightly oversized bodies with 413.
template <class Settings>
void configure_restinio(Settings& settings, std::initializer_list<handler> endpoints) {
  constexpr std::size_t tolerance = 64 * 1024;
  std::size_t limit = 0;
  for (const handler& endpoint : endpoints) limit = (std::max)(limit, endpoint.options().max_body_size);
  settings.socket_options_setter(
      [](auto& options) { options.set_option(restinio::asio_ns::ip::tcp::no_delay(true)); });
  settings.handle_request_timeout(std::chrono::hours(24));
  settings.write_http_response_timelimit(std::chrono::seconds(60));
  settings.incoming_http_msg_limits(restinio::incoming_http_msg_limits_t()
                                        .max_url_size(16 * 1024)
                                        .max_field_name_size(1024)
                                        .max_field_value_size(64 * 1024)
                                        .max_field_count(200)
                                        .max_body_size(limit + tolerance));
}

/// Like the function above, for a server with one handler.
template <class Settings>
void configure_restinio(Settings& settings, const handler& endpoint) {
  configure_restinio(settings, std::initializer_list<handler>{endpoint});
}

/// Serves handlers on RESTinio's express router.
template <class RegexEngine, class ExtraData>
struct adapter<restinio::router::generic_express_router_t<RegexEngine, ExtraData>> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "restinio";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds a route for all methods at the handler's path.
  static void mount(restinio::router::generic_express_router_t<RegexEngine, ExtraData>& router,
                    const handler& handler) {
    router.add_handler(any_method(), detail::escaped_path(handler.options().path, "\\:()"),
                       restinio::path2regex::options_t().sensitive(true).strict(true),
                       [handler](auto request, restinio::router::route_params_t) {
                         return answer(handler, std::move(request));
                       });
  }

 private:
  struct any_method final : restinio::router::method_matcher_t {
    any_method() = default;
    bool match(const restinio::http_method_id_t&) const noexcept override { return true; }
  };
};

}  // namespace inngest::inline INNGEST_ABI
