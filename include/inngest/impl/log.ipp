#pragma once

#include <new>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/log.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string detail::stderr_line(log_level level, std::string_view message) {
  return "[inngest] " + std::string(to_string(level)) + ": " + on_one_line(message) + "\n";
}

INNGEST_INLINE void log_to_stderr(log_level level, std::string_view message) {
  try {
    std::fputs(detail::stderr_line(level, message).c_str(), stderr);
  } catch (const std::bad_alloc&) {  // a failing log must not stop the work
    std::fputs("[inngest] error: there was no memory for a log line\n", stderr);
  }
}

INNGEST_INLINE logger::logger(log_sink sink, log_level level) : level_(level) {
  if (!sink) return;
  sink_ = std::make_shared<const record_sink>(
      [sink = std::move(sink)](const log_record& record) { sink(record.level, record.message); });
}

INNGEST_INLINE logger::logger(record_sink sink, log_level level) : level_(level) {
  if (sink) sink_ = std::make_shared<const record_sink>(std::move(sink));
}

INNGEST_INLINE void logger::log(log_level level, std::string_view message, const log_fields& fields) const {
  if (level < level_ || level_ == log_level::off || !sink_) return;
  try {
    (*sink_)(
        {.time = std::chrono::system_clock::now(), .level = level, .message = message, .fields = fields});
  } catch (...) {  // a failing log must not stop the work
    log_to_stderr(level, message);
    log_to_stderr(log_level::error, "the log sink threw an exception for the message above");
  }
}

}  // namespace inngest::inline INNGEST_ABI
