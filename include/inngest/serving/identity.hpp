#pragma once

#include <chrono>
#include <string>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/served_app.hpp>

// Authentication of callers: the app's server signs its requests.

namespace inngest::inline INNGEST_ABI::serving {

/// The result of authenticating a request.
struct identity {
  bool verified = false;  // the app's server signed the request
  bool refused = false;   // the signature is wrong, or required and missing
  bool is_head = false;   // the request's method is HEAD
  std::string key{};      // the key of a good signature
  protocol::signature_check check{};
};

std::chrono::sys_seconds signing_time();

/// Checks the signature and replaces the body with the signed bytes, so that nothing else can be read.
identity identify(const served_app& app, http::request& request);

/// Whether a request to an endpoint continues a run. Only the app's server may send such a request.
bool is_continuation(const http::request& request);

/// Authenticates a request to an endpoint. Anyone may begin a run; only the app's server may continue one. A
/// dev server sends an empty signature.
identity identify_caller(const served_app& app, http::request& request);

/// Rejects a request. The reason is logged but not sent to the caller.
http::response refuse(const served_app& app, const identity& caller);

/// Completes an answer: drops a body that must not be sent, and then signs the answer for an authenticated
/// server, with the key that the server used.
void complete_answer(http::response& answer, const identity& caller);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/identity.ipp>
#endif
