#pragma once

#include <utility>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/realtime.hpp>
#include <inngest/realtime/detail/requests.hpp>
#include <inngest/realtime/detail/stream_body.hpp>
#include <inngest/realtime/detail/subscription_body.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

INNGEST_INLINE subscription::subscription() = default;
INNGEST_INLINE subscription::subscription(std::shared_ptr<subscription_body> body) : body_(std::move(body)) {}
INNGEST_INLINE subscription::subscription(subscription&& other) noexcept = default;

INNGEST_INLINE subscription& subscription::operator=(subscription&& other) noexcept {
  if (this == &other) return *this;
  if (body_) body_->end();
  body_ = std::move(other.body_);
  return *this;
}

INNGEST_INLINE subscription::~subscription() {
  if (body_) body_->end();
}

INNGEST_INLINE void subscription::stop() {
  if (body_) body_->stop();
}

INNGEST_INLINE subscription_state subscription::state() const {
  return body_ ? body_->state() : subscription_state::stopped;
}

INNGEST_INLINE bool subscription::wait_until_open(duration_ms timeout) const {
  return body_ && body_->wait_until_open(timeout);
}

INNGEST_INLINE subscription subscribe(const client& app, const std::string& channel,
                                      const std::vector<std::string>& topics, message_handler on_message,
                                      subscribe_options options) {
  detail::check_topics(channel, topics);
  if (!on_message) throw configuration_error("a subscription needs a callback for messages");
  auto body =
      std::make_shared<subscription_body>(app, channel, topics, std::move(on_message), std::move(options));
  body->start();
  return subscription(std::move(body));
}

INNGEST_INLINE std::string token(const client& app, const std::string& channel,
                                 const std::vector<std::string>& topics) {
  return detail::read_token(app.call_api(detail::token_request(channel, topics)), channel);
}

INNGEST_INLINE stream_writer::stream_writer(std::shared_ptr<stream_body> body) : body_(std::move(body)) {}
INNGEST_INLINE stream_writer::stream_writer(stream_writer&& other) noexcept = default;
INNGEST_INLINE stream_writer& stream_writer::operator=(stream_writer&& other) noexcept = default;
INNGEST_INLINE stream_writer::~stream_writer() = default;

INNGEST_INLINE void stream_writer::write(std::string_view piece) {
  if (!body_) throw configuration_error("the stream was moved to another writer");
  body_->write(piece);
}

INNGEST_INLINE void stream_writer::close() {
  if (body_) body_->close();
}

INNGEST_INLINE stream_writer open_stream(const client& app, const std::string& channel,
                                         const std::string& topic, stream_options options) {
  return stream_writer(std::make_shared<stream_body>(app, channel, topic, std::move(options)));
}

}  // namespace inngest::inline INNGEST_ABI::realtime
