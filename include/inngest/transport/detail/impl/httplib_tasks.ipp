#pragma once

#include <algorithm>
#include <limits>
#include <thread>

#include <inngest/config.hpp>
#include <inngest/transport/detail/httplib_tasks.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE growing_task_queue::growing_task_queue(std::size_t max_threads,
                                                      std::chrono::milliseconds max_idle)
    : threads_({.threads = max_threads,
                .queue = (std::numeric_limits<std::size_t>::max)(),
                .max_idle = max_idle}) {}

INNGEST_INLINE std::size_t growing_task_queue::default_max_threads() {
  return (std::max)(std::size_t{256}, std::size_t{8} * std::thread::hardware_concurrency());
}

INNGEST_INLINE growing_task_queue::enqueued growing_task_queue::enqueue(std::function<void()> task) {
  if (!threads_.post(task)) task();
  return static_cast<enqueued>(true);
}

INNGEST_INLINE bool has_default_task_queue(const httplib::Server& server) {
  const httplib::Server untouched;
  return server.new_task_queue.target_type() == untouched.new_task_queue.target_type();
}

}  // namespace inngest::inline INNGEST_ABI::detail
