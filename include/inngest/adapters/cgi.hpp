#pragma once

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#else
#include <unistd.h>
#endif

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

#ifndef _WIN32
extern "C" char** environ;  // not every system's unistd.h declares it
#endif

/// Serving as a CGI program (RFC 3875): a web server starts the program for each request.
///
///     int main() {
///       const inngest::client app({.id = "shop"});
///       inngest::cgi::program program;
///       inngest::serve(program, app, {ship_order(app)});
///       return program.run();
///     }
///
/// answer() also serves FastCGI and other protocols that use the same variables.
namespace inngest::inline INNGEST_ABI::cgi {

/// Reads at most `size` bytes of the request's body and returns their number; 0 at its end.
using body_reader = std::function<std::size_t(char* out, std::size_t size)>;

namespace detail {

/// The variables that describe a request, such as "REQUEST_METHOD=POST". The list ends with a null pointer.
class variables {
 public:
  explicit variables(const char* const* environment) : environment_(environment) {}

  /// The value of the variable; empty when there is none.
  std::string_view find(std::string_view name) const {
    std::string_view out;
    for_each([&](std::string_view known, std::string_view value) {
      if (known == name && out.empty()) out = value;
    });
    return out;
  }

  /// Calls a function with each name and value.
  template <class Function>
  void for_each(const Function& function) const {
    for (const char* const* variable = environment_; variable != nullptr && *variable != nullptr;
         ++variable) {
      const std::string_view text(*variable);
      const std::size_t equals = text.find('=');
      if (equals != std::string_view::npos) function(text.substr(0, equals), text.substr(equals + 1));
    }
  }

 private:
  const char* const* environment_;
};

/// "HTTP_X_INNGEST_SIGNATURE" is the header x-inngest-signature.
inline std::string header_name(std::string_view variable) {
  std::string out = inngest::detail::lower_case(variable);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

inline bool is_https(const variables& request) {
  const std::string_view https = request.find("HTTPS");
  return https == "on" || https == "1" || request.find("REQUEST_SCHEME") == "https";
}

inline std::string host_of(const variables& request) {
  const std::string_view port = request.find("SERVER_PORT");
  std::string out(request.find("SERVER_NAME"));
  if (!port.empty() && port != (is_https(request) ? "443" : "80")) out += ":" + std::string(port);
  return out;
}

inline http::headers headers_of(const variables& request) {
  constexpr std::string_view prefix = "HTTP_";
  http::headers out;
  request.for_each([&](std::string_view name, std::string_view value) {
    if (name.starts_with(prefix)) out.add(header_name(name.substr(prefix.size())), std::string(value));
  });
  const std::string_view type = request.find("CONTENT_TYPE");
  if (!type.empty()) out.add("content-type", std::string(type));
  if (!out.find("host") && !request.find("SERVER_NAME").empty()) out.add("host", host_of(request));
  if (is_https(request) && !out.find("x-forwarded-proto")) out.add("x-forwarded-proto", "https");
  return out;
}

/// Encodes a path that the web server has decoded.
inline std::string encoded_path(std::string_view path) {
  std::string out;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = (std::min)(path.find('/', begin), path.size());
    out += http::percent_encoded(path.substr(begin, end - begin));
    if (end < path.size()) out += '/';
    begin = end + 1;
  }
  return out;
}

/// The target as the client sent it, if the web server passes it on.
inline std::string url_of(const variables& request) {
  const std::string_view target = request.find("REQUEST_URI");
  const std::size_t mark = (std::min)(target.find('?'), target.size());
  std::string out(target.substr(0, mark));
  if (out.empty()) out = encoded_path(request.find("SCRIPT_NAME")) + encoded_path(request.find("PATH_INFO"));
  const std::string_view query = request.find("QUERY_STRING");
  if (!query.empty()) return out + '?' + std::string(query);
  return out + std::string(target.substr(mark));
}

/// Reads a body of `length` bytes, or to its end if there is no length. Returns false when it is larger than
/// `limit` or ends before its length.
inline bool read_body(const body_reader& read, std::optional<std::size_t> length, std::size_t limit,
                      std::string& out) {
  constexpr std::size_t piece = 64 * 1024;  // memory is allocated for received bytes, not announced ones
  while (!length || out.size() < *length) {
    const std::size_t before = out.size();
    out.resize(before + (length ? (std::min)(piece, *length - before) : piece));
    const std::size_t size = read(out.data() + before, out.size() - before);
    out.resize(before + (std::min)(size, out.size() - before));
    if (size == 0) return !length;
    if (out.size() > limit) return false;
  }
  return true;
}

/// Reads the body into the request. Returns the answer if the request is rejected because of its body.
inline std::optional<http::response> receive_body(const variables& variables, std::size_t limit,
                                                  const body_reader& read, http::request& request) {
  const std::string_view announced = variables.find("CONTENT_LENGTH");
  if (announced.empty() && variables.find("HTTP_TRANSFER_ENCODING").empty()) return std::nullopt;
  std::optional<std::size_t> length;
  if (!announced.empty()) {
    std::size_t value = 0;
    const auto parsed = std::from_chars(announced.data(), announced.data() + announced.size(), value);
    if (parsed.ec == std::errc::invalid_argument || parsed.ptr != announced.data() + announced.size())
      return serving::bare_answer(400, "CONTENT_LENGTH is not a number");
    if (parsed.ec != std::errc() || value > limit) return serving::bare_answer(413, "the body is too large");
    length = value;
  }
  if (read_body(read, length, limit, request.body)) return std::nullopt;
  return request.body.size() > limit ? serving::bare_answer(413, "the body is too large")
                                     : serving::bare_answer(400, "the body ended too early");
}

inline std::string head_of(const http::response& answer) {
  std::string out = "Status: " + std::to_string(answer.status) + " \r\n";
  for (const auto& [name, value] : answer.headers) {
    std::string line = name + ": " + value;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
    out += line + "\r\n";
  }
  return out;
}

inline void send(const http::response& answer, bool with_body, const http::chunk_writer& write) {
  std::string head = head_of(answer);
  if (answer.stream) {
    if (write(head + "\r\n")) answer.stream(write);
    return;
  }
  if (with_body) head += "content-length: " + std::to_string(answer.body.size()) + "\r\n";
  if (write(head + "\r\n") && with_body) write(answer.body);
}

inline http::response answer(const handler& handler, const variables& variables, const body_reader& read) {
  http::request request{.method = std::string(variables.find("REQUEST_METHOD")), .url = url_of(variables)};
  request.headers = headers_of(variables);
  auto refused = receive_body(variables, handler.options().max_body_size, read, request);
  return refused ? std::move(*refused) : handler(std::move(request));
}

inline std::size_t read_input(char* out, std::size_t size) { return std::fread(out, 1, size, stdin); }

inline bool write_output(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

inline void prepare_streams() {
#ifdef _WIN32
  ::_setmode(::_fileno(stdin), _O_BINARY);
  ::_setmode(::_fileno(stdout), _O_BINARY);
#else
  std::signal(SIGPIPE, SIG_IGN);  // a disconnected client must not kill the program during a step
#endif
}

inline const char* const* environment() {
#ifdef _WIN32
  return _environ;  // a macro
#else
  return ::environ;
#endif
}

}  // namespace detail

/// Answers one request. `environment` contains the CGI variables as "NAME=value" and ends with a null
/// pointer, as FastCGI libraries provide them. `read` reads the body, at most `serve_options::max_body_size`
/// bytes of it. `write` receives the answer: the header with a Status field, then the body. The path is
/// ignored, because the web server decides which paths it passes on. Thread-safe.
inline void answer(const handler& handler, const char* const* environment, const body_reader& read,
                   const http::chunk_writer& write) {
  const detail::variables variables(environment);
  const http::response out = detail::answer(handler, variables, read);
  detail::send(out, variables.find("REQUEST_METHOD") != "HEAD", write);
}

/// Answers the request that the program was started for, through its environment, standard input and standard
/// output. Nothing else may write to standard output: log to standard error. Returns 0.
/// \throws configuration_error when a web server has not started the program.
inline int run(const handler& handler) {
  const char* const* environment = detail::environment();
  if (detail::variables(environment).find("REQUEST_METHOD").empty()) {
    throw configuration_error(
        "cgi: the environment variable REQUEST_METHOD is not set: a web server has to start this program");
  }
  detail::prepare_streams();
  answer(handler, environment, detail::read_input, detail::write_output);
  return 0;
}

/// A CGI program, to pass to serve() like the server of a framework.
class program {
 public:
  /// Answers the request that the program was started for: see cgi::run().
  /// \throws configuration_error when nothing was served.
  int run() const {
    if (!handler_) throw configuration_error("cgi: call inngest::serve() with the program before run()");
    return cgi::run(*handler_);
  }

 private:
  friend struct inngest::adapter<program>;
  std::optional<handler> handler_;
};

}  // namespace inngest::inline INNGEST_ABI::cgi

namespace inngest::inline INNGEST_ABI {

/// Serves a handler as a CGI program.
template <>
struct adapter<cgi::program> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "cgi";
  /// The adapter can stream answers. Not every web server passes on the pieces immediately.
  static constexpr bool streams = true;

  /// Sets the program's only handler.
  static void mount(cgi::program& program, const handler& handler) { program.handler_ = handler; }
};

}  // namespace inngest::inline INNGEST_ABI
