#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/optional/optional.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Parses a request directly into an http::request, and finds its handler.
class beast_parser final : public boost::beast::http::basic_parser<true> {
 public:
  using error_code = boost::system::error_code;
  using text = boost::beast::string_view;
  using routes = std::vector<handler>;

  beast_parser(const routes& all, std::uint32_t max_header_size) : routes_(all) {
    eager(true);
    header_limit(max_header_size);
    // The handler limits the body. Not boost::none, above which Boost 1.74 holds every length to be.
    body_limit((std::numeric_limits<std::uint64_t>::max)());
  }

  /// Null when no handler serves the path.
  const handler* route() const { return route_; }
  http::request& request() { return request_; }
  /// Whether the client speaks HTTP/1.0, and so knows no chunks.
  bool is_old() const { return is_old_; }
  /// Whether the whole request was received.
  bool is_complete() const { return is_done() || (is_header_done() && length_ && received_ == *length_); }
  /// Whether the rest of the body can be read directly into it, past Beast's parser: its length is known.
  bool reads_directly() const { return is_header_done() && length_ && received_ < *length_; }
  /// Makes memory for the next bytes of the body, about as much as it has by now: a client may send less than
  /// it says.
  void make_room();
  /// Where to read them.
  boost::asio::mutable_buffer next_part() {
    return {request_.body.data() + received_, request_.body.size() - received_};
  }
  /// Called with how many of them were read.
  void received(std::size_t size) { received_ += size; }
  /// Whether the client waits for permission to send the body ("Expect: 100-continue"). True only once.
  bool asks_to_continue() { return std::exchange(asks_to_continue_, false); }

 private:
  /// How much of a body is read before its request gets status 404.
  static constexpr std::size_t max_ignored_body = 64 * 1024;
  /// How much memory is reserved for a body before it arrives. Most of it is not used until it does.
  static constexpr std::size_t max_at_once = 8 * 1024 * 1024;

  void on_request_impl(boost::beast::http::verb, text method, text target, int version,
                       error_code&) override {
    request_.method.assign(method.data(), method.size());
    request_.url.assign(target.data(), target.size());
    is_old_ = version < 11;
  }

  void on_response_impl(int, text, int, error_code&) override {}

  void on_field_impl(boost::beast::http::field name, text name_text, text value, error_code&) override {
    if (is_header_done()) return;  // a field after the body
    if (name == boost::beast::http::field::expect) {
      asks_to_continue_ = boost::beast::iequals(value, "100-continue");
    }
    request_.headers.add(std::string(name_text), std::string(value));
  }

  // Called by Beast since Boost 1.90. Fields after the body are ignored.
  void on_trailer_field_impl(boost::beast::http::field, text, text, error_code&) {}

  void on_header_impl(error_code&) override {
    const std::string_view url = request_.url;
    const bool is_plain = !url.empty() && url.front() == '/';
    const std::string path = is_plain ? std::string(url.substr(0, url.find('?'))) : request_.path();
    for (const handler& route : routes_) {
      if (route.options().path == path) route_ = &route;
    }
    limit_ = route_ ? route_->options().max_body_size : max_ignored_body;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
    if (!length) return;
    if (*length > limit_) return fail(error);
    length_ = static_cast<std::size_t>(*length);
    const std::size_t expected = (std::min)(*length_, max_at_once);
    request_.body = text_to_overwrite(expected, expected + json_buffer::padding);
  }

  std::size_t on_body_impl(text piece, error_code&) override {
    request_.body.resize((std::max)(request_.body.size(), received_ + piece.size()));
    std::copy(piece.begin(), piece.end(), request_.body.begin() + static_cast<std::ptrdiff_t>(received_));
    received_ += piece.size();
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, text piece, error_code& error) override {
    if (piece.size() > limit_ - request_.body.size()) {
      fail(error);
      return 0;
    }
    request_.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}

  static void fail(error_code& error) { error = boost::beast::http::error::body_limit; }

  const routes& routes_;
  const handler* route_ = nullptr;
  http::request request_;
  std::size_t limit_ = 0;
  std::optional<std::size_t> length_;  // of the body; nullopt when it arrives in chunks
  std::size_t received_ = 0;           // bytes of a body whose length is known
  bool is_old_ = false;
  bool asks_to_continue_ = false;
};

inline void beast_parser::make_room() {
  if (request_.body.size() > received_) return;
  constexpr std::size_t least = 8 * 1024, most = 128 * 1024;
  request_.body.resize((std::min)(*length_, received_ + std::clamp(received_, least, most)));
}

}  // namespace inngest::inline INNGEST_ABI::detail
