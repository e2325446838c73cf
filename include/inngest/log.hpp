#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace inngest {

enum class log_level { debug, info, warn, error, off };

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

/// Reads a level's name; nothing for any other text.
[[nodiscard]] constexpr std::optional<log_level> parse_log_level(std::string_view text) {
  for (const auto level :
       {log_level::debug, log_level::info, log_level::warn, log_level::error, log_level::off}) {
    if (text == to_string(level)) return level;
  }
  return std::nullopt;
}

/// Where messages go. Called from whichever thread has something to say. When it throws, the message goes to
/// standard error.
using log_sink = std::function<void(log_level, std::string_view message)>;

/// Writes "[inngest] warn: message" and a new line to standard error.
inline void log_to_stderr(log_level level, std::string_view message) {
  const std::string_view name = to_string(level);
  std::fprintf(stderr, "[inngest] %.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(message.size()), message.data());
}

/// Passes on what is at least as important as its level. Keys and payloads are never logged by the library.
class logger {
 public:
  explicit logger(log_sink sink = log_to_stderr, log_level level = log_level::info)
      : sink_(std::make_shared<const log_sink>(std::move(sink))), level_(level) {}

  void debug(std::string_view message) const { log(log_level::debug, message); }
  void info(std::string_view message) const { log(log_level::info, message); }
  void warn(std::string_view message) const { log(log_level::warn, message); }
  void error(std::string_view message) const { log(log_level::error, message); }

  void log(log_level level, std::string_view message) const {
    if (level < level_ || level_ == log_level::off || !*sink_) return;
    try {
      (*sink_)(level, message);
    } catch (...) {  // what can't be logged must not stop what it is about
      log_to_stderr(level, message);
      log_to_stderr(log_level::error, "the log's sink threw at the message above");
    }
  }

 private:
  std::shared_ptr<const log_sink> sink_;
  log_level level_;
};

}  // namespace inngest
