#pragma once

#include <algorithm>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE step_options_error::step_options_error(const std::string& step_id, const std::string& problem)
    : configuration_error(error_code::step_options, "step \"" + step_id + "\": " + problem) {}

INNGEST_INLINE payload_error::payload_error(std::string path, const std::string& problem)
    : error(error_code::payload, path.empty() ? problem : path + ": " + problem),
      path_(std::move(path)),
      problem_(problem) {}

INNGEST_INLINE retry_after_error::retry_after_error(const std::string& message, duration_ms delay)
    : error(error_code::retry_after, message), delay_(delay) {}

INNGEST_INLINE retry_after_error::retry_after_error(const std::string& message, detail::precise_time at)
    : error(error_code::retry_after, message), at_(at) {}

INNGEST_INLINE std::chrono::milliseconds retry_after_error::delay(
    std::chrono::system_clock::time_point now) const {
  using std::chrono::milliseconds;
  if (!at_) return (std::max)(delay_, milliseconds::zero());
  const detail::precise_time from(now);
  if (*at_ <= from) return milliseconds::zero();
  const std::chrono::nanoseconds left(
      detail::add_saturated(at_->time_since_epoch().count(), -from.time_since_epoch().count()));
  return std::chrono::ceil<milliseconds>(left);
}

INNGEST_INLINE step_error::step_error(std::string step_id, std::string name, const std::string& message,
                                      std::vector<cause> causes)
    : error(error_code::step_failed, message),
      step_id_(std::move(step_id)),
      name_(std::move(name)),
      causes_(std::move(causes)) {}

INNGEST_INLINE nested_step_error::nested_step_error(std::string_view inner, std::string_view outer)
    : error(error_code::nested_step, "step \"" + std::string(inner) +
                                         "\" was called inside the body of step \"" + std::string(outer) +
                                         "\": call it from the handler instead") {}

INNGEST_INLINE wrong_thread_error::wrong_thread_error(std::string_view step, std::string_view function)
    : error(error_code::wrong_thread,
            (step.empty() ? std::string("ctx.group") : "step \"" + std::string(step) + "\"") +
                " of function \"" + std::string(function) +
                "\" was called on a thread other than the handler's: call steps from the handler itself, "
                "and use ctx.group.parallel or ctx.step.start to run them at the same time") {}

INNGEST_INLINE event_rejected::event_rejected(const std::string& message, std::vector<std::string> accepted)
    : error(error_code::event_rejected, message), accepted_(std::move(accepted)) {}

INNGEST_INLINE request_rejected::request_rejected(const std::string& message, int status)
    : error(error_code::request_rejected, message), status_(status) {}

INNGEST_INLINE store_error::store_error(std::string path, const std::string& problem)
    : error(error_code::store, "the store \"" + path + "\" " + problem),
      path_(std::move(path)),
      problem_(problem) {}

}  // namespace inngest::inline INNGEST_ABI
