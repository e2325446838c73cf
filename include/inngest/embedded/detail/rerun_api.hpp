#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/request_body.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The routes of an http_server for repairing single runs:
///
/// - `POST /api/runs/<id>/rerun`: engine::rerun()
/// - `POST /api/runs/<id>/cancel`: engine::cancel()
/// - `POST /api/events/<id>/resend`: engine::resend()
/// - `POST /api/functions/<slug>/invoke`: engine::invoke()
class rerun_api {
 public:
  explicit rerun_api(engine& engine) : engine_(engine) {}

  /// The answer; `nullopt` for other routes. \throws payload_error that names the member of the body which is
  /// wrong; configuration_error and unreachable like the engine.
  std::optional<http::response> answer(const http::request& request) const;

  /// The runs that repeat the run, for its details.
  static json described(const std::vector<run>& reruns);

 private:
  http::response rerun(const std::string& run_id, const std::string& body) const;
  http::response cancel(const std::string& run_id) const;
  http::response resend(const std::string& event_id) const;
  http::response invoke(const std::string& slug, const std::string& body) const;

  engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/rerun_api.ipp>
#endif
