#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/platform/detail/signals.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/realtime/detail/requests.hpp>
#include <inngest/realtime/detail/sse_parser.hpp>
#include <inngest/realtime/detail/subscription_body.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

INNGEST_INLINE subscription_body::subscription_body(client app, std::string channel,
                                                    std::vector<std::string> topics,
                                                    message_handler on_message, subscribe_options options)
    : app_(std::move(app)),
      channel_(std::move(channel)),
      topics_(std::move(topics)),
      on_message_(std::move(on_message)),
      options_(limited(std::move(options))) {}

INNGEST_INLINE subscribe_options subscription_body::limited(subscribe_options options) {
  for (duration_ms* pause : {&options.backoff, &options.max_backoff})
    *pause = detail::within_a_year(*pause, std::chrono::milliseconds(1));
  return options;
}

INNGEST_INLINE void subscription_body::start() {
  const std::lock_guard lock(join_);
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

INNGEST_INLINE void subscription_body::stop() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);  // a thread that is about to wait would miss the notification
  }
  changed_.notify_all();
  if (std::this_thread::get_id() == id_) return;
  const std::lock_guard lock(join_);
  if (thread_.joinable()) thread_.join();
}

INNGEST_INLINE void subscription_body::end() {
  stop();
  // A callback that destroys its subscription may also destroy what the other callbacks refer to.
  if (std::this_thread::get_id() == id_) is_abandoned_ = true;
  const std::lock_guard lock(join_);
  if (thread_.joinable()) thread_.detach();  // called on this thread, which ends after the callback
}

INNGEST_INLINE subscription_state subscription_body::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

INNGEST_INLINE bool subscription_body::wait_until_open(duration_ms timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, detail::within_a_year(timeout), [&] {
    return state_ == subscription_state::open || state_ == subscription_state::stopped || is_stopping();
  });
  return state_ == subscription_state::open;
}

INNGEST_INLINE void subscription_body::run() {
  detail::block_broken_pipe_signal();
  id_ = std::this_thread::get_id();
  std::chrono::milliseconds next_pause = options_.backoff;
  while (!is_stopping()) {
    enter(subscription_state::connecting);
    if (is_stopping()) break;  // on_state may stop it
    bool ended_well = false;
    try {
      ended_well = connect_once();
    } catch (const std::exception& problem) {
      if (!is_stopping()) report(problem);
    } catch (...) {  // a user's transport may throw anything
      if (!is_stopping()) report(unreachable("the transport threw something that is not a std::exception"));
    }
    if (has_lasted_) next_pause = options_.backoff;
    if (is_stopping() || ended_well) continue;
    enter(subscription_state::waiting);
    pause(next_pause);
    next_pause = (std::min)(next_pause * 2, std::chrono::milliseconds(options_.max_backoff));
  }
  enter(subscription_state::stopped);
}

INNGEST_INLINE bool subscription_body::connect_once() {
  was_open_ = has_lasted_ = is_closing_ = false;
  http::request request{.url = "/v1/realtime/sse", .headers = {{"accept", "text/event-stream"}}};
  request.headers.add(protocol::header::authorization, "Bearer " + fetch_token());
  detail::sse_parser parser(options_.max_message_size);
  http::response refused;
  std::exception_ptr problem;  // not thrown through the transport, which may be a user's
  const auto on_head = [&](const http::response& head) {
    const std::string_view type = head.headers.find(protocol::header::content_type).value_or("");
    was_open_ = head.status == 200 && type.starts_with("text/event-stream");
    refused = head;
    if (was_open_) enter(subscription_state::open);
    return true;
  };
  const auto on_piece = [&](std::string_view piece) {
    try {
      if (was_open_)
        parser.read(piece, [&](std::string_view data) { receive(data); });
      else if (refused.body.size() < 64 * 1024)
        refused.body += piece;
    } catch (...) {
      problem = std::current_exception();
    }
    return !problem && !is_closing_ && !is_stopping();
  };
  const auto began = std::chrono::steady_clock::now();
  try {
    app_.stream_api(std::move(request), {.on_head = on_head,
                                         .on_piece = on_piece,
                                         .timeout = options_.max_silence,
                                         .stop = stop_.get_token()});
  } catch (...) {
    if (!problem) problem = std::current_exception();
  }
  // Do not reconnect without a delay to a server that repeatedly ends connections immediately, whether or not
  // it says that it closes.
  has_lasted_ = was_open_ && std::chrono::steady_clock::now() - began > std::chrono::seconds(1);
  if (!streams_.empty() && !is_stopping())
    report(unreachable("the connection ended in the middle of " + std::to_string(streams_.size()) +
                       " stream(s): the rest of them was lost"));
  streams_.clear();
  if (problem) std::rethrow_exception(problem);
  if (!was_open_ && !is_stopping()) detail::refuse_subscription(refused);
  return has_lasted_;
}

INNGEST_INLINE std::string subscription_body::fetch_token() const {
  const http::request request = detail::token_request(channel_, topics_);
  http::response answer = ask(request, true);
  if ((answer.status == 401 || answer.status == 403) && !app_.keys().fallback.empty())
    answer = ask(request, false);
  return detail::read_token(answer, channel_);
}

INNGEST_INLINE http::response subscription_body::ask(http::request request, bool first) const {
  detail::add_key(request, first ? app_.keys().current : app_.keys().fallback);
  http::response answer{.status = 0};
  const auto on_head = [&](const http::response& head) {
    answer = head;
    answer.body.clear();
    return true;
  };
  const auto on_piece = [&](std::string_view piece) {
    answer.body += piece;
    return answer.body.size() < 1024 * 1024;
  };
  app_.stream_api(std::move(request), {.on_head = on_head,
                                       .on_piece = on_piece,
                                       .timeout = app_.settings().timeout(),
                                       .stop = stop_.get_token()});
  return answer;
}

INNGEST_INLINE void subscription_body::receive(std::string_view data) {
  if (is_stopping()) return;
  try {
    if (data.starts_with('{') && detail::is_closing_message(data)) {
      is_closing_ = true;
      return;
    }
    std::optional<message> received;
    const bool takes_raw = std::find(topics_.begin(), topics_.end(), "$stream") != topics_.end();
    if (takes_raw && detail::find_text(data, "kind").empty())
      received = message{
          .kind = message_kind::raw, .channel = channel_, .topic = "$stream", .text = std::string(data)};
    else
      received = detail::read_message(data);
    if (received && place(*received)) on_message_(*received);
  } catch (const std::exception& problem) {
    report(problem);
  } catch (...) {
    report(configuration_error("a callback of a subscription threw something that is not a std::exception"));
  }
}

INNGEST_INLINE bool subscription_body::place(message& received) {
  constexpr std::size_t max_streams = 1000;
  if (received.kind == message_kind::raw) return true;
  if (received.kind == message_kind::chunk) {
    const auto found = streams_.find(received.stream_id);
    if (found == streams_.end()) return false;  // it began before this subscription
    received.channel = found->second.channel;
    received.topic = found->second.topic;
    return true;
  }
  const bool is_ours = received.channel == channel_ || received.channel.empty();
  const bool is_wanted = std::find(topics_.begin(), topics_.end(), received.topic) != topics_.end();
  if (!is_ours || !is_wanted) return false;
  received.channel = channel_;
  if (received.kind == message_kind::stream_start) {
    if (streams_.size() >= max_streams) streams_.erase(streams_.begin());
    streams_[received.stream_id] = {received.channel, received.topic};
  }
  return received.kind != message_kind::stream_end || streams_.erase(received.stream_id) > 0;
}

INNGEST_INLINE void subscription_body::pause(duration_ms time) {
  const auto all = (std::max)(std::chrono::milliseconds(time), std::chrono::milliseconds(1));
  const auto half = all / 2;  // the other half is random, so that clients do not reconnect at the same time
  const auto chosen = half + half * detail::random_bytes<1>()[0] / 255;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, chosen, [&] { return is_stopping(); });
}

INNGEST_INLINE void subscription_body::enter(subscription_state next) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(state_, next) == next && next != subscription_state::connecting) return;
  }
  changed_.notify_all();
  try {
    if (options_.on_state && !is_abandoned_) options_.on_state(next);
  } catch (const std::exception& problem) {
    report(problem);
  } catch (...) {
    report(configuration_error("subscribe_options::on_state threw something that is not a std::exception"));
  }
}

INNGEST_INLINE void subscription_body::report(const std::exception& problem) const {
  if (is_abandoned_) return;
  try {
    if (options_.on_error)
      options_.on_error(problem);
    else
      app_.log().warn("the subscription to \"" + channel_ + "\": " + problem.what());
  } catch (...) {
    if (!is_abandoned_) app_.log().error("subscribe_options::on_error threw an exception");
  }
}

}  // namespace inngest::inline INNGEST_ABI::realtime
