#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/ai/gateway.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

// Helpers that write the requests of several providers.

namespace inngest::inline INNGEST_ABI::ai::detail {

[[noreturn]] void refuse(const std::string& model, const std::string& problem);

/// The address of a path below a base URL. `option` names the base in errors.
std::string below(const std::string& model, const char* option, const std::string& base,
                  const std::string& path);

/// The given key, or the value of the provider's usual environment variable. Empty in a test that has
/// neither. \throws configuration_error
std::string key_or(const std::string& given, const char* variable, const std::string& model);

/// Adds members that an object lacks. In Gemini requests most parameters are nested one or two objects deep.
void fill_in(json& body, const json& defaults);

/// Completes a request's JSON: a missing member is taken from `defaults`, then from `required`. Empty text in
/// `required` means no value.
std::string completed(std::string body, const extra_fields& defaults,
                      std::initializer_list<std::pair<std::string_view, std::string>> required);

/// A request to an endpoint with the chat format.
gateway_request chat(const std::string& model, const std::string& url, std::string key, const char* format,
                     std::string body, const extra_fields& defaults);

}  // namespace inngest::inline INNGEST_ABI::ai::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/ai/detail/impl/requests.ipp>
#endif
