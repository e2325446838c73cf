#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/pause.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Held while a request reads the whole store, which takes the disk and a thread of the server for long. Only
/// one request of each kind works at a time; others are refused.
struct store_turns {
  std::mutex reading{};  ///< the check, and the unreadable records
  std::mutex backup{};   ///< a backup
};

/// The routes of an http_server that control its engine: pauses, schedules, draining, the store, and the
/// audit trail. docs/operating.md lists them.
class control_api {
 public:
  /// Backups are files in `backups`; an empty path disables them. All requests of a server share `turns`.
  control_api(engine& engine, std::filesystem::path backups, store_turns& turns)
      : engine_(engine), backups_(std::move(backups)), turns_(turns) {}

  /// The answer; `nullopt` for other routes.
  /// \throws payload_error and configuration_error for an invalid request; anything the engine throws.
  std::optional<http::response> answer(const http::request& request, const std::string& path);

 private:
  std::optional<http::response> read(const http::request& request, const std::string& path) const;
  std::optional<http::response> change(const http::request& request, const std::string& path);

  http::response set_paused(const http::request& request, bool paused);
  http::response pauses() const;
  http::response drain(const http::request& request);
  http::response end_drain();
  http::response schedules() const;
  http::response run_schedule(const http::request& request);
  http::response backfill(const http::request& request);
  http::response unreadable() const;
  http::response export_unreadable() const;
  http::response remove_unreadable(const http::request& request);
  http::response back_up(const http::request& request);
  http::response check() const;
  http::response audit_trail(const http::request& request) const;

  engine& engine_;
  const std::filesystem::path backups_;
  store_turns& turns_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/control_api.ipp>
#endif
