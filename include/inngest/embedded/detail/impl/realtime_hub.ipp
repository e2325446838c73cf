#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <optional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The events of an in-process subscriber, fetched by its thread.
class waiting_events final : public realtime_subscriber {
 public:
  bool take(const std::string& event) override {
    const std::lock_guard lock(mutex_);
    is_late_ = is_late_ || events_.size() >= max_waiting_events || bytes_ > max_waiting_bytes;
    if (!is_late_) {
      bytes_ += event.size();
      events_.push_back(event);
    }
    changed_.notify_one();
    return !is_late_;
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_one();
  }

  /// The next event; empty at the end.
  std::string next(const stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !events_.empty() || is_late_ || has_ended_ || stop.stop_requested(); });
    if (stop.stop_requested()) return {};
    if (is_late_)
      throw unreachable("the subscriber was too slow for the engine's messages and lost some of them");
    if (events_.empty()) return {};
    std::string out = std::move(events_.front());
    events_.pop_front();
    bytes_ -= out.size();
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> events_;
  std::size_t bytes_ = 0;
  bool is_late_ = false;
  bool has_ended_ = false;
};

INNGEST_INLINE std::string event_of(const realtime::message& message) {
  detail::json_object_text out;
  out.add("kind", to_string(message.kind));
  out.add_if("stream_id", message.kind == realtime::message_kind::chunk ? message.stream_id : std::string());
  out.add_raw("data", message.text).add("channel", message.channel).add("topic", message.topic);
  if (message.created_at) out.add("created_at", to_text(*message.created_at));
  std::string text = out.add_if("run_id", message.run_id).text();
  for (char& c : text) c = c == '\n' || c == '\r' ? ' ' : c;  // white space in the publisher's JSON
  return "data: " + text + "\n\n";
}

INNGEST_INLINE realtime_hub::realtime_hub(system_time now) : now_(std::move(now)) {}

INNGEST_INLINE std::chrono::system_clock::time_point realtime_hub::now() const {
  return now_ ? now_() : std::chrono::system_clock::now();
}

INNGEST_INLINE std::string realtime_hub::make_token(const std::vector<realtime_topic>& topics) const {
  return tokens_.make(topics, now());
}

INNGEST_INLINE std::optional<std::vector<realtime_topic>> realtime_hub::read_token(
    std::string_view token) const {
  return tokens_.read(token, now());
}

INNGEST_INLINE std::uint64_t realtime_hub::subscribe(const std::vector<realtime_topic>& topics,
                                                     std::shared_ptr<realtime_subscriber> subscriber) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) throw unreachable("the engine has ended");
  const std::uint64_t number = ++last_;
  subscription& added = subscriptions_[number];
  added.subscriber = std::move(subscriber);
  for (const realtime_topic& topic : topics) {
    if (std::find(added.topics.begin(), added.topics.end(), topic) != added.topics.end()) continue;
    added.topics.push_back(topic);
    by_topic_[topic].push_back(number);
  }
  return number;
}

INNGEST_INLINE void realtime_hub::unsubscribe(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  forget(number);
}

INNGEST_INLINE void realtime_hub::forget(std::uint64_t number) {
  const auto found = subscriptions_.find(number);
  if (found == subscriptions_.end()) return;
  for (const realtime_topic& topic : found->second.topics) {
    const auto of_topic = by_topic_.find(topic);
    std::erase(of_topic->second, number);
    if (of_topic->second.empty()) by_topic_.erase(of_topic);
  }
  subscriptions_.erase(found);
}

INNGEST_INLINE void realtime_hub::publish(realtime::message message) {
  const bool is_chunk = message.kind == realtime::message_kind::chunk;
  if (!message.created_at && !is_chunk)
    message.created_at = std::chrono::floor<std::chrono::milliseconds>(now());
  send({message.channel, message.topic}, event_of(message));
}

INNGEST_INLINE void realtime_hub::pass(const std::string& channel, std::string_view bytes) {
  send({channel, "$stream"}, std::string(bytes));
}

INNGEST_INLINE void realtime_hub::send(const realtime_topic& topic, const std::string& event) {
  const std::lock_guard lock(mutex_);
  const auto found = by_topic_.find(topic);
  if (found == by_topic_.end()) return;
  std::vector<std::uint64_t> late;
  for (const std::uint64_t number : found->second) {
    if (!subscriptions_.find(number)->second.subscriber->take(event)) late.push_back(number);
  }
  for (const std::uint64_t number : late) forget(number);
}

INNGEST_INLINE void realtime_hub::end() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  for (auto& [number, open] : subscriptions_) open.subscriber->end();
  subscriptions_.clear();
  by_topic_.clear();
}

INNGEST_INLINE std::size_t realtime_hub::subscribers() const {
  const std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

INNGEST_INLINE void realtime_hub::stream(std::string_view token, const http::streaming& handlers) {
  const auto topics = read_token(token);
  if (!topics) {
    const http::response refused{.status = 401, .headers = {{"content-type", "application/json"}}};
    if (handlers.on_head && handlers.on_head(refused) && handlers.on_piece)
      handlers.on_piece(R"({"error":"Not authenticated","status":401})");
    return;
  }
  const auto events = std::make_shared<waiting_events>();
  const std::uint64_t number = subscribe(*topics, events);
  const stop_callback ends(handlers.stop, [&] { events->end(); });
  const auto pump = [&] {
    const http::response head{.headers = {{"content-type", "text/event-stream"}}};
    if (handlers.on_head && !handlers.on_head(head)) return;
    for (std::string event = events->next(handlers.stop); !event.empty();
         event = events->next(handlers.stop)) {
      if (handlers.on_piece && !handlers.on_piece(event)) return;
    }
    if (!handlers.stop.stop_requested()) throw unreachable("the engine has ended");
  };
  try {
    pump();
  } catch (...) {
    unsubscribe(number);
    throw;
  }
  unsubscribe(number);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
