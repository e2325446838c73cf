#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/log.hpp>
#include <inngest/log/sinks.hpp>

// Requires spdlog (Debian: libspdlog-dev).

namespace inngest::inline INNGEST_ABI {

namespace detail {

inline spdlog::level::level_enum spdlog_level(log_level level) {
  switch (level) {
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::info:
      return spdlog::level::info;
    case log_level::warn:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
    case log_level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

}  // namespace detail

/// Passes records to a spdlog logger. spdlog's messages have no fields, so the fields are appended to the
/// message: "no answer app=shop function=charge run=01M8... step=pay attempt=1". Line breaks become spaces,
/// bytes that are not UTF-8 become question marks.
///
///     inngest::client app({.id = "shop", .log = inngest::logger(inngest::spdlog_log())});
///
/// \param to Default: spdlog's default logger at the time of the call.
inline record_sink spdlog_log(std::shared_ptr<spdlog::logger> to = spdlog::default_logger()) {
  return [to = std::move(to)](const log_record& record) {
    const auto level = detail::spdlog_level(record.level);
    if (!to->should_log(level)) return;
    const std::string text = detail::line_of(record, " ");
    to->log(level, spdlog::string_view_t(text.data(), text.size()));  // no format string
  };
}

}  // namespace inngest::inline INNGEST_ABI
