#pragma once

#include <inngest/config.hpp>
#include <inngest/log.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE void log_to_stderr(log_level level, std::string_view message) {
  const std::string_view name = to_string(level);
  std::fprintf(stderr, "[inngest] %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(message.size()), message.data());
}

INNGEST_INLINE logger::logger(log_sink sink, log_level level)
    : sink_(std::make_shared<const log_sink>(std::move(sink))), level_(level) {}

INNGEST_INLINE void logger::log(log_level level, std::string_view message) const {
  if (level < level_ || level_ == log_level::off || !*sink_) return;
  try {
    (*sink_)(level, message);
  } catch (...) {  // a failing log must not stop the work
    log_to_stderr(level, message);
    log_to_stderr(log_level::error, "the log sink threw an exception for the message above");
  }
}

}  // namespace inngest::inline INNGEST_ABI
