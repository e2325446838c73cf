#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/json.hpp>

// How a server reads the names in a registration, and how it names functions and apps itself.

namespace inngest::inline INNGEST_ABI::embedded {

/// The member with the name in any case, as a server reads registrations: Go apps send "Singleton". Null when
/// the object has none, or when it is not an object.
const json& registered_member(const json& object, std::string_view name);

/// The UUID by which a server identifies a function to apps: Go apps accept nothing else as ctx.fn_id. It
/// depends only on the slug, so that it stays the same when the app moves.
std::string function_uuid(std::string_view slug);

/// The UUID of an app: the same as an Inngest server's.
std::string app_uuid(std::string_view app_id);

/// A unique UUID, for example for the id of a registration.
std::string random_uuid();

/// Whether the text is a UUID: 32 hex digits with dashes.
bool is_uuid(std::string_view text);

/// The slug of a function that is registered without an id, derived from its name as by a server. Empty when
/// the name has no letter or digit.
std::string slug_of_name(std::string_view name);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/registered_names.ipp>
#endif
