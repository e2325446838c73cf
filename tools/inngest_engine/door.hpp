#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <inngest/http.hpp>
#include <inngest/json.hpp>

#include "parameters.hpp"

namespace terminal {

/// The engine that a command addresses, and how to reach it.
struct target {
  std::string url = "http://127.0.0.1:8288";
  /// The engine's store, to be read without the engine; empty for the engine at the URL.
  std::filesystem::path file{};
  std::string signing_key{};
  /// For sending events when there is no signing key.
  std::string event_key{};
};

class opened_file;

/// Calls an engine's REST routes. For a file, an engine without functions and work reads the file and answers
/// the same routes; only this program can reach that engine's server.
class door {
 public:
  /// \throws failure when the file can't be read.
  explicit door(const target& of);
  ~door();
  door(const door&) = delete;
  door& operator=(const door&) = delete;

  bool is_file() const { return file_ != nullptr; }
  /// The name for messages.
  const std::string& name() const { return name_; }

  /// The JSON of a route's answer.
  /// \throws failure for an unsuccessful answer.
  inngest::json get(const std::string& path, const parameters& query = {});
  /// \throws failure; for a file always, because it is only read.
  inngest::json post(const std::string& path, const inngest::json& body = inngest::json::object(),
                     const inngest::http::headers& more = {});
  /// \throws failure
  inngest::json remove(const std::string& path, const parameters& query = {});
  /// The answer, whatever its status.
  /// \throws failure when there is no answer, or the key is rejected.
  inngest::http::response ask(inngest::http::request request);
  /// The text of a route's answer.
  /// \throws failure
  std::string text(const std::string& path);

  /// The path to which events are sent.
  std::string events_path() const;

  /// \throws failure with the error in the answer.
  [[noreturn]] void refuse(const inngest::http::response& answer) const;

  /// \throws failure that says that a command needs a running engine.
  void require_engine(const std::string& command) const;

 private:
  std::string name_;
  std::string url_;
  std::string bearer_;
  std::string event_key_;
  std::unique_ptr<opened_file> file_;
  std::shared_ptr<inngest::http::transport> transport_;
};

}  // namespace terminal
