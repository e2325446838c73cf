#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/platform/detail/signals.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/realtime/detail/requests.hpp>
#include <inngest/realtime/detail/stream_body.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

INNGEST_INLINE stream_body::stream_body(client app, std::string channel, std::string topic,
                                        stream_options options)
    : app_(std::move(app)),
      channel_(std::move(channel)),
      topic_(std::move(topic)),
      options_(std::move(options)) {
  detail::check_topics(channel_, {topic_});
  thread_ = std::thread([this] { run(); });
}

INNGEST_INLINE stream_body::~stream_body() {
  end_pieces();
  if (thread_.joinable()) thread_.join();
}

INNGEST_INLINE void stream_body::write(std::string_view piece) {
  const std::lock_guard lock(mutex_);
  if (problem_) std::rethrow_exception(problem_);
  if (is_complete_) throw configuration_error("the stream to \"" + channel_ + "\" is closed");
  std::string text = rest_ + std::string(piece);
  const std::size_t incomplete = detail::incomplete_utf8_at_end(text);
  std::string rest = text.substr(text.size() - incomplete);
  text.resize(text.size() - incomplete);
  detail::require_utf8(text, "a piece of a stream");
  add(text);
  rest_ = std::move(rest);
  changed_.notify_all();
}

INNGEST_INLINE void stream_body::add(std::string_view text) {
  constexpr std::size_t max_chunks = 1000;
  constexpr std::size_t chunk_size = 1024;
  std::vector<std::string> fresh;
  while (!text.empty()) {
    std::string_view part = text.substr(0, chunk_size);
    part.remove_suffix(detail::incomplete_utf8_at_end(part));
    fresh.emplace_back(part);
    text.remove_prefix(part.size());
  }
  if (chunks_ + fresh.size() > max_chunks)
    throw too_large("a stream has at most 1000 pieces of 1 KB: publish the rest of it as another stream");
  chunks_ += fresh.size();
  for (std::string& part : fresh) pieces_.push_back(std::move(part));
}

INNGEST_INLINE void stream_body::close() {
  end_pieces();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  if (problem_) std::rethrow_exception(problem_);
  if (!rest_.empty()) throw payload_error({}, "the stream ended in the middle of a UTF-8 character");
}

INNGEST_INLINE void stream_body::end_pieces() {
  {
    const std::lock_guard lock(mutex_);
    is_complete_ = true;
  }
  changed_.notify_all();
}

INNGEST_INLINE void stream_body::run() {
  detail::block_broken_pipe_signal();
  std::exception_ptr problem;
  try {
    const signing_keys keys = app_.keys();
    int status = send(keys.current);
    if ((status == 401 || status == 403) && !keys.fallback.empty()) status = send(keys.fallback);
    if (status == 401 || status == 403)
      throw unauthorized("publishing a stream to \"" + channel_ + "\": the signing key was refused");
  } catch (...) {
    problem = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  problem_ = problem;
}

INNGEST_INLINE int stream_body::send(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    sent_ = 0;
  }
  http::request request = protocol::publish_request(channel_, topic_, options_.run_id, {});
  request.headers = {{"content-type", "text/stream"}};
  detail::add_key(request, key);
  http::response answer{.status = 0};
  const auto on_head = [&](const http::response& head) {
    answer = head;
    answer.body.clear();
    return true;
  };
  const auto on_piece = [&](std::string_view piece) {
    answer.body += piece;
    return answer.body.size() < 64 * 1024;
  };
  app_.stream_api(std::move(request), {.on_head = on_head,
                                       .on_piece = on_piece,
                                       .next_piece = [this] { return next_piece(); },
                                       .timeout = options_.timeout});
  if (answer.status != 401 && answer.status != 403)
    protocol::expect_success(answer, "publishing a stream to \"" + channel_ + "\"");
  return answer.status;
}

INNGEST_INLINE std::optional<std::string> stream_body::next_piece() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_complete_ || sent_ < pieces_.size(); });
  if (sent_ < pieces_.size()) return pieces_[sent_++];
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::realtime
