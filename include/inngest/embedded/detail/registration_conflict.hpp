#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json/detail/text.hpp>

// Whether an app may register over HTTP. Checked before anything is changed.

namespace inngest::inline INNGEST_ABI::embedded {

/// The normalized origin of an http or https URL: lower case, without the scheme's default port, and with a
/// single name for this machine. The origin of functions that are called over the connections of workers is
/// `connect_url`. `nullopt` for other URLs.
std::optional<std::string> app_origin(std::string_view url);

/// Why a remote app must not register these functions; `nullopt` when it may.
///
/// An app has an id and one origin, and may move to another, as on a server. It must not replace a function
/// of this process or of another app. `existing` maps slugs to pointers to the engine's functions.
template <class Functions>
std::optional<std::string> find_registration_conflict(const Functions& existing, const app_record& app,
                                                      const std::vector<function_definition>& functions) {
  std::optional<std::string> origin;
  if (functions.empty()) origin = app_origin(detail::find_text(app.text, "url"));
  std::set<std::string_view> slugs;
  for (const function_definition& function : functions) {
    const std::string named = "function \"" + function.slug + "\"";
    const auto its = app_origin(function.url);
    if (!its) return named + ": its URL must begin with http:// or https:// and name a host";
    if (origin && origin != its)
      return named + ": all functions of an app must have the same origin, here " + *origin;
    origin = its;
    if (!slugs.insert(function.slug).second) return named + " is registered twice";
    const auto found = existing.find(function.slug);
    if (found == existing.end()) continue;
    if (found->second->url.empty())
      return named + " is a function of the engine's own process: an app elsewhere can't replace it";
    if (found->second->app_id != app.id)
      return named + " belongs to app \"" + found->second->app_id + "\": app \"" + app.id +
             "\" can't replace it";
  }
  const auto is_of_app = [&](const auto& entry) {
    return entry.second->app_id == app.id && !entry.second->url.empty();
  };
  if (!origin && std::any_of(existing.begin(), existing.end(), is_of_app))
    return "a registration without functions removes those of app \"" + app.id +
           "\", and must say the app's \"url\"";
  return std::nullopt;
}

/// The previous origin of the app's functions, if these functions have another origin.
template <class Functions>
std::optional<std::string> find_old_origin(const Functions& existing, const app_record& app,
                                           const std::vector<function_definition>& functions) {
  if (functions.empty()) return std::nullopt;
  const auto origin = app_origin(functions.front().url);
  for (const auto& [slug, function] : existing) {
    if (function->app_id != app.id || function->url.empty()) continue;
    if (auto old = app_origin(function->url); old != origin) return old;
  }
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/registration_conflict.ipp>
#endif
