#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>

// HTTP messages as values: adapters convert their framework's types to these, and transports send them.

/// HTTP messages as values, and the interface for sending them.
namespace inngest::http {

/// Header fields, in order. Names are case-insensitive.
class headers {
 public:
  /// No fields.
  headers() = default;
  /// The given names and values.
  headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  /// Adds a field; fields of the same name are kept.
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }

  /// The value of the first field with the name; `nullopt` when there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
      if (same_name(field, name)) return value;
    }
    return std::nullopt;
  }

  /// Iterates over pairs of name and value.
  auto begin() const { return fields_.begin(); }
  /// The end of the fields.
  auto end() const { return fields_.end(); }

 private:
  static bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
  }

  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Decodes %xx and +, as in a query. A % that does not start an escape is kept.
[[nodiscard]] inline std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && detail::hex_digit(text[i + 1]) >= 0 &&
               detail::hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(detail::hex_digit(text[i + 1]) * 16 + detail::hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// Encodes everything but unreserved characters as %xx.
[[nodiscard]] inline std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

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
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    const std::size_t mark = url.find('?');
    if (mark == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view(url).substr(mark + 1);
    rest = rest.substr(0, rest.find('#'));
    while (!rest.empty()) {
      const std::size_t end = rest.find('&');
      const std::string_view pair = rest.substr(0, end);
      const std::size_t equals = pair.find('=');
      if (!pair.empty() && percent_decoded(pair.substr(0, equals)) == name) {
        return equals == std::string_view::npos ? std::string() : percent_decoded(pair.substr(equals + 1));
      }
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return std::nullopt;
  }

  /// The URL without its origin and query: "/api/inngest".
  [[nodiscard]] std::string path() const {
    std::string_view rest = std::string_view(url).substr(0, url.find_first_of("?#"));
    const std::size_t scheme = rest.find("://");
    if (scheme != std::string_view::npos) {
      rest = rest.substr(scheme + 3);
      const std::size_t slash = rest.find('/');
      rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    }
    return std::string(rest);
  }
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
  /// If set, it is called instead of using `body`, and writes the body in pieces while it is produced.
  std::function<void(const chunk_writer& write)> stream{};
};

/// Sends a client's requests, such as events and registrations. Implement it to use another HTTP library.
class transport {
 public:
  virtual ~transport() = default;

  /// Sends a request with an absolute `url` and returns the answer; any status is an answer. Called from many
  /// threads. \throws inngest::unreachable when no answer arrives before the timeout.
  virtual response send(const request& request, std::chrono::milliseconds timeout) = 0;
};

}  // namespace inngest::http
