#pragma once

#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/description.hpp>
#include <inngest/serving/identity.hpp>
#include <inngest/serving/served_app.hpp>

// Registering the app's functions: out of band, by a request to the server, or in band, in the answer to one.

namespace inngest::inline INNGEST_ABI {

/// What a server said to a registration.
struct sync_result {
  bool ok = false;
  /// Whether the server knew something else before.
  bool modified = false;
  /// The server's words, or ours when it did not answer.
  std::string message;
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::serving {

/// The mistake, when the other side is a server of the kind that the app is not set up for; otherwise empty.
std::string server_mismatch(const served_app& app, const http::headers& headers);

sync_result read_sync_answer(const served_app& app, const http::response& answer);

/// Registers the functions with the server, which will call them at `url`. `deployment` is an id that a
/// hosting platform gave to this version of the app; empty for none.
sync_result sync(const served_app& app, std::string url, const std::string& deployment);

/// The answer to PUT.
http::response register_functions(const served_app& app, const http::request& request,
                                  const identity& caller);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/registration.ipp>
#endif
