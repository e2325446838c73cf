#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

// Writing what several providers' requests have in common.

namespace inngest::inline INNGEST_ABI::ai::detail {

[[noreturn]] void refuse(const std::string& model, const std::string& problem);

/// The address of a path below a base URL. `option` names the base in errors.
std::string below(const std::string& model, const char* option, const std::string& base,
                  const std::string& path);

/// The key that was given, or the provider's usual variable's.
std::string key_or(const std::string& given, const char* variable, const std::string& model);

/// Gives an object the members it lacks. Gemini has most parameters one or two objects deep.
void fill_in(json& body, const json& defaults);

/// A request's JSON, complete: a member that it lacks is that of the defaults, then that of `required`, where
/// empty text means none.
std::string completed(std::string body, const extra_fields& defaults,
                      std::initializer_list<std::pair<std::string_view, std::string>> required);

/// What most providers have in common.
gateway_request chat(const std::string& model, const std::string& url, std::string key, const char* format,
                     std::string body, const extra_fields& defaults);

}  // namespace inngest::inline INNGEST_ABI::ai::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/detail/impl/requests.ipp>
#endif
