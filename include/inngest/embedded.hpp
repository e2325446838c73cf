#pragma once

/// The embedded engine: durable functions without a server, for development, tests and single machines. The
/// app's code does not change when it moves to an Inngest server.

// IWYU pragma: begin_exports
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/embedded/timeline.hpp>
// IWYU pragma: end_exports
