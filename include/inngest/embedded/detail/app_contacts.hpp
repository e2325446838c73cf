#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/app_info.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/http.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Records when the engine last heard from other apps, and their last errors. Thread-safe.
class app_contacts : public std::enable_shared_from_this<app_contacts> {
 public:
  struct contact {
    std::optional<timestamp> heard_at{};
    std::string error{};  // empty when the last contact succeeded
    std::optional<timestamp> error_at{};
  };

  /// `now` is called from any thread.
  explicit app_contacts(std::function<timestamp()> now) : now_(std::move(now)) {}

  void note_contact(const std::string& app);
  /// `is_answer` is whether the error came in an answer of the app.
  void note_error(const std::string& app, std::string_view error, bool is_answer);

  /// Wraps a route so that its calls are recorded. Null stays null.
  std::unique_ptr<app_route> noted(std::unique_ptr<app_route> route, std::string app);

  std::map<std::string, contact> all() const;

  /// The maximum number of recorded apps; above it, the app with the oldest contact is dropped.
  static constexpr std::size_t most = 500;

 private:
  class noted_route;

  contact& of(const std::string& app);

  const std::function<timestamp()> now_;
  mutable std::mutex mutex_;
  std::map<std::string, contact> contacts_;  // by app
};

/// Adds the recorded contact of an app.
void add_contact(app_info& to, const app_contacts::contact& heard, const connected_app& connections);

/// The problem with an answer to a call, apart from the function's own result; empty when there is none.
std::string app_problem(const http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/app_contacts.ipp>
#endif
