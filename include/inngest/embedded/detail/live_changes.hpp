#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/open_answer.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Answers `GET /api/live`: notifies viewers, through server-sent events, that the engine has changed. A
/// viewer receives `{"sequence": n}` immediately, and again after changes, at most five times a second. Used
/// by http_server.
class live_changes {
 public:
  /// `make` creates an open answer with a limit on waiting bytes.
  using maker = std::function<std::shared_ptr<detail::open_answer>(std::size_t most)>;

  /// `sequence` returns a number that grows with every change; it must not throw. `most` limits the number of
  /// viewers, because each of them holds a connection.
  live_changes(std::function<std::uint64_t()> sequence, std::size_t most);
  ~live_changes();
  live_changes(const live_changes&) = delete;
  live_changes& operator=(const live_changes&) = delete;

  /// `nullopt` for other requests. Too many viewers get status 503.
  std::optional<detail::listener_answer> subscribe(const http::request& request, const maker& make);

 private:
  using viewer = std::shared_ptr<detail::open_answer>;

  /// Watches for changes while there are viewers.
  void run();
  /// Adds a viewer; false when there are too many.
  bool add(const viewer& added);
  void remove(const detail::open_answer* gone);
  static std::string message(std::uint64_t sequence);

  const std::function<std::uint64_t()> sequence_;
  const std::size_t most_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::vector<viewer> viewers_;
  std::uint64_t told_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // starts with the first viewer
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/live_changes.ipp>
#endif
