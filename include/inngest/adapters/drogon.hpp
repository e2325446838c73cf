#pragma once

#include <drogon/drogon.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <inngest/adapters/detail/path_text.hpp>
#include <inngest/config.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// An answer to a Drogon request, which may be given from any thread.
class drogon_exchange final : public http::exchange {
 public:
  using callback = std::function<void(const drogon::HttpResponsePtr&)>;

  explicit drogon_exchange(callback answer) : answer_(std::move(answer)) {}

  void send(http::response answer) override {
    const auto out = drogon::HttpResponse::newHttpResponse();
    out->setStatusCode(static_cast<drogon::HttpStatusCode>(answer.status));
    for (const auto& [name, value] : answer.headers) {
      if (name == "content-type")
        out->setContentTypeString(value);
      else
        out->addHeader(name, value);
    }
    out->setBody(std::move(answer.body));
    answer_(out);
  }
  bool is_open() const override { return true; }  // Drogon does not report when the client disconnects

  bool streams() const override { return false; }  // so that these are not called:
  void begin(http::response) override {}
  bool write(std::string) override { return false; }
  void end() override {}

 private:
  callback answer_;
};

inline http::request to_request(const drogon::HttpRequestPtr& from) {
  http::request out{.method = from->isHead() ? "HEAD" : from->methodString(),
                    .url = from->path(),
                    .body = std::string(from->body())};
  if (!from->query().empty()) out.url += '?' + from->query();
  for (const auto& [name, value] : from->headers()) out.headers.add(name, value);
  return out;
}

}  // namespace detail

/// Serves a handler on `drogon::app()` of Drogon 1.9 or later. Call serve() before `run()`. Calls run on
/// `serve_options::executor`; Drogon's threads never wait for them.
///
/// - serve() sets Drogon's maximum body size, which applies to all routes of the app, to the largest
///   `max_body_size` of all handlers, and lets Drogon keep such bodies in memory.
/// - Drogon closes a connection after a minute without traffic, even while a call runs. Set
///   `setIdleConnectionTimeout()` to more than the duration of your longest call.
/// - Answers are not streamed. drain() returns when answers have been passed to Drogon, which writes them
///   immediately.
template <std::derived_from<drogon::HttpAppFramework> App>
struct adapter<App> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "drogon";

  /// Adds the handler's route to the app.
  /// \throws configuration_error when the path is a pattern to Drogon, such as "/a/{b}".
  static void mount(drogon::HttpAppFramework& app, const handler& handler) {
    detail::refuse_in_path(handler.options().path, "{}?", framework);
    static std::size_t limit = 0;  // for all handlers: Drogon has one app, with one limit
    limit = (std::max)(limit, handler.options().max_body_size);
    app.setClientMaxBodySize(limit);
    app.setClientMaxMemoryBodySize(limit);
    app.registerHandler(
        handler.options().path,
        [handler](const drogon::HttpRequestPtr& request, detail::drogon_exchange::callback&& answer) {
          handler(detail::to_request(request),
                  http::reply(std::make_shared<detail::drogon_exchange>(std::move(answer))));
        },
        {drogon::Get, drogon::Put, drogon::Post, drogon::Delete, drogon::Patch});
  }
};

}  // namespace inngest::inline INNGEST_ABI
