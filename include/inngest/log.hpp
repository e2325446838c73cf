#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// The level of a message, or the minimum level that a logger passes on. `off` disables logging.
enum class log_level { debug, info, warn, error, off };

/// The level's name, such as "warn".
constexpr std::string_view to_string(log_level level) {
  switch (level) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
    case log_level::off:
      return "off";
  }
  return "off";
}

/// Reads a level's name; `nullopt` for any other text.
[[nodiscard]] constexpr std::optional<log_level> parse_log_level(std::string_view text) {
  for (const auto level :
       {log_level::debug, log_level::info, log_level::warn, log_level::error, log_level::off}) {
    if (text == to_string(level)) return level;
  }
  return std::nullopt;
}

/// Receives messages. Called from any thread. If it throws, the message goes to standard error.
using log_sink = std::function<void(log_level, std::string_view message)>;

/// Writes a line such as "[inngest] warn: message" to standard error.
void log_to_stderr(log_level level, std::string_view message);

/// Passes messages of at least its level to a sink. The library never logs keys or payloads. Thread-safe.
class logger {
 public:
  /// Passes messages of at least `level` to `sink`.
  explicit logger(log_sink sink = log_to_stderr, log_level level = log_level::info);

  /// Logs a message with the level `debug`.
  void debug(std::string_view message) const { log(log_level::debug, message); }
  /// Logs a message with the level `info`.
  void info(std::string_view message) const { log(log_level::info, message); }
  /// Logs a message with the level `warn`.
  void warn(std::string_view message) const { log(log_level::warn, message); }
  /// Logs a message with the level `error`.
  void error(std::string_view message) const { log(log_level::error, message); }

  /// Logs a message with the given level. Never throws the sink's exceptions.
  void log(log_level level, std::string_view message) const;

 private:
  std::shared_ptr<const log_sink> sink_;
  log_level level_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/log.ipp>
#endif
