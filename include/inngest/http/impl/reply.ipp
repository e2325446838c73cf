#pragma once

#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http/detail/collect_stream.hpp>
#include <inngest/http/reply.hpp>

namespace inngest::inline INNGEST_ABI::http {

INNGEST_INLINE reply& reply::operator=(reply&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  to_ = std::move(other.to_);
  has_begun_ = std::exchange(other.has_begun_, false);
  return *this;
}

INNGEST_INLINE reply::~reply() { abandon(); }

INNGEST_INLINE void reply::send(response answer) {
  if (!to_ || has_begun_) return;
  if (answer.stream && to_->streams()) return send_in_pieces(std::move(answer));
  detail::collect_stream(answer);
  const auto to = std::exchange(to_, nullptr);
  to->send(std::move(answer));
}

INNGEST_INLINE void reply::send_in_pieces(response answer) {
  const auto stream = std::exchange(answer.stream, nullptr);
  begin(std::move(answer));
  stream([this](std::string_view piece) { return write(std::string(piece)); });
  end();
}

INNGEST_INLINE void reply::begin(response head) {
  if (!to_ || has_begun_) return;
  has_begun_ = true;
  to_->begin(std::move(head));
}

INNGEST_INLINE bool reply::write(std::string piece) {
  return to_ && has_begun_ && to_->write(std::move(piece));
}

INNGEST_INLINE void reply::end() {
  if (!to_ || !has_begun_) return;
  const auto to = std::exchange(to_, nullptr);
  to->end();
}

INNGEST_INLINE void reply::hold(std::shared_ptr<void> object) {
  if (to_) to_->held_.push_back(std::move(object));
}

INNGEST_INLINE void reply::abandon() noexcept {
  const auto to = std::exchange(to_, nullptr);
  if (!to) return;
  try {
    if (has_begun_) return to->abort();
    to->send({.status = 500,
              .headers = {{"content-type", "application/json"}},
              .body = R"({"message":"the call ended without an answer"})"});
  } catch (...) {  // the framework could not send: the client sees a closed connection
  }
}

}  // namespace inngest::inline INNGEST_ABI::http
