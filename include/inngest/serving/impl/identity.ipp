#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/identity.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE std::chrono::sys_seconds signing_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

INNGEST_INLINE identity identify(const served_app& app, http::request& request) {
  const auto signature = request.headers.find(protocol::header::signature);
  const bool must = app.settings().mode() == mode::cloud;
  if (!signature) return {.refused = must};
  const signing_keys keys = app.client.keys();
  auto check =
      protocol::check_signature(*signature, request.body, {keys.current, keys.fallback}, signing_time());
  if (!check.is_good()) {
    const bool has_keys = !keys.current.empty() || !keys.fallback.empty();
    return {.refused = must || has_keys, .check = std::move(check)};
  }
  if (check.canonical) request.body = std::move(*check.canonical);
  return {.verified = true, .key = check.key == 0 ? keys.current : keys.fallback};
}

INNGEST_INLINE bool is_continuation(const http::request& request) {
  // A dev server sends an empty signature, and some HTTP servers drop fields without a value.
  return request.headers.find(protocol::header::run_id) &&
         (request.headers.find(protocol::header::signature) ||
          request.headers.find(protocol::header::request_version));
}

INNGEST_INLINE identity identify_caller(const served_app& app, http::request& request) {
  if (!is_continuation(request)) return {};
  if (request.headers.find(protocol::header::signature).value_or("").empty())
    return {.refused = app.settings().mode() == mode::cloud};
  return identify(app, request);
}

INNGEST_INLINE http::response refuse(const served_app& app, const identity& caller) {
  const signing_keys keys = app.client.keys();
  const bool no_keys = app.settings().mode() == mode::cloud && keys.current.empty() && keys.fallback.empty();
  const auto kind = no_keys ? protocol::signature_state::no_key : caller.check.state;
  if (const auto held_back = app.refusals.pass(static_cast<int>(kind))) {
    std::string text = "a request was refused: ";
    text += no_keys ? "cloud mode needs INNGEST_SIGNING_KEY (for a dev server, set INNGEST_DEV=1)"
                    : caller.check.reason();
    if (*held_back > 0)
      text += " (" + std::to_string(*held_back) + " more were refused for this since the last message)";
    app.client.log().log(no_keys ? log_level::error : log_level::warn, text);
  }
  return bare_answer(401, "unauthorized");
}

INNGEST_INLINE void complete_answer(http::response& answer, const identity& caller) {
  drop_forbidden_body(answer, caller.is_head);
  if (!caller.verified) return;
  answer.headers.add(protocol::header::signature, protocol::sign(answer.body, caller.key, signing_time()));
}

}  // namespace inngest::inline INNGEST_ABI::serving
