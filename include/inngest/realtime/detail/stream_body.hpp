#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/realtime/options.hpp>

namespace inngest::inline INNGEST_ABI::realtime {

/// The thread of a stream_writer. It sends one request whose body arrives in pieces.
class stream_body {
 public:
  stream_body(client app, std::string channel, std::string topic, stream_options options);
  ~stream_body();
  stream_body(const stream_body&) = delete;
  stream_body& operator=(const stream_body&) = delete;

  void write(std::string_view piece);
  void close();

 private:
  void run();

  /// Sends the pieces. Returns the status of the answer, which is a success or 401.
  /// Throws for every other status.
  int send(const std::string& key);

  std::optional<std::string> next_piece();

  void end_pieces();

  void add(std::string_view text);

  const client app_;
  const std::string channel_;
  const std::string topic_;
  const stream_options options_;

  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::vector<std::string> pieces_{};  // all of them, because a second key must send them again
  std::size_t sent_ = 0;
  std::size_t chunks_ = 0;
  std::string rest_{};  // an incomplete character
  bool is_complete_ = false;
  std::exception_ptr problem_{};
  std::thread thread_;
};

}  // namespace inngest::inline INNGEST_ABI::realtime

#if !defined(INNGEST_COMPILED)
#include <inngest/realtime/detail/impl/stream_body.ipp>
#endif
