#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json/detail/text.hpp>

// Whether an app may register over HTTP. The engine checks this before it changes anything.

namespace inngest::inline INNGEST_ABI::embedded {

/// The normalized origin of an http or https URL: lower case, without the scheme's default port, and with one
/// name for this machine. `nullopt` for other URLs.
std::optional<std::string> app_origin(std::string_view url);

/// Why a remote app must not register these functions; `nullopt` when it may.
///
/// An app has an id and one origin. It must not replace a function of this process, of another app, or of an
/// app with the same id at another origin. `existing` maps slugs to pointers to the engine's functions.
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
  for (const auto& [slug, function] : existing) {
    if (function->app_id != app.id || function->url.empty()) continue;
    const std::string its = app_origin(function->url).value_or(function->url);
    if (its != origin)
      return "app \"" + app.id + "\" is registered at " + its +
             ", and another origin can't replace it: give this app another id, or remove the one that is "
             "there by registering it with its \"url\" and no functions";
  }
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/registration_conflict.ipp>
#endif
