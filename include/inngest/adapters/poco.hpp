#pragma once

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/StreamSocket.h>

#include <algorithm>
#include <cstddef>
#include <ios>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

// Serves functions on the HTTP server of the POCO C++ Libraries, version 1.11 or later.

namespace inngest::inline INNGEST_ABI {

namespace detail::poco {

/// Reads the body up to the limit. Returns false when it is larger.
/// POCO 1.11 would read a body without a length until the client closes the connection, so such a request has
/// no body.
inline bool read_body(Poco::Net::HTTPServerRequest& request, std::size_t limit, std::string& body) {
  constexpr std::size_t block = 64 * 1024;
  std::size_t end = (std::min)(limit, body.max_size() - 1) + 1;  // read() waits for all requested bytes
  if (!request.getChunkedTransferEncoding()) {
    if (!request.hasContentLength()) return true;
    end = static_cast<std::size_t>((std::max<Poco::Int64>)(0, request.getContentLength64()));
    if (end > limit) return false;
    constexpr std::size_t max_at_once = 8 * 1024 * 1024;  // the client may send less
    body.reserve((std::min)(end, max_at_once));
  }
  std::istream& in = request.stream();
  while (in.good() && body.size() < end) {
    const std::size_t size = body.size();
    const std::size_t wanted = (std::min)(block, end - size);
    body.resize(size + wanted);
    in.read(body.data() + size, static_cast<std::streamsize>(wanted));
    body.resize(size + static_cast<std::size_t>(in.gcount()));
  }
  return body.size() <= limit;
}

/// Whether a body of known length was received completely. POCO ends the stream when the client disconnects.
/// Whether the last chunk of a body in chunks has arrived, it does not tell.
inline bool is_whole(const Poco::Net::HTTPServerRequest& request, const std::string& body) {
  if (!request.hasContentLength() || request.getChunkedTransferEncoding()) return true;
  return static_cast<Poco::Int64>(body.size()) >= request.getContentLength64();
}

/// Closes the connection, so that POCO can't write the end of an answer whose function failed.
inline void break_off(const Poco::Net::HTTPServerRequest& request) {
  const auto* const known = dynamic_cast<const Poco::Net::HTTPServerRequestImpl*>(&request);
  if (known) const_cast<Poco::Net::HTTPServerRequestImpl*>(known)->socket().shutdown();
}

inline void send_in_pieces(const http::response& answer, const Poco::Net::HTTPServerRequest& request,
                           Poco::Net::HTTPServerResponse& to) {
  // Older clients read the body until POCO closes the connection.
  to.setChunkedTransferEncoding(request.getVersion() == Poco::Net::HTTPMessage::HTTP_1_1);
  std::ostream& body = to.send();
  body.flush();
  try {
    answer.stream([&](std::string_view piece) {
      body.write(piece.data(), static_cast<std::streamsize>(piece.size()));
      body.flush();
      return body.good();
    });
  } catch (...) {  // the handler has logged it
    break_off(request);
  }
}

inline void send(const http::response& answer, const Poco::Net::HTTPServerRequest& request,
                 Poco::Net::HTTPServerResponse& to) {
  to.setStatusAndReason(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(answer.status));
  for (const auto& [name, value] : answer.headers) to.add(name, value);
  if (answer.stream) return send_in_pieces(answer, request, to);
  if (request.getMethod() == Poco::Net::HTTPRequest::HTTP_HEAD) {
    to.send();  // only the head; sendBuffer() would add a content-length of 0, which is not that of GET
    return;
  }
  to.sendBuffer(answer.body.data(), answer.body.size());
}

inline void refuse(int status, const char* why, const Poco::Net::HTTPServerRequest& request,
                   Poco::Net::HTTPServerResponse& to) {
  to.set("connection", "close");  // the rest of the body is not read
  send(serving::bare_answer(status, why), request, to);
}

}  // namespace detail::poco

/// Answers one request on this thread; it takes as long as the call. Call it in the `handleRequest` of your
/// own POCO handler. It reads the body up to `serve_options::max_body_size`; larger bodies get status 413. It
/// ignores the path.
inline void answer(const handler& handler, Poco::Net::HTTPServerRequest& request,
                   Poco::Net::HTTPServerResponse& response) {
  http::request asked{.method = request.getMethod(), .url = request.getURI()};
  for (const auto& [name, value] : request) asked.headers.add(name, value);
  if (!detail::poco::read_body(request, handler.options().max_body_size, asked.body))
    return detail::poco::refuse(413, "the body is too large", request, response);
  if (!detail::poco::is_whole(request, asked.body))
    return detail::poco::refuse(400, "the body is shorter than its content-length", request, response);
  detail::poco::send(handler(std::move(asked)), request, response);
}

/// The factory of a `Poco::Net::HTTPServer` that serves functions:
///
///     Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
///     inngest::serve(*factory, app, {hello});
///     Poco::Net::HTTPServer server(factory, 3000, new Poco::Net::HTTPServerParams);
///
/// POCO answers each connection on a thread of a pool, which has 16 threads by default. Pass the server a
/// larger `Poco::ThreadPool` to run more calls at the same time.
class poco_handler_factory : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  /// Answers requests for other paths with 404.
  poco_handler_factory() = default;
  /// Passes requests for other paths to your factory.
  explicit poco_handler_factory(Poco::Net::HTTPRequestHandlerFactory::Ptr others)
      : others_(std::move(others)) {}

  /// Serves a handler at its path. Call it before the server starts.
  void add(handler handler) { handlers_.push_back(std::move(handler)); }

  /// Called by the server. Creates the object that answers a request.
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest& request) override {
    const std::string path = http::request{.url = request.getURI()}.path();
    for (const handler& handler : handlers_) {
      if (handler.options().path == path) return new served(handler);
    }
    if (others_) return others_->createRequestHandler(request);
    return new not_found;
  }

 private:
  class served final : public Poco::Net::HTTPRequestHandler {
   public:
    explicit served(handler handler) : handler_(std::move(handler)) {}
    void handleRequest(Poco::Net::HTTPServerRequest& request,
                       Poco::Net::HTTPServerResponse& response) override {
      answer(handler_, request, response);
    }

   private:
    handler handler_;
  };

  class not_found final : public Poco::Net::HTTPRequestHandler {
   public:
    void handleRequest(Poco::Net::HTTPServerRequest& request,
                       Poco::Net::HTTPServerResponse& response) override {
      detail::poco::refuse(404, "not found", request, response);
    }
  };

  std::vector<handler> handlers_;
  Poco::Net::HTTPRequestHandlerFactory::Ptr others_;
};

/// Serves a handler on a POCO server through its factory. Call serve() before the server starts.
template <>
struct adapter<poco_handler_factory> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "poco";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds the handler to the factory.
  static void mount(poco_handler_factory& factory, const handler& handler) { factory.add(handler); }
};

}  // namespace inngest::inline INNGEST_ABI
