#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/served_app.hpp>

// Who sends a request: the app's server, which signs what it sends, or somebody else.

namespace inngest::inline INNGEST_ABI::serving {

/// Whether the signature proves that the request comes from the app's server, and with which key.
struct identity {
  bool verified = false;
  bool refused = false;  // a signature is wrong, or missing where it is needed
  std::string key{};
  protocol::signature_check check{};
};

std::chrono::sys_seconds signing_time();

/// Replaces the body by the bytes that were signed: nothing else of it may be read.
identity identify(const served_app& app, http::request& request);

/// Refuses a request and logs the reason, which the caller does not learn.
http::response refuse(const served_app& app, const identity& caller);

/// Signs an answer for a server that has proved who it is, with the key that it uses.
void sign_answer(http::response& answer, const identity& caller);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/identity.ipp>
#endif
