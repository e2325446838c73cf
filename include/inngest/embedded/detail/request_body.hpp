#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

// The bodies of requests to an http_server's own routes.

namespace inngest::inline INNGEST_ABI::embedded {

/// The body of a request as a JSON object; an empty body is an empty object.
/// \throws payload_error that names a member which is unknown or occurs twice, because readers could disagree
/// on which one counts.
json read_members(const std::string& body, std::initializer_list<std::string_view> names);

/// A text member; empty when it is missing or null.
/// \throws payload_error also for an empty text, so that a script with an empty variable does not affect more
/// than intended.
std::string text_member(const json& object, const char* name);
/// A boolean member; false when it is missing or null.
/// \throws payload_error
bool truth_member(const json& object, const char* name);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/request_body.ipp>
#endif
