#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/http_parser.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE request_head request_head_parser::parse(std::string_view text) {
  request_head_parser parser;
  parser.read_request_line(next_line(text));
  while (!text.empty()) parser.read_field(next_line(text));
  parser.read_framing();
  return std::move(parser.out_);
}

INNGEST_INLINE std::string_view request_head_parser::next_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return out;
}

INNGEST_INLINE std::string_view request_head_parser::trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

INNGEST_INLINE void request_head_parser::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) fail("the request line is malformed");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!version.starts_with("HTTP/")) fail("the request line is malformed");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    throw malformed_request(505, "only HTTP/1.1 and HTTP/1.0 are supported");
  if (!is_http_token(method) || method.size() > 32) fail("the method is malformed");
  if (target.size() > max_target_size) throw malformed_request(414, "the target is too long");
  const bool is_plain =
      std::none_of(target.begin(), target.end(), [](char c) { return c == ' ' || is_control(c); });
  if (!target.starts_with('/') || !is_plain) fail("the target must be a path, such as /api/state");
  out_.request.method = method;
  out_.request.url = target;
  is_old_ = version == "HTTP/1.0";
  out_.keeps_alive = !is_old_;
}

INNGEST_INLINE void request_head_parser::read_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_http_token(line.substr(0, colon))) fail("a header is malformed");
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(), is_forbidden)) fail("a header has a control character");
  if (++fields_ > max_fields) throw malformed_request(431, "there are too many headers");
  const std::string name = lower_case(line.substr(0, colon));
  if (name == "host") ++hosts_;
  if (name == "content-length") read_length(value);
  if (name == "transfer-encoding") read_encoding(value);
  if (name == "connection") read_connection(lower_case(value));
  if (name == "expect") {
    if (!same_word(value, "100-continue")) throw malformed_request(417, "this expectation is not supported");
    out_.expects_continue = !is_old_;
  }
  out_.request.headers.add(std::string(line.substr(0, colon)), std::string(value));
}

INNGEST_INLINE void request_head_parser::read_length(std::string_view value) {
  std::size_t length = 0;
  const char* end = value.data() + value.size();
  const auto [stop, problem] = std::from_chars(value.data(), end, length);
  if (value.empty() || problem != std::errc{} || stop != end) fail("the Content-Length is malformed");
  if (length_ && *length_ != length) fail("there are two different Content-Lengths");
  length_ = length;
}

INNGEST_INLINE void request_head_parser::read_encoding(std::string_view value) {
  if (out_.is_chunked || !same_word(value, "chunked"))
    throw malformed_request(501, "only the transfer encoding \"chunked\" is supported");
  out_.is_chunked = true;
}

INNGEST_INLINE void request_head_parser::read_connection(const std::string& value) {
  if (value.find("close") != std::string::npos)
    out_.keeps_alive = false;
  else if (value.find("keep-alive") != std::string::npos)
    out_.keeps_alive = true;
}

INNGEST_INLINE void request_head_parser::read_framing() {
  if (hosts_ > 1) fail("there is more than one Host");
  if (hosts_ == 0 && !is_old_) fail("the Host is missing");
  if (out_.is_chunked && (length_ || is_old_)) fail("both Content-Length and Transfer-Encoding are given");
  out_.content_length = length_.value_or(0);
}

INNGEST_INLINE body_reader::body_reader(bool is_chunked, std::size_t length, std::size_t limit)
    : state_(is_chunked    ? state::size
             : length == 0 ? state::done
                           : state::data),
      is_chunked_(is_chunked),
      rest_(length),
      limit_(limit) {
  if (length > limit) refuse_size();
}

INNGEST_INLINE std::size_t body_reader::read(std::string_view text, std::string& body) {
  const std::size_t before = text.size();
  while (!is_done() && !text.empty()) {
    if (state_ == state::data)
      read_data(text, body);
    else
      read_line(text, body.size());
  }
  return before - text.size();
}

INNGEST_INLINE void body_reader::refuse_size() const {
  throw malformed_request(413, "the body is larger than " + std::to_string(limit_) + " bytes");
}

INNGEST_INLINE void body_reader::read_data(std::string_view& text, std::string& body) {
  const std::size_t size = (std::min)(rest_, text.size());
  body.append(text.substr(0, size));
  text.remove_prefix(size);
  rest_ -= size;
  if (rest_ == 0) state_ = is_chunked_ ? state::data_end : state::done;
}

INNGEST_INLINE void body_reader::read_line(std::string_view& text, std::size_t size_so_far) {
  const std::size_t end = text.find('\n');
  const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
  line_.append(text.substr(0, size));
  text.remove_prefix(size);
  if (line_.size() > max_line_size) throw malformed_request(400, "a chunk is malformed");
  if (line_.back() != '\n') return;
  if (!line_.ends_with("\r\n")) throw malformed_request(400, "a chunk is malformed");
  line_.resize(line_.size() - 2);
  end_line(size_so_far);
  line_.clear();
}

INNGEST_INLINE void body_reader::end_line(std::size_t size_so_far) {
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
  } else if ((trailer_ += line_.size()) > max_trailer_size) {
    throw malformed_request(431, "the trailer is too long");
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
