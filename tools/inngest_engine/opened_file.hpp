#pragma once

#include <filesystem>
#include <string>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/json.hpp>

#include "parameters.hpp"

namespace terminal {

/// An engine's store, read by an engine that runs nothing, and that engine's server, with its own key.
class opened_file {
 public:
  /// \throws inngest::store_error when the file can't be read.
  explicit opened_file(const std::filesystem::path& path);

  std::string url() const { return server_.url(); }
  const std::string& signing_key() const { return key_; }

  /// Replaces "running" with the run's activity as shown by the file's views, because the engine that runs it
  /// is in another process.
  void describe(inngest::json& answer);

  /// The query of a list of runs with the statuses that the store knows: of an unfinished run it only knows
  /// whether it was called.
  static parameters for_store(const parameters& query);

  /// Removes runs whose status, after describe(), is none of those in the query.
  static void keep_wanted(inngest::json& list, const parameters& query);

 private:
  std::string key_;
  inngest::client app_;
  inngest::embedded::engine engine_;
  inngest::embedded::http_server server_;
  inngest::detail::sqlite::database views_;
};

}  // namespace terminal
