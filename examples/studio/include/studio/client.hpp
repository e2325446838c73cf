#pragma once

#include <utility>

#include <inngest/inngest.hpp>

#include <studio/environment.hpp>

namespace studio {

/// The studio's one client: whoever sends its events or serves its functions gets it here.
inline inngest::client make_client(const environment& env) {
  inngest::client_options options{.id = "studio-233"};
  // Without a signing key there is no cloud to talk to: development, unless INNGEST_DEV itself says more.
  if (!env.has("INNGEST_SIGNING_KEY") && !env.has("INNGEST_DEV")) options.mode = inngest::mode::dev;
  options.environment = [env](const char* name) { return env.find(name); };
  return inngest::client(std::move(options));
}

}  // namespace studio
