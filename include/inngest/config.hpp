#pragma once

// Every switch of the library, each overridable before the first include or in a header named
// <inngest_config.hpp> anywhere on the include path.

#if defined(__has_include)
#if __has_include(<inngest_config.hpp>)
#include <inngest_config.hpp>
#endif
#endif

#ifndef __cpp_exceptions
#error "inngest: exceptions must be enabled (-fexceptions): a step without a result leaves its handler by one"
#endif
#ifndef __cpp_rtti
#error "inngest: RTTI must be enabled (-frtti): errors are reported to the server with their type names"
#endif

/// Define to keep <inngest/inngest.hpp> from including the cpp-httplib transport. A client then needs
/// `client_options::transport`.
// #define INNGEST_NO_HTTPLIB

/// How deeply JSON that is turned into a DOM (`inngest::json`), or into canonical form to check a signature,
/// may be nested. Deeper text is refused: it could exhaust the stack of whatever walks it.
#ifndef INNGEST_MAX_JSON_DEPTH
#define INNGEST_MAX_JSON_DEPTH 512
#endif

/// Bytes of a request body that `serve` reads before it answers 413. An Inngest server sends at most
/// 4 MB of state in a body; what is larger is fetched by the SDK.
#ifndef INNGEST_MAX_BODY_SIZE
#define INNGEST_MAX_BODY_SIZE (32u * 1024u * 1024u)
#endif

// INNGEST_COMPILED: the definitions of what is no template are in the library inngest::compiled.
#if defined(INNGEST_COMPILED)
#define INNGEST_INLINE
#else
#define INNGEST_INLINE inline
#endif
