#pragma once

/// Everything for an app that declares events and functions, sends events and serves functions. Include
/// separately: an adapter for your HTTP framework (<inngest/adapters/...>) and the embedded engine
/// (<inngest/embedded.hpp>).

// IWYU pragma: begin_exports
#include <inngest/config.hpp>
#include <inngest/version.hpp>

#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

#include <inngest/event.hpp>
#include <inngest/options.hpp>
#include <inngest/trigger.hpp>

#include <inngest/context.hpp>
#include <inngest/function.hpp>
#include <inngest/group.hpp>
#include <inngest/step.hpp>
#include <inngest/stop_token.hpp>

#include <inngest/client.hpp>
#include <inngest/log.hpp>
#include <inngest/serve.hpp>

#ifndef INNGEST_NO_HTTPLIB
#include <inngest/transport/httplib.hpp>
#endif
// IWYU pragma: end_exports
