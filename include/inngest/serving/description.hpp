#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/serving/identity.hpp>
#include <inngest/serving/served_app.hpp>
#include <inngest/version.hpp>

// The description of the app: the answer to GET, and the functions in a registration.

namespace inngest::inline INNGEST_ABI::serving {

/// The functions that a server knows: all but endpoints.
std::vector<any_function> registered_functions(const std::vector<any_function>& functions);

/// The functions for a registration, as a JSON array. The server calls them at `url`.
std::string describe_functions(const served_app& app, const std::string& url);

/// The first digits of a key's hash, to compare keys without revealing them. Empty for no key.
std::string short_key_hash(const std::string& key);

/// The body of the answer to GET: minimal for unauthenticated callers.
std::string describe_app(const served_app& app, const identity& caller);

/// The origin at which the server reaches the app: the setting, or that of the request.
std::string origin_of(const served_app& app, const http::request& request);

/// The URL at which the server reaches the app: the configured one, or that of this request.
std::string url_of(const served_app& app, const http::request& request);

bool is_json_container(const std::string& text);

/// The answer to an in-band registration, which contains the app's functions.
/// \throws protocol_error when the request's body is not JSON.
std::string describe_in_band(const served_app& app, const http::request& request, const identity& caller);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/description.ipp>
#endif
