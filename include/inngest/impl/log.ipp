#pragma once

#include <inngest/config.hpp>
#include <inngest/log.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE void log_to_stderr(log_level level, std::string_view message) {
  const std::string_view name = to_string(level);
  std::fprintf(stderr, "[inngest] %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(message.size()), message.data());
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
