#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/realtime/detail/sse_parser.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void sse_parser::read(std::string_view bytes, function_ref<void(std::string_view)> on_data) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    grow(line_, bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(on_data);
  }
}

INNGEST_INLINE void sse_parser::end_line(function_ref<void(std::string_view)> on_data) {
  std::string_view line = line_;
  if (is_first_line_ && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  is_first_line_ = false;
  if (line.empty()) {
    if (has_data_) on_data(data_);
    data_.clear();
    has_data_ = false;
  } else if (line == "data" || line.starts_with("data:")) {
    line.remove_prefix((std::min<std::size_t>)(5, line.size()));
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) grow(data_, "\n");
    grow(data_, line);
    has_data_ = true;
  }
  line_.clear();
}

INNGEST_INLINE void sse_parser::grow(std::string& text, std::string_view bytes) const {
  if (bytes.size() > max_size_ - (std::min)(text.size(), max_size_))
    throw protocol_error("the server sent an event of more than " + std::to_string(max_size_) +
                         " bytes: see realtime::subscribe_options::max_message_size");
  text += bytes;
}

}  // namespace inngest::inline INNGEST_ABI::detail
