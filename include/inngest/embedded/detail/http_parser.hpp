#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <inngest/http.hpp>

// HTTP/1.1 requests, read strictly: what two readers could understand differently is refused.

namespace inngest::detail {

/// A request that is refused while it is read.
struct malformed_request : std::runtime_error {
  malformed_request(int code, const std::string& problem) : std::runtime_error(problem), status(code) {}
  int status;
};

/// A request line with its header fields, and how its body is delimited.
struct request_head {
  http::request request{};
  std::size_t content_length = 0;
  bool is_chunked = false;
  bool keeps_alive = true;
  bool expects_continue = false;

  bool has_body() const { return is_chunked || content_length > 0; }
};

/// Reads what comes before the empty line. \throws malformed_request
class request_head_parser {
 public:
  static request_head parse(std::string_view text) {
    request_head_parser parser;
    parser.read_request_line(next_line(text));
    while (!text.empty()) parser.read_field(next_line(text));
    parser.read_framing();
    return std::move(parser.out_);
  }

 private:
  static constexpr std::size_t most_fields = 100;
  static constexpr std::size_t longest_target = 8192;

  [[noreturn]] static void fail(const std::string& problem) { throw malformed_request(400, problem); }

  static std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find("\r\n");
    const std::string_view out = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return out;
  }

  static bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      return plain || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
    });
  }

  static bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

  static std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return out;
  }

  static std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
  }

  void read_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) fail("the request line is malformed");
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with("HTTP/")) fail("the request line is malformed");
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
      throw malformed_request(505, "only HTTP/1.1 and HTTP/1.0 are supported");
    if (!is_token(method) || method.size() > 32) fail("the method is malformed");
    if (target.size() > longest_target) throw malformed_request(414, "the target is too long");
    const bool is_plain = std::none_of(target.begin(), target.end(),
                                       [](char c) { return c == ' ' || c == '\t' || is_control(c); });
    if (!target.starts_with('/') || !is_plain) fail("the target must be a path, such as /api/state");
    out_.request.method = method;
    out_.request.url = target;
    is_old_ = version == "HTTP/1.0";
    out_.keeps_alive = !is_old_;
  }

  void read_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) fail("a header is malformed");
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), is_control)) fail("a header has a control character");
    if (++fields_ > most_fields) throw malformed_request(431, "there are too many headers");
    const std::string name = lower(line.substr(0, colon));
    if (name == "host") ++hosts_;
    if (name == "content-length") read_length(value);
    if (name == "transfer-encoding") read_encoding(value);
    if (name == "connection") read_connection(lower(value));
    if (name == "expect") {
      if (lower(value) != "100-continue") throw malformed_request(417, "this expectation is not supported");
      out_.expects_continue = !is_old_;
    }
    out_.request.headers.add(std::string(line.substr(0, colon)), std::string(value));
  }

  void read_length(std::string_view value) {
    std::size_t length = 0;
    const char* end = value.data() + value.size();
    const auto [stop, problem] = std::from_chars(value.data(), end, length);
    if (value.empty() || problem != std::errc{} || stop != end) fail("the Content-Length is malformed");
    if (length_ && *length_ != length) fail("there are two different Content-Lengths");
    length_ = length;
  }

  void read_encoding(std::string_view value) {
    if (out_.is_chunked || lower(value) != "chunked")
      throw malformed_request(501, "only the transfer encoding \"chunked\" is supported");
    out_.is_chunked = true;
  }

  void read_connection(const std::string& value) {
    if (value.find("close") != std::string::npos)
      out_.keeps_alive = false;
    else if (value.find("keep-alive") != std::string::npos)
      out_.keeps_alive = true;
  }

  void read_framing() {
    if (hosts_ > 1) fail("there is more than one Host");
    if (hosts_ == 0 && !is_old_) fail("the Host is missing");
    if (out_.is_chunked && (length_ || is_old_)) fail("both Content-Length and Transfer-Encoding are given");
    out_.content_length = length_.value_or(0);
  }

  request_head out_;
  std::optional<std::size_t> length_;
  std::size_t fields_ = 0;
  int hosts_ = 0;
  bool is_old_ = false;
};

/// Collects a body piece by piece, whether it has a length or comes in chunks.
class body_reader {
 public:
  body_reader() = default;
  body_reader(bool is_chunked, std::size_t length, std::size_t limit)
      : state_(is_chunked    ? state::size
               : length == 0 ? state::done
                             : state::data),
        is_chunked_(is_chunked),
        rest_(length),
        limit_(limit) {
    if (length > limit) refuse_size();
  }

  bool is_done() const { return state_ == state::done; }

  /// Appends to the body what `text` has of it, and gives how much was used. \throws malformed_request
  std::size_t read(std::string_view text, std::string& body) {
    const std::size_t before = text.size();
    while (!is_done() && !text.empty()) {
      if (state_ == state::data)
        read_data(text, body);
      else
        read_line(text, body.size());
    }
    return before - text.size();
  }

 private:
  enum class state { size, data, data_end, trailer, done };

  static constexpr std::size_t longest_line = 4096;
  static constexpr std::size_t longest_trailer = 8192;

  [[noreturn]] void refuse_size() const {
    throw malformed_request(413, "the body is larger than " + std::to_string(limit_) + " bytes");
  }

  void read_data(std::string_view& text, std::string& body) {
    const std::size_t size = (std::min)(rest_, text.size());
    body.append(text.substr(0, size));
    text.remove_prefix(size);
    rest_ -= size;
    if (rest_ == 0) state_ = is_chunked_ ? state::data_end : state::done;
  }

  void read_line(std::string_view& text, std::size_t size_so_far) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    line_.append(text.substr(0, size));
    text.remove_prefix(size);
    if (line_.size() > longest_line) throw malformed_request(400, "a chunk is malformed");
    if (line_.back() != '\n') return;
    if (!line_.ends_with("\r\n")) throw malformed_request(400, "a chunk is malformed");
    line_.resize(line_.size() - 2);
    end_line(size_so_far);
    line_.clear();
  }

  void end_line(std::size_t size_so_far) {
    if (state_ == state::data_end) {
      if (!line_.empty()) throw malformed_request(400, "a chunk is longer than its size");
      state_ = state::size;
    } else if (state_ == state::size) {
      std::uint64_t size = 0;
      const char* end = line_.data() + line_.size();
      const auto [stop, problem] = std::from_chars(line_.data(), end, size, 16);
      if (problem != std::errc{} || (stop != end && *stop != ';' && *stop != ' ' && *stop != '\t'))
        throw malformed_request(400, "the size of a chunk is malformed");
      if (size > limit_ - size_so_far) refuse_size();
      rest_ = static_cast<std::size_t>(size);
      state_ = size == 0 ? state::trailer : state::data;
    } else if (line_.empty()) {
      state_ = state::done;
    } else if ((trailer_ += line_.size()) > longest_trailer) {
      throw malformed_request(431, "the trailer is too long");
    }
  }

  state state_ = state::done;
  bool is_chunked_ = false;
  std::size_t rest_ = 0;
  std::size_t limit_ = 0;
  std::size_t trailer_ = 0;
  std::string line_;
};

}  // namespace inngest::detail
