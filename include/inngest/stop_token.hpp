#pragma once

#include <version>

#include <inngest/config.hpp>

#ifdef __cpp_lib_jthread
#include <stop_token>
#else
#include <inngest/platform/detail/stop_token.hpp>
#endif

namespace inngest::inline INNGEST_ABI {

/// Asks a call of a handler, or a step's body, to stop. These are the standard library's types where it has
/// them. libc++ before version 20 (or without -fexperimental-library) does not, so there they are equivalent
/// types of this library. Code for both uses `inngest::stop_token`.
#ifdef __cpp_lib_jthread
using std::nostopstate;
using std::stop_callback;
using std::stop_source;
using std::stop_token;
#else
using detail::own_stop::nostopstate;
using detail::own_stop::stop_callback;
using detail::own_stop::stop_source;
using detail::own_stop::stop_token;
#endif

}  // namespace inngest::inline INNGEST_ABI
