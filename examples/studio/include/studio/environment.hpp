#pragma once

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace studio {

/// The app's environment variables, read once and passed on. Nothing else calls getenv, including the SDK
/// (see make_client).
class environment {
 public:
  using variables = std::map<std::string, std::string, std::less<>>;

  explicit environment(variables values = {}) : values_(std::move(values)) {}

  /// Reads the environment of this process.
  static environment read() {
    variables values;
    for (const char* name :
         {"INNGEST_DEV", "INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY", "INNGEST_SIGNING_KEY_FALLBACK",
          "INNGEST_ENV", "INNGEST_BASE_URL", "INNGEST_API_BASE_URL", "INNGEST_EVENT_API_BASE_URL",
          "INNGEST_SERVE_ORIGIN", "INNGEST_SERVE_PATH", "INNGEST_LOG_LEVEL", "HOST", "PORT", "STUDIO_DATA"}) {
      const char* value = std::getenv(name);
      if (value != nullptr && *value != '\0') values.emplace(name, value);
    }
    return environment(std::move(values));
  }

  std::optional<std::string> find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  bool has(std::string_view name) const { return values_.contains(name); }

  /// Whether an Inngest server runs the functions instead of the embedded engine.
  bool uses_server() const {
    const std::string dev = find("INNGEST_DEV").value_or("0");
    return has("INNGEST_SIGNING_KEY") || (dev != "0" && dev != "false");
  }

  /// The address to listen on: HOST, or the loopback address.
  std::string host() const { return find("HOST").value_or("127.0.0.1"); }

  int port() const {
    const std::string text = find("PORT").value_or("3000");
    int port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port < 1 || port > 65534)
      throw std::invalid_argument("PORT must be a number from 1 to 65534, not \"" + text + "\"");
    return port;
  }

  /// The directory of the database and the blobs.
  std::filesystem::path data_directory() const {
    if (const auto given = find("STUDIO_DATA")) return *given;
    return std::filesystem::temp_directory_path() / "studio-233";
  }

 private:
  variables values_;
};

}  // namespace studio
