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

/// Why a request can't be sent to a URL; nullopt when it can.
std::optional<std::string> url_problem(std::string_view url);

/// Whether a text is a method of HTTP: a token, as in RFC 9110.
bool is_http_method(std::string_view text);

/// Why a request can't be sent; nullopt when it can.
std::optional<std::string> request_line_problem(std::string_view method, std::string_view url);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/http/detail/impl/request_line.ipp>
#endif
