#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <inngest/adapters/beast_options.hpp>
#include <inngest/adapters/detail/beast_listener.hpp>
#include <inngest/config.hpp>
#include <inngest/executor.hpp>
#include <inngest/http.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI {

namespace detail {

/// The answer to a request that the user's own session has read.
class beast_reply_exchange final : public http::exchange,
                                   public std::enable_shared_from_this<beast_reply_exchange> {
 public:
  using response = boost::beast::http::response<boost::beast::http::string_body>;
  using done_function = std::function<void(response answer, std::shared_ptr<void> under_way)>;

  beast_reply_exchange(boost::asio::any_io_executor executor, done_function done, unsigned version,
                       bool keeps_alive, bool is_head)
      : executor_(std::move(executor)),
        done_(std::move(done)),
        version_(version),
        keeps_alive_(keeps_alive),
        is_head_(is_head) {}

  void send(http::response answer) override {
    response out{static_cast<boost::beast::http::status>(answer.status), version_};
    for (const auto& [name, value] : answer.headers) out.insert(name, value);
    const bool has_content = answer.status >= 200 && answer.status != 204 && answer.status != 304;
    if (has_content) out.content_length(answer.body.size());
    if (has_content && !is_head_) out.body() = std::move(answer.body);
    out.keep_alive(keeps_alive_);
    boost::asio::post(executor_, [self = shared_from_this(), out = std::move(out)]() mutable {
      const done_function done = std::exchange(self->done_, nullptr);
      done(std::move(out), std::move(self));
    });
  }

  bool is_open() const override { return true; }
  bool streams() const override { return false; }
  void begin(http::response) override {}
  bool write(std::string) override { return false; }
  void end() override {}

 private:
  const boost::asio::any_io_executor executor_;
  done_function done_;
  const unsigned version_;
  const bool keeps_alive_;
  const bool is_head_;
};

}  // namespace detail

/// Answers one request of your own Beast session, and returns immediately. When the answer is available,
/// `done` is called once on `executor`, usually the executor of the session's stream:
///
///     inngest::answer(endpoint, std::move(request), stream.get_executor(),
///                           [self](auto answer, auto under_way) {
///                             self->write(std::move(answer), std::move(under_way));
///                           });
///
/// Keep `under_way` until the answer has been written: `handler::drain` waits for it. Call answer() for
/// requests whose path is `endpoint.options().path`. Before reading a body, set the parser's `body_limit` to
/// `options().max_body_size`. Answers are not streamed, and calls are not asked to stop when their client
/// disconnects; a beast_server does both. The executor must outlive the call, so drain the handler before you
/// destroy an io_context.
template <class Fields, class Done>
  requires std::invocable<Done&, boost::beast::http::response<boost::beast::http::string_body>,
                          std::shared_ptr<void>>
void answer(const handler& endpoint,
            boost::beast::http::request<boost::beast::http::string_body, Fields> request,
            const boost::asio::any_io_executor& executor, Done done) {
  http::request asked{.method = std::string(request.method_string()),
                      .url = std::string(request.target()),
                      .body = std::move(request.body())};
  for (const auto& field : request)
    asked.headers.add(std::string(field.name_string()), std::string(field.value()));
  auto exchange = std::make_shared<detail::beast_reply_exchange>(
      executor, std::move(done), request.version(), request.keep_alive(), asked.method == "HEAD");
  endpoint(std::move(asked), http::reply(std::move(exchange)));
}

/// Runs calls on the threads of an Asio executor, for `serve_options::executor`: those of a
/// `boost::asio::thread_pool`, or the threads of the io_context that serves. The latter avoids thread
/// switches, which take most of the time of a short call, but a function that blocks then also blocks the
/// other connections of its thread. The executor's context must outlive the calls.
class asio_executor final : public executor {
 public:
  /// Runs calls on this executor.
  explicit asio_executor(boost::asio::any_io_executor where) : where_(std::move(where)) {}
  /// Never refuses work.
  bool post(std::function<void()> work) override {
    boost::asio::post(where_, std::move(work));
    return true;
  }

 private:
  const boost::asio::any_io_executor where_;
};

/// A small HTTP/1 server on Boost.Asio, for apps that run an `io_context` and have no HTTP server:
///
///     boost::asio::io_context io;
///     inngest::beast_server server(io, {.port = 3000});
///     inngest::serve(server, app, {ingest});
///     io.run();
///
/// The threads that run the io_context never wait for a call: calls run on `serve_options::executor`. One
/// thread serves many connections, and several threads may run the same io_context. Requests for paths that
/// are not served get status 404. Needs Boost 1.74 or later; no Boost library has to be linked.
class beast_server {
 public:
  /// Binds the address and listens. Accepts connections only after serve() was called.
  /// \throws boost::system::system_error when the address can't be bound, for example because the port is in
  /// use.
  explicit beast_server(const boost::asio::any_io_executor& executor, beast_options options = {})
      : listener_(std::make_shared<detail::beast_listener>(executor, std::move(options))) {}
  /// Like the constructor above, with an io_context or thread_pool of Asio, which must outlive the server.
  template <std::derived_from<boost::asio::execution_context> Context>
  explicit beast_server(Context& context, beast_options options = {})
      : beast_server(boost::asio::any_io_executor(context.get_executor()), std::move(options)) {}
  beast_server(const beast_server&) = delete;
  beast_server& operator=(const beast_server&) = delete;
  /// Calls stop().
  ~beast_server() { listener_->stop(); }

  /// The port that it listens on.
  [[nodiscard]] int port() const { return listener_->port(); }

  /// Stops listening and closes all connections. Running calls continue without a client, so call
  /// `handler::drain` first. May be called from any thread, and more than once.
  void stop() { listener_->stop(); }

 private:
  friend struct adapter<beast_server>;
  std::shared_ptr<detail::beast_listener> listener_;
};

/// Serves handlers on a beast_server.
template <>
struct adapter<beast_server> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "boost-beast";
  /// The adapter can stream answers.
  static constexpr bool streams = true;
  /// From now on, answers requests at the handler's path. Does not affect connections that are already open.
  static void mount(beast_server& server, const handler& handler) { server.listener_->add(handler); }
};

}  // namespace inngest::inline INNGEST_ABI
