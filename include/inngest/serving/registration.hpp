#pragma once

#include <string>

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

// Registers the app's functions: out of band, by a request to the server, or in band, in the answer to a
// server's request.

namespace inngest::inline INNGEST_ABI {

/// The server's answer to a registration.
struct sync_result {
  /// Whether the server accepted the registration.
  bool ok = false;
  /// Whether the registration changed the functions that the server knew.
  bool modified = false;
  /// The server's message, or why it did not answer.
  std::string message;
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::serving {

/// The configuration error when the server's kind (dev or cloud) does not match the app's mode; otherwise
/// empty.
std::string server_mismatch(const served_app& app, const http::headers& headers);

/// Reads the server's answer to a registration.
sync_result read_sync_answer(const served_app& app, const http::response& answer);

/// Registers like sync(), but without logging a warning.
sync_result ask_to_register(const served_app& app, std::string url, const std::string& deployment);

/// Registers the functions with the server, which will call them at `url`, and logs a warning if that fails.
/// `deployment` is the id that the hosting platform gave to this version of the app; empty for none.
sync_result sync(const served_app& app, std::string url, const std::string& deployment);

/// Whether the app accepts the caller's PUT. Without a signature anyone could send a forged Host header and
/// redirect the server.
bool may_register(const served_app& app, const http::request& request, const identity& caller);

/// Answers PUT.
http::response register_functions(const served_app& app, const http::request& request,
                                  const identity& caller);

/// Answers PUT, or rejects it when the app is stopping and must receive no more calls.
http::response register_if_running(const served_app& app, const http::request& request,
                                   const identity& caller);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/registration.ipp>
#endif
