#pragma once

#include <cstdint>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/serving/description.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE std::vector<any_function> registered_functions(const std::vector<any_function>& functions) {
  std::vector<any_function> out;
  for (const any_function& function : functions) {
    if (!function.is_endpoint()) out.push_back(function);
  }
  return out;
}

INNGEST_INLINE std::string describe_functions(const served_app& app, const std::string& url) {
  return protocol::describe_each(registered_functions(app.functions), [&](const any_function& function) {
    return protocol::describe_function(function.slug(), function.options(), function.triggers(), url);
  });
}

INNGEST_INLINE std::string short_key_hash(const std::string& key) {
  if (key.empty()) return {};
  return protocol::hashed_signing_key(key.substr(protocol::prefix_length(key))).substr(0, 12);
}

INNGEST_INLINE std::string describe_app(const served_app& app, const identity& caller) {
  const inngest::settings& settings = app.settings();
  const signing_keys keys = app.client.keys();
  detail::json_object_text out;
  out.add("schema_version", "2024-05-24");
  out.add("function_count", static_cast<std::int64_t>(app.functions.size()));
  out.add("has_event_key", !settings.event_key().empty()).add("has_signing_key", !keys.current.empty());
  out.add("has_signing_key_fallback", !keys.fallback.empty()).add("mode", to_string(settings.mode()));
  if (!caller.verified) return out.text();
  const std::string& event_key = settings.event_key();
  out.add("authentication_succeeded", true).add("api_origin", settings.api_base_url());
  out.add("event_api_origin", settings.event_api_base_url()).add("app_id", app.client.id());
  out.add_raw("capabilities", protocol::capabilities).add_or_null("env", settings.env());
  out.add_or_null("event_key_hash", event_key.empty() ? event_key : detail::sha256_hex(event_key));
  out.add("framework", app.options.framework).add("sdk_language", "cpp").add("sdk_version", INNGEST_VERSION);
  out.add_or_null("serve_origin", settings.serve_origin());
  out.add_or_null("serve_path", settings.serve_path());
  out.add_or_null("signing_key_hash", short_key_hash(keys.current));
  return out.add_or_null("signing_key_fallback_hash", short_key_hash(keys.fallback)).text();
}

INNGEST_INLINE std::string origin_of(const served_app& app, const http::request& request) {
  if (!app.settings().serve_origin().empty()) return app.settings().serve_origin();
  const bool https = request.headers.find("x-forwarded-proto") == "https";
  return (https ? "https://" : "http://") + std::string(request.headers.find("host").value_or("localhost"));
}

INNGEST_INLINE std::string url_of(const served_app& app, const http::request& request) {
  const inngest::settings& settings = app.settings();
  return origin_of(app, request) + (settings.serve_path().empty() ? request.path() : settings.serve_path());
}

INNGEST_INLINE bool is_json_container(const std::string& text) {
  try {
    const detail::json_buffer buffer(text);
    detail::json_document document(buffer.text());
    detail::json_value root = document.root();
    const auto type = detail::type_of(root, {});
    return type == detail::json_type::object || type == detail::json_type::array;
  } catch (const payload_error&) {
    return false;
  }
}

INNGEST_INLINE std::string describe_in_band(const served_app& app, const http::request& request,
                                            const identity& caller) {
  if (!request.body.empty() && !is_json_container(request.body))
    throw protocol_error("the body of the PUT request is not JSON");
  const inngest::settings& settings = app.settings();
  const std::string asked = detail::find_text(request.body, "url");
  const std::string url = !asked.empty() && settings.serve_origin().empty() ? asked : url_of(app, request);
  detail::json_object_text out;
  out.add("app_id", app.client.id()).add_or_null("appVersion", settings.app_version());
  out.add_raw("capabilities", protocol::capabilities).add_or_null("env", settings.env());
  out.add("framework", app.options.framework).add_raw("functions", describe_functions(app, url));
  out.add_raw("inspection", describe_app(app, caller)).add_or_null("platform", "");
  out.add("sdk_author", "inngest-cpp").add("sdk_language", "cpp").add("sdk_version", INNGEST_VERSION);
  return out.add("sdk", protocol::sdk_name).add("url", url).text();
}

}  // namespace inngest::inline INNGEST_ABI::serving
