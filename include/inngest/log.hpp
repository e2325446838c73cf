#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// The level of a message, or the minimum level that a logger accepts. `off` disables logging.
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

/// What a message is about. An empty member is not known.
struct log_fields {
  std::string_view app{};        ///< the app's id
  std::string_view function{};   ///< the function's id within the app
  std::string_view run{};        ///< the run's id
  std::string_view step{};       ///< the id or name of the step whose body runs, or that failed
  std::optional<int> attempt{};  ///< the attempt: 0 is the first, as in ctx.attempt
};

/// A message with all of its fields. Its texts are valid only during the call of a sink.
struct log_record {
  std::chrono::system_clock::time_point time{};  ///< when it was logged
  log_level level = log_level::info;             ///< its level
  std::string_view message{};                    ///< the human-readable text
  log_fields fields{};                           ///< what it is about
};

/// Receives messages with their fields: see <inngest/log/sinks.hpp> for text and JSON. Called from any
/// thread. If it throws, the message goes to standard error.
using record_sink = std::function<void(const log_record&)>;

/// Writes a line such as "[inngest] warn: message" to standard error. Line breaks in the message become
/// spaces.
void log_to_stderr(log_level level, std::string_view message);

namespace detail {

/// What log_to_stderr() writes.
std::string stderr_line(log_level level, std::string_view message);

}  // namespace detail

/// Passes messages of at least its level to a sink. The library never logs keys or payloads. Thread-safe.
class logger {
 public:
  /// Passes messages of at least `level` to `sink`.
  explicit logger(log_sink sink = log_to_stderr, log_level level = log_level::info);
  /// Passes messages of at least `level` with their fields to `sink`.
  explicit logger(record_sink sink, log_level level = log_level::info);
  /// Discards all messages.
  explicit logger(std::nullptr_t, log_level level = log_level::off) : level_(level) {}

  /// Logs a message with the level `debug`.
  void debug(std::string_view message) const { log(log_level::debug, message); }
  /// Logs a message with the level `info`.
  void info(std::string_view message) const { log(log_level::info, message); }
  /// Logs a message with the level `warn`.
  void warn(std::string_view message) const { log(log_level::warn, message); }
  /// Logs a message with the level `error`.
  void error(std::string_view message) const { log(log_level::error, message); }

  /// Logs a message with the given level. Never throws the sink's exceptions.
  void log(log_level level, std::string_view message) const { log(level, message, log_fields{}); }
  /// Logs a message about a function, run or step.
  void log(log_level level, std::string_view message, const log_fields& fields) const;

 private:
  std::shared_ptr<const record_sink> sink_;  // null or not empty
  log_level level_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/log.ipp>
#endif
