#pragma once

#include <exception>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/serving/registration.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE std::string server_mismatch(const served_app& app, const http::headers& headers) {
  const auto kind = headers.find(protocol::header::server_kind);
  const auto mine = app.settings().mode();
  if (!kind || *kind == to_string(mine)) return {};
  return mine == mode::dev
             ? "this app is in dev mode (INNGEST_DEV), and the server is a cloud or self-hosted one: unset "
               "INNGEST_DEV and set INNGEST_SIGNING_KEY"
             : "this app is in cloud mode, and the server is a dev server: set INNGEST_DEV=1 to work with it";
}

INNGEST_INLINE sync_result read_sync_answer(const served_app& app, const http::response& answer) {
  if (answer.status >= 200 && answer.status < 300) {
    bool modified = false;
    try {
      const detail::json_buffer body(answer.body.substr(0, 64 * 1024));
      modified = detail::find_member(body, "modified") == "true";
    } catch (const payload_error&) {  // the registration still counts
    }
    return {.ok = true, .modified = modified, .message = "registered"};
  }
  std::string reason = protocol::refusal(answer);
  const bool about_key = answer.status == 401 || answer.status == 403;
  if (about_key && reason.find(' ') == std::string::npos) reason += " the signing key was refused";
  const std::string mismatch = server_mismatch(app, answer.headers);
  // A server that refuses a key has keys itself: nobody shall turn signatures off because of a wrong key.
  if (about_key && (mismatch.empty() || app.settings().mode() == mode::cloud))
    reason += ": compare the app's signing key (INNGEST_SIGNING_KEY) with the server's";
  else if (!mismatch.empty())
    reason += ": " + mismatch;
  return {.message = "the server refused the registration: " + reason};
}

INNGEST_INLINE sync_result sync(const served_app& app, std::string url, const std::string& deployment) {
  if (app.route)
    return {.message = "an endpoint needs no registration: the server learns of it with its first request"};
  sync_result result = ask_to_register(app, url, deployment);
  if (!result.ok)
    app.client.log().warn("registering the app at " + detail::shown_url(url) + ": " + result.message);
  return result;
}

INNGEST_INLINE sync_result ask_to_register(const served_app& app, std::string url,
                                           const std::string& deployment) {
  const inngest::settings& settings = app.settings();
  const std::string query = deployment.empty() ? "" : "?deployId=" + http::percent_encoded(deployment);
  url += query;
  detail::json_object_text body;
  body.add("v", "0.1").add("url", url).add("deployType", "ping").add("sdk", protocol::sdk_name);
  body.add("framework", app.options.framework).add("appName", app.client.id());
  body.add_if("deployId", deployment)
      .add_if("appVersion", settings.app_version())
      .add_raw("functions", describe_functions(app, url));
  body.add_raw("capabilities", protocol::capabilities);
  http::request request{.method = "POST", .url = "/fn/register" + query, .body = body.text()};
  request.headers.add(protocol::header::expected_server_kind, std::string(to_string(settings.mode())));
  request.headers.add(protocol::header::sync_kind, protocol::out_of_band);
  try {
    return read_sync_answer(app, app.client.call_api(std::move(request)));
  } catch (const unreachable& problem) {
    return {.message = std::string("no Inngest server answered at ") + settings.api_base_url() + ": " +
                       problem.what()};
  } catch (const std::exception& problem) {  // of the user's transport, or there is none
    return {.message = std::string("the request to register could not be sent: ") + problem.what()};
  } catch (...) {
    return {.message =
                "the request to register could not be sent: the transport threw something that is not a "
                "std::exception"};
  }
}

INNGEST_INLINE bool may_register(const served_app& app, const http::request& request,
                                 const identity& caller) {
  const bool in_band = request.headers.find(protocol::header::sync_kind) == protocol::in_band;
  const bool dev = app.settings().mode() == mode::dev;
  return caller.verified || (dev && !caller.refused) ||
         (!in_band && !app.settings().serve_origin().empty() &&
          !request.headers.find(protocol::header::signature));
}

INNGEST_INLINE http::response register_functions(const served_app& app, const http::request& request,
                                                 const identity& caller) {
  const bool in_band = request.headers.find(protocol::header::sync_kind) == protocol::in_band;
  if (!may_register(app, request, caller)) return refuse(app, caller);
  // A server with the signing key is the app's server, whatever kind it claims to be.
  const std::string mismatch = caller.verified ? std::string() : server_mismatch(app, request.headers);
  if (!mismatch.empty()) return message_answer(app, 400, "not registered: " + mismatch);

  http::response out;
  if (in_band) {
    out = json_answer(app, 200, describe_in_band(app, request, caller));
  } else {
    const sync_result result = sync(app, url_of(app, request), request.query("deployId").value_or(""));
    out = json_answer(
        app, result.ok ? 200 : 500,
        detail::json_object_text().add("message", result.message).add("modified", result.modified).text());
  }
  out.headers.add(protocol::header::sync_kind, in_band ? protocol::in_band : protocol::out_of_band);
  out.headers.add(protocol::header::expected_server_kind, std::string(to_string(app.settings().mode())));
  return out;
}

INNGEST_INLINE http::response register_if_running(const served_app& app, const http::request& request,
                                                  const identity& caller) {
  if (!may_register(app, request, caller)) return refuse(app, caller);  // also while the app stops
  const registered_call registered(app.calls, {});
  return registered.is_refused() ? stopping_answer(app) : register_functions(app, request, caller);
}

}  // namespace inngest::inline INNGEST_ABI::serving
