#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

// The rules for the names of header fields. Names and values of a fetch may come from an event.

namespace inngest::inline INNGEST_ABI::detail {

/// Whether a text is a token as in RFC 9110, as names of fields and methods must be.
bool is_http_token(std::string_view text);

/// Whether a field says how bytes are sent: "content-length" and the like. Only what sends a message knows
/// them. A wrong length would make the rest of a body another request.
bool is_framing_field(std::string_view name);

/// Why the fields can't be sent; nullopt when they can.
std::optional<std::string> fields_problem(const http::headers& fields);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/http/detail/impl/fields.ipp>
#endif
