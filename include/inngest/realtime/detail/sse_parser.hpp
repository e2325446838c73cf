#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Reads server-sent events ("text/event-stream") that arrive in pieces of any size. It reports the data of
/// each event and ignores comments, names, ids and retry times, which realtime does not use.
class sse_parser {
 public:
  /// `max_size` limits the bytes of one event.
  explicit sse_parser(std::size_t max_size) : max_size_(max_size) {}

  /// Reads the next bytes and calls `on_data` with the data of each complete event. Lines of data are joined
  /// by line feeds. \throws protocol_error when an event is larger than the limit.
  void read(std::string_view bytes, function_ref<void(std::string_view data)> on_data);

 private:
  void end_line(function_ref<void(std::string_view)> on_data);

  void grow(std::string& text, std::string_view bytes) const;

  const std::size_t max_size_;
  std::string line_{};  // the line that is incomplete
  std::string data_{};  // of the event that is incomplete
  bool has_data_ = false;
  bool is_first_line_ = true;
  bool after_cr_ = false;  // a line feed belongs to the carriage return before it
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/realtime/detail/impl/sse_parser.ipp>
#endif
