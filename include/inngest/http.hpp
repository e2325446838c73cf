#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>

/// HTTP messages as plain values, and the interface for sending them. Adapters convert their framework's
/// types to these.
namespace inngest::inline INNGEST_ABI::http {

/// Header fields, in order. Names are case-insensitive.
class headers {
 public:
  /// No fields.
  headers() = default;
  /// The given names and values.
  headers(std::initializer_list<std::pair<std::string, std::string>> fields);

  /// Adds a field, even if one of the same name exists. Carriage returns, line feeds and zero bytes, which
  /// could end the field and start another one, become spaces. Spaces and tabs around the value are removed:
  /// they have no meaning in HTTP, and some clients refuse to send them.
  void add(std::string name, std::string value);

  /// The value of the first field with the name; `nullopt` when there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  /// Iterates over pairs of name and value.
  auto begin() const { return fields_.begin(); }
  /// The end of the fields.
  auto end() const { return fields_.end(); }

  /// The pairs of name and value themselves, so that they need not be copied.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> release() && { return std::move(fields_); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Decodes %xx and +, as in a query. A % that does not start an escape is left as is.
[[nodiscard]] std::string percent_decoded(std::string_view text);

/// Encodes everything but unreserved characters as %xx.
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// An HTTP request.
struct request {
  /// The method, in upper case.
  std::string method = "GET";
  /// The target as received, such as "/api/inngest?fnId=a", or the URL to send to.
  std::string url;
  /// The header fields.
  http::headers headers{};
  /// The body's bytes.
  std::string body{};

  /// A decoded parameter of the URL's query; `nullopt` when it is absent.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;

  /// The URL without its origin and query: "/api/inngest". A URL that begins with a slash has no origin.
  [[nodiscard]] std::string path() const;
};

/// Sends a piece of a body. Returns false when the client has disconnected.
using chunk_writer = std::function<bool(std::string_view chunk)>;

/// An HTTP response.
struct response {
  /// The status code.
  int status = 200;
  /// The header fields.
  http::headers headers{};
  /// The body's bytes.
  std::string body{};
  /// If set, it is called instead of sending `body`, and writes the body in pieces as it is produced.
  std::function<void(const chunk_writer& write)> stream{};
};

struct streaming;

/// Sends a client's requests, such as events and registrations. Implement it to use another HTTP library.
class transport {
 public:
  virtual ~transport() = default;

  /// Sends a request with an absolute `url` and returns the answer, whatever its status. Called from many
  /// threads.
  /// \throws inngest::unreachable when no answer arrives before the timeout.
  virtual response send(const request& request, std::chrono::milliseconds timeout) = 0;

  /// Sends a request and passes on its answer as it arrives, such as server-sent events: see
  /// <inngest/http/streaming.hpp>. Returns when the answer is complete or the handlers end it. Called from
  /// many threads. Only realtime subscriptions and streams need it. The default throws configuration_error,
  /// because the transport can't stream.
  /// \throws inngest::unreachable when no answer arrives or the connection breaks.
  virtual void stream(const request& request, const streaming& handlers);
};

}  // namespace inngest::inline INNGEST_ABI::http

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/http.ipp>
#endif
