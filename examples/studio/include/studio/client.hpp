#pragma once

#include <utility>

#include <inngest/inngest.hpp>

#include <studio/environment.hpp>

namespace studio {

/// Makes the studio's client, for sending events and for serving functions.
inline inngest::client make_client(const environment& env) {
  inngest::client_options options{.id = "studio-233"};
  // Without a signing key it works in dev mode, unless INNGEST_DEV says otherwise.
  if (!env.has("INNGEST_SIGNING_KEY") && !env.has("INNGEST_DEV")) options.mode = inngest::mode::dev;
  options.environment = [env](const char* name) { return env.find(name); };
  return inngest::client(std::move(options));
}

}  // namespace studio
