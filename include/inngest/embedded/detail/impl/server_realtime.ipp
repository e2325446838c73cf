#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/server_realtime.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Sends the events of the hub over a connection.
class connected_subscriber final : public realtime_subscriber {
 public:
  explicit connected_subscriber(std::shared_ptr<detail::open_answer> answer) : answer_(std::move(answer)) {}
  bool take(const std::string& event) override { return answer_->write(event); }
  void end() override { answer_->end(); }

 private:
  std::shared_ptr<detail::open_answer> answer_;
};

class published_body final : public detail::body_sink {
 public:
  published_body(engine& engine, const http::request& head) : publisher_(engine, head) {}
  void take(std::string_view bytes) override { is_whole_ = publisher_.take(bytes) && is_whole_; }
  http::response end() override {
    publisher_.end();
    return is_whole_ ? http::response{} : realtime_refusal(413, realtime_api<engine>::stream_too_long);
  }

 private:
  stream_publisher<engine> publisher_;
  bool is_whole_ = true;
};

class passed_body final : public detail::body_sink {
 public:
  passed_body(std::shared_ptr<realtime_hub> hub, std::string channel)
      : hub_(std::move(hub)), channel_(std::move(channel)) {}
  void take(std::string_view bytes) override {
    size_ += bytes.size();
    if (size_ <= most) hub_->pass(channel_, bytes);
  }
  http::response end() override {
    return size_ <= most ? http::response{} : realtime_api<engine>::too_much_passed();
  }

 private:
  static constexpr std::size_t most = realtime_api<engine>::max_passed;

  std::shared_ptr<realtime_hub> hub_;
  std::string channel_;
  std::size_t size_ = 0;
};

/// Whether the parts of a path are "v1", "realtime" and these.
INNGEST_INLINE bool is_realtime(const std::vector<std::string>& path,
                                std::initializer_list<std::string_view> rest) {
  return path.size() == 2 + rest.size() && path[0] == "v1" && path[1] == "realtime" &&
         std::equal(rest.begin(), rest.end(), path.begin() + 2);
}

INNGEST_INLINE std::optional<detail::listener_answer> server_realtime::subscribe(const http::request& request,
                                                                                 const maker& make) const {
  if (request.method != "GET" || !is_realtime(detail::path_parts(request.path()), {"sse"}))
    return std::nullopt;
  const std::shared_ptr<realtime_hub>& hub = engine_.realtime();
  const auto topics = hub->read_token(realtime_token_of(request));
  if (!topics)
    return realtime_refusal(401,
                            "Not authenticated: the realtime token is missing, wrong or older than a minute");
  // Each subscriber holds a connection for minutes, and a token is good for any number of them.
  if (hub->subscribers() >= max_subscribers_)
    return realtime_refusal(503, "there are too many subscribers: try again later");
  const auto answer = make(max_waiting_bytes);
  detail::listener_answer out({.headers = {{"content-type", "text/event-stream"},
                                           {"cache-control", "no-cache"},
                                           {"access-control-allow-origin", "*"},
                                           {"access-control-expose-headers", "Content-Type"}}},
                              answer);  // closes the answer if what follows throws
  const std::uint64_t number = hub->subscribe(*topics, std::make_shared<connected_subscriber>(answer));
  answer->on_close([hub, number] { hub->unsubscribe(number); });
  return out;
}

INNGEST_INLINE detail::opened_body server_realtime::open_body(const http::request& head) const {
  const std::vector<std::string> path = detail::path_parts(head.path());
  const bool posts = head.method == "POST";
  try {
    if (posts && is_realtime(path, {"publish"}) && is_stream(head))
      return {.sink = std::make_shared<published_body>(engine_, head)};
    if (posts && is_realtime(path, {"publish", "tee"}))
      return {.sink =
                  std::make_shared<passed_body>(engine_.realtime(), realtime_api<engine>::channel_of(head))};
  } catch (const std::exception& problem) {
    return {.refusal = realtime_refusal(400, problem.what())};
  }
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
