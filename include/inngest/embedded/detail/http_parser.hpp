#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/http.hpp>

// A strict parser of HTTP/1.1 requests. It rejects requests that two parsers could interpret differently.

namespace inngest::inline INNGEST_ABI::detail {

/// Thrown for a request that the server rejects while reading it.
struct malformed_request : std::runtime_error {
  malformed_request(int code, const std::string& problem) : std::runtime_error(problem), status(code) {}
  int status;
};

/// The request line, the header fields, and how the body is delimited.
struct request_head {
  http::request request{};
  std::size_t content_length = 0;
  bool is_chunked = false;
  bool keeps_alive = true;
  bool expects_continue = false;

  bool has_body() const { return is_chunked || content_length > 0; }
};

/// Parses the lines before the empty line. \throws malformed_request
class request_head_parser {
 public:
  static request_head parse(std::string_view text);

 private:
  static constexpr std::size_t max_fields = 100;
  static constexpr std::size_t max_target_size = 8192;

  [[noreturn]] static void fail(const std::string& problem) { throw malformed_request(400, problem); }

  static std::string_view next_line(std::string_view& text);

  static bool is_forbidden(char c) { return is_control(c) && c != '\t'; }

  static std::string_view trimmed(std::string_view text);

  void read_request_line(std::string_view line);

  void read_field(std::string_view line);

  void read_length(std::string_view value);

  void read_encoding(std::string_view value);

  void read_connection(const std::string& value);

  void read_framing();

  request_head out_;
  std::optional<std::size_t> length_;
  std::size_t fields_ = 0;
  int hosts_ = 0;
  bool is_old_ = false;
};

/// Reads a body piece by piece, either of a known length or in chunks.
class body_reader {
 public:
  body_reader() = default;
  body_reader(bool is_chunked, std::size_t length, std::size_t limit);

  bool is_done() const { return state_ == state::done; }

  /// Appends the body's bytes in `text` to the body, and returns how many bytes of `text` it used.
  /// \throws malformed_request
  std::size_t read(std::string_view text, std::string& body);

 private:
  enum class state { size, data, data_end, trailer, done };

  static constexpr std::size_t max_line_size = 4096;
  static constexpr std::size_t max_trailer_size = 8192;

  [[noreturn]] void refuse_size() const;

  void read_data(std::string_view& text, std::string& body);

  void read_line(std::string_view& text, std::size_t size_so_far);

  void end_line(std::size_t size_so_far);

  state state_ = state::done;
  bool is_chunked_ = false;
  std::size_t rest_ = 0;
  std::size_t limit_ = 0;
  std::size_t trailer_ = 0;
  std::string line_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/http_parser.ipp>
#endif
