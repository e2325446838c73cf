#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/realtime/message.hpp>

// The routes of realtime and metadata. server_api answers with them; http_server and the engine's transport
// add the routes that need a connection that stays open.

namespace inngest::inline INNGEST_ABI::embedded {

http::response realtime_refusal(int status, std::string_view problem);

/// The bearer token of a request, or its parameter "token"; empty when it has none.
std::string realtime_token_of(const http::request& request);

/// Reads the body of `POST /v1/realtime/token`. \throws payload_error.
std::vector<realtime_topic> read_topics(std::string_view body);

/// The message of `POST /v1/realtime/publish` without its data. \throws payload_error for a blank channel or
/// topic.
realtime::message message_of(const http::request& request);

/// Whether a request publishes a stream in pieces.
bool is_stream(const http::request& request);

/// Publishes the pieces of a stream as they arrive. `Engine` has publish(), see engine_body.
template <class Engine>
class stream_publisher {
 public:
  /// Publishes the start. \throws payload_error for a blank channel or topic.
  stream_publisher(Engine& engine, const http::request& request)
      : engine_(engine), message_(message_of(request)) {
    message_.stream_id = detail::make_ulid(std::chrono::system_clock::now());
    publish(realtime::message_kind::stream_start, encode(message_.stream_id));
  }
  ~stream_publisher() {
    try {
      end();
    } catch (...) {  // out of memory, or the engine has ended
    }
  }
  stream_publisher(const stream_publisher&) = delete;
  stream_publisher& operator=(const stream_publisher&) = delete;

  /// Publishes bytes in pieces of at most 1 KB. Returns false when the stream has more than 1,000 of them;
  /// the rest is ignored.
  bool take(std::string_view bytes) {
    while (!bytes.empty() && chunks_ <= max_chunks) {
      const std::string_view part = bytes.substr(0, chunk_size - rest_.size());
      bytes.remove_prefix(part.size());
      rest_.append(part);
      publish_chunk();
    }
    return chunks_ <= max_chunks;
  }

  /// Publishes the end, and the whole text for the run.
  void end() {
    if (std::exchange(has_ended_, true)) return;
    if (!rest_.empty()) publish_text(std::exchange(rest_, {}));
    publish(realtime::message_kind::stream_end, encode(message_.stream_id));
    message_.kind = realtime::message_kind::data;
    message_.text = encode(whole_);
    engine_.note(message_);
  }

 private:
  static constexpr std::size_t chunk_size = 1024;
  static constexpr std::size_t max_chunks = 1000;

  void publish(realtime::message_kind kind, std::string text) {
    message_.kind = kind;
    message_.text = std::move(text);
    engine_.broadcast(message_);
  }

  /// Publishes what is there, but not a part of a character.
  void publish_chunk() {
    const std::size_t size = rest_.size() - detail::incomplete_utf8_at_end(rest_);
    if (size > 0) publish_text(rest_.substr(0, size));
    rest_.erase(0, size);
  }

  void publish_text(const std::string& bytes) {
    if (++chunks_ > max_chunks) return;
    const std::string text = detail::to_printable(bytes);
    if (whole_.size() <= max_kept_message) whole_ += text;
    publish(realtime::message_kind::chunk, encode(text));
  }

  Engine& engine_;
  realtime::message message_;
  std::string rest_{};   // not published, such as the beginning of a character
  std::string whole_{};  // up to the limit
  std::size_t chunks_ = 0;
  bool has_ended_ = false;
};

/// The routes that receive a complete request and return a complete answer.
template <class Engine>
class realtime_api {
 public:
  explicit realtime_api(Engine& engine) : engine_(engine) {}

  /// `nullopt` for other routes. \throws payload_error, unreachable.
  std::optional<http::response> answer(const http::request& request) const {
    const std::vector<std::string> path = detail::path_parts(request.path());
    const bool is_realtime = path.size() >= 3 && path[0] == "v1" && path[1] == "realtime";
    const bool posts = request.method == "POST";
    if (is_realtime && path.size() == 3) {
      if (posts && path[2] == "publish") return publish(request);
      if (posts && path[2] == "token") return token(request);
      if (request.method == "GET" && path[2] == "sse")
        return realtime_refusal(
            400, "this route answers with a stream of events, which this client does not support");
    }
    if (posts && is_realtime && path.size() == 4 && path[2] == "publish" && path[3] == "tee")
      return tee(request);
    if (posts && path.size() == 4 && path[0] == "v1" && path[1] == "runs" && path[3] == "metadata")
      return metadata(path[2], request.body);
    return std::nullopt;
  }

 private:
  http::response publish(const http::request& request) const {
    if (is_stream(request)) {
      stream_publisher<Engine> stream(engine_, request);
      return stream.take(request.body) ? http::response{} : realtime_refusal(413, stream_too_long);
    }
    if (request.body.size() > max_message_size)
      return realtime_refusal(413, "a message has at most " + std::to_string(max_message_size) + " bytes");
    realtime::message message = message_of(request);
    message.text = message_data(request.body);
    engine_.broadcast(message);
    engine_.note(message);
    return {};
  }

  http::response tee(const http::request& request) const {
    const std::string channel = channel_of(request);
    if (request.body.size() > max_passed) return too_much_passed();
    engine_.realtime()->pass(channel, request.body);
    return {};
  }

  http::response token(const http::request& request) const {
    const std::string jwt = engine_.realtime()->make_token(read_topics(request.body));
    return {
        .status = 201, .headers = {{"content-type", "application/json"}}, .body = encode(json{{"jwt", jwt}})};
  }

  http::response metadata(const std::string& run_id, const std::string& body) const {
    try {
      std::vector<run_note> notes = read_metadata(body);
      if (!engine_.store().find_run(run_id))
        return realtime_refusal(404, "there is no run \"" + run_id + "\"");
      timestamp earliest{};  // the system clock may have been set back since the last change
      metadata_usage all;
      for (const run_note& known : engine_.store().notes_of(run_id)) {
        earliest = (std::max)(earliest, known.at + std::chrono::milliseconds(1));
        all.add(known);
      }
      for (run_note& note : notes) {
        note.run_id = run_id;
        note.at = earliest;
        all.add(note);
      }
      if (const std::string limit = all.exceeded(); !limit.empty())
        throw metadata_too_large("metadata", "run \"" + run_id + "\" has " + limit + " of it");
      engine_.add_notes(std::move(notes));
      return {.headers = {{"content-type", "application/json"}}};
    } catch (const metadata_too_large& problem) {
      return realtime_refusal(413, problem.what());
    }
  }

 public:
  static constexpr const char* stream_too_long =
      "a stream has at most 1000 pieces of 1 KB, and the rest of it was ignored";

  /// The most bytes that are passed on.
  static constexpr std::size_t max_passed = std::size_t{1000} * 1024;
  static http::response too_much_passed() {
    return realtime_refusal(413, "a body to pass on has at most " + std::to_string(max_passed) + " bytes");
  }

  /// \throws payload_error for a blank one.
  static std::string channel_of(const http::request& request) {
    std::string out = request.query("channel").value_or("");
    detail::require_name(out, "the channel");
    return out;
  }

 private:
  Engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/realtime_api.ipp>
#endif
