#pragma once

// Every switch of the library, each overridable before the first include or in a header named
// <inngest_config.hpp> anywhere on the include path.

#if defined(__has_include)
#if __has_include(<inngest_config.hpp>)
#include <inngest_config.hpp>
#endif
#endif

#include <inngest/version.hpp>

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

/// Define, everywhere, to use the compiled library: the headers only declare what is no template, and
/// src/inngest.cpp defines it. The CMake target `inngest::compiled` and the pkg-config file
/// `inngest-compiled` do so.
// #define INNGEST_COMPILED

#ifdef INNGEST_COMPILED
#define INNGEST_INLINE
#else
#define INNGEST_INLINE inline
#endif

// The namespace of everything in the library: its version, its flavour, and in the headers which of its
// parsers simdjson chooses by the compiler's flags. Files of one program that differ in these get different
// names, so that the linker refuses to mix them instead of taking the bodies of one for both.
#if defined(INNGEST_COMPILED)
#define INNGEST_DETAIL_FLAVOUR compiled
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VBMI2__)
#define INNGEST_DETAIL_FLAVOUR headers_icelake
#elif defined(__AVX2__) && defined(__BMI__) && defined(__PCLMUL__)
#define INNGEST_DETAIL_FLAVOUR headers_haswell
#elif defined(__SSE4_2__) && defined(__PCLMUL__)
#define INNGEST_DETAIL_FLAVOUR headers_westmere
#else
#define INNGEST_DETAIL_FLAVOUR headers
#endif
#define INNGEST_DETAIL_JOIN(major, minor, patch, flavour) v##major##_##minor##_##patch##_##flavour
#define INNGEST_DETAIL_ABI(major, minor, patch, flavour) INNGEST_DETAIL_JOIN(major, minor, patch, flavour)
#define INNGEST_ABI                                                                       \
  INNGEST_DETAIL_ABI(INNGEST_VERSION_MAJOR, INNGEST_VERSION_MINOR, INNGEST_VERSION_PATCH, \
                     INNGEST_DETAIL_FLAVOUR)
