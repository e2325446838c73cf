#pragma once

#include <inngest/config.hpp>
#include <inngest/protocol/lifecycle.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE lifecycle_event::lifecycle_event(std::string_view event) {
  const detail::json_buffer whole{std::string(event)};
  data_ = detail::json_buffer(std::string(detail::find_member(whole, "data")));
  event_ = detail::find_member(data_, "event");
  result_ = detail::find_member(data_, "result");
  run_id_ = detail::find_text(data_.text(), "run_id");
  const std::string_view error = detail::find_member(data_, "error");
  if (error.empty()) return;
  error_ = {.name = detail::find_text(error, "name"),
            .message = detail::find_text(error, "message"),
            .stack = detail::find_text(error, "stack")};
}

}  // namespace inngest::inline INNGEST_ABI::protocol
