#pragma once

#include <civetweb.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

// Serves functions on the web server CivetWeb, version 1.15 or later.

namespace inngest::inline INNGEST_ABI {

namespace detail::civetweb {

inline bool is_of_1_1(mg_connection* connection) {
  const char* version = mg_get_request_info(connection)->http_version;
  return version != nullptr && std::string_view(version) == "1.1";
}

inline bool write(mg_connection* connection, std::string_view text) {
  constexpr std::size_t most = 1 << 30;  // mg_write() takes an int
  while (!text.empty()) {
    const std::string_view part = text.substr(0, most);
    if (mg_write(connection, part.data(), part.size()) != static_cast<int>(part.size())) return false;
    text.remove_prefix(part.size());
  }
  return true;
}

enum class body_state { whole, too_large, broken };

/// Reads the body up to the limit.
inline body_state read_body(mg_connection* connection, std::size_t limit, std::string& body) {
  constexpr std::size_t block = 64 * 1024;
  const long long known = mg_get_request_info(connection)->content_length;
  const auto length = static_cast<std::size_t>((std::max)(0LL, known));
  if (length > limit) return body_state::too_large;
  if (mg_get_header(connection, "expect") != nullptr && is_of_1_1(connection))
    write(connection, "HTTP/1.1 100 Continue\r\n\r\n");
  constexpr std::size_t max_at_once = 8 * 1024 * 1024;  // the client may send less
  body.reserve((std::min)(length, max_at_once));
  // mg_read() waits until it has all requested bytes.
  const std::size_t end = length > 0 ? length : (std::min)(limit, body.max_size() - 1) + 1;
  int count = 1;
  while (count > 0 && body.size() < end) {
    const std::size_t size = body.size();
    const std::size_t wanted = (std::min)(block, end - size);
    body.resize(size + wanted);
    count = mg_read(connection, body.data() + size, wanted);
    body.resize(size + static_cast<std::size_t>((std::max)(0, count)));
  }
  if (body.size() > limit) return body_state::too_large;
  return count < 0 || body.size() < length ? body_state::broken : body_state::whole;
}

inline http::request request_of(mg_connection* connection) {
  const mg_request_info* info = mg_get_request_info(connection);
  http::request out;
  out.method = info->request_method;
  if (info->local_uri != nullptr) out.url = info->local_uri;
  if (info->query_string != nullptr) out.url.append("?").append(info->query_string);
  for (int i = 0; i < info->num_headers; ++i)
    out.headers.add(info->http_headers[i].name, info->http_headers[i].value);
  return out;
}

/// Whether CivetWeb keeps the connection open after the answer.
inline bool is_kept(mg_connection* connection) {
  const char* enabled = mg_get_option(mg_get_context(connection), "enable_keep_alive");
  if (enabled == nullptr || std::string_view(enabled) != "yes") return false;
  const char* wish = mg_get_header(connection, "connection");
  if (wish == nullptr) return is_of_1_1(connection);
  const std::string_view text(wish);
  return text.find("keep-alive") != text.npos || text.find("Keep-Alive") != text.npos;
}

/// The status line and fields. One more field tells where the body ends.
inline std::string head_of(const http::response& answer, mg_connection* connection, bool keeps,
                           const std::string& end_of_body) {
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  out.append(mg_get_response_code_text(connection, answer.status)).append("\r\n");
  for (const auto& [name, value] : answer.headers) out.append(name).append(": ").append(value).append("\r\n");
  out.append(keeps ? "connection: keep-alive\r\n" : "connection: close\r\n");
  return out.append(end_of_body).append("\r\n");
}

inline std::string chunk_of(std::string_view piece) {
  char size[2 * sizeof(std::size_t)];
  const auto end = std::to_chars(std::begin(size), std::end(size), piece.size(), 16).ptr;
  return std::string(size, end).append("\r\n").append(piece).append("\r\n");
}

inline void send_in_pieces(const http::response& answer, mg_connection* connection) {
  const bool chunked = is_of_1_1(connection);  // older clients read until the connection closes
  const bool keeps = chunked && is_kept(connection);
  if (!keeps) mg_disable_connection_keep_alive(connection);
  bool open =
      write(connection, head_of(answer, connection, keeps, chunked ? "transfer-encoding: chunked\r\n" : ""));
  answer.stream([&](std::string_view piece) {
    if (!open || piece.empty()) return open;
    if (!chunked) return open = write(connection, piece);
    return open = write(connection, chunk_of(piece));
  });
  if (chunked && open) write(connection, "0\r\n\r\n");
}

inline void send(const http::response& answer, mg_connection* connection, bool keeps) {
  constexpr std::size_t small = 64 * 1024;
  if (answer.stream) return send_in_pieces(answer, connection);
  if (!keeps) mg_disable_connection_keep_alive(connection);
  const bool is_head = std::string_view(mg_get_request_info(connection)->request_method) == "HEAD";
  const bool has_body = serving::may_have_body(answer.status, is_head);
  std::string text =
      head_of(answer, connection, keeps,
              has_body ? "content-length: " + std::to_string(answer.body.size()) + "\r\n" : "");
  const std::string_view body = has_body ? std::string_view(answer.body) : std::string_view();
  if (body.size() > small) {
    if (write(connection, text)) write(connection, body);
    return;
  }
  write(connection, text.append(body));  // a single write, so that it is a single packet
}

inline int refuse(mg_connection* connection, int status, const char* why) {
  send(serving::bare_answer(status, why), connection, false);  // the rest of the body is not read
  return status;
}

}  // namespace detail::civetweb

/// Answers one request on this thread; it takes as long as the call. Call it in a request handler of your own
/// and return its result, the status. It reads the body up to `serve_options::max_body_size`; larger bodies
/// get status 413. It ignores the path.
inline int answer(const handler& handler, mg_connection* connection) {
  using detail::civetweb::body_state;
  http::request asked = detail::civetweb::request_of(connection);
  const auto state = detail::civetweb::read_body(connection, handler.options().max_body_size, asked.body);
  if (state == body_state::too_large)
    return detail::civetweb::refuse(connection, 413, "the body is too large");
  if (state == body_state::broken)
    return detail::civetweb::refuse(connection, 400, "the body ended too early or is not in chunks");
  const http::response out = handler(std::move(asked));
  detail::civetweb::send(out, connection, detail::civetweb::is_kept(connection));
  return out.status;
}

namespace detail::civetweb {

/// CivetWeb 1.16 decodes a plus in a path to a blank, as in a query.
inline char decoded_again(char c) { return c == '+' ? ' ' : c; }

inline bool is_same_path(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) { return decoded_again(x) == decoded_again(y); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

/// Sets the handler, or removes it, for the path as any version of CivetWeb looks for it.
inline void set_handler(mg_context& context, std::string path, mg_request_handler called, void* with) {
  mg_set_request_handler(&context, path.c_str(), called, with);  // waits for running requests
  const std::string before = path;
  std::transform(path.begin(), path.end(), path.begin(), &decoded_again);
  if (path != before) mg_set_request_handler(&context, path.c_str(), called, with);
}

/// The handlers that contexts call. CivetWeb does not report when a context is destroyed, so a handler stays
/// until stop_serving(), or until another one replaces it.
class served {
 public:
  static served& all() {
    static served* out = new served;  // never destroyed: a context may still run when the process ends
    return *out;
  }

  void add(mg_context& context, const handler& added) {
    const std::string path = added.options().path;
    auto made = std::make_unique<handler>(added);
    set_handler(context, path, &on_request, made.get());
    const std::lock_guard lock(mutex_);
    handlers_[{&context, path}] = std::move(made);
  }

  void remove(mg_context& context, const std::string& path) {
    if (const auto removed = extract(context, path)) set_handler(context, path, nullptr, nullptr);
  }

 private:
  static int on_request(mg_connection* connection, void* called) noexcept {
    const auto& handler = *static_cast<const inngest::handler*>(called);
    const char* path = mg_get_request_info(connection)->local_uri;
    if (path == nullptr || !is_same_path(handler.options().path, path))
      return 0;  // such as "/api/inngest/more"
    try {
      return answer(handler, connection);
    } catch (...) {  // out of memory: the client sees a closed connection
      mg_disable_connection_keep_alive(connection);
      return 500;
    }
  }

  std::unique_ptr<handler> extract(mg_context& context, const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto found = handlers_.extract({&context, path});
    return found ? std::move(found.mapped()) : nullptr;
  }

  std::mutex mutex_;  // guards the handlers; never held while waiting for requests
  std::map<std::pair<const mg_context*, std::string>, std::unique_ptr<handler>> handlers_;
};

}  // namespace detail::civetweb

/// Undoes serve(): waits until the answers to all requests have been written, and frees the handler. Call it
/// after `handler::drain` and before `mg_stop`, which truncates answers that are being written.
inline void stop_serving(mg_context& context, const handler& handler) {
  detail::civetweb::served::all().remove(context, handler.options().path);
}

/// Serves a handler on a CivetWeb server: `inngest::serve(*context, app, {hello})`, where `context` is the
/// result of `mg_start`. CivetWeb handles requests for other paths as usual.
///
/// CivetWeb answers each connection on one of `num_threads` threads, 50 by default. Raise it, and
/// `connection_queue`, to run more calls at the same time. Set `tcp_nodelay` to 1, so that large answers
/// don't wait for acknowledgements.
template <>
struct adapter<mg_context> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "civetweb";
  /// The adapter can stream answers.
  static constexpr bool streams = true;

  /// Adds the handler's path to the context.
  static void mount(mg_context& context, const handler& handler) {
    detail::civetweb::served::all().add(context, handler);
  }
};

}  // namespace inngest::inline INNGEST_ABI
