#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

// What may stand in the first line of a request. A method or URL with a line end would add fields, or a whole
// request, to what is sent. Both may come from an event.

namespace inngest::inline INNGEST_ABI::detail {

/// The length of "http://" or "https://" at the beginning of a URL, in upper or lower case; 0 for others.
std::size_t http_scheme_length(std::string_view url);

/// The host and port of an http or https URL, and whatever else is there.
std::string_view url_authority(std::string_view url);

/// A URL, or a text that should be one, for messages: "..." stands for what may be a user and a password.
std::string shown_url(std::string_view url);

/// Whether a text is a number from 1 to 65535.
bool is_port(std::string_view text);

/// What is wrong with the host and port of a URL; null when nothing is.
const char* authority_problem(std::string_view authority);

/// Why a request can't be sent to a URL; nullopt when it can. Tells no password.
std::optional<std::string> url_problem(std::string_view url);

/// The scheme, host and port of an http or https URL, in lower case and without the scheme's own port.
std::string url_origin(std::string_view url);

/// Why a request can't be sent; nullopt when it can.
std::optional<std::string> request_line_problem(std::string_view method, std::string_view url);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/http/detail/impl/request_line.ipp>
#endif
