#pragma once

// The library's configuration macros. Define them before the first include, or in a header named
// <inngest_config.hpp> on the include path.

#if defined(__has_include)
#if __has_include(<inngest_config.hpp>)
#include <inngest_config.hpp>
#endif
#endif

#include <inngest/version.hpp>

#ifndef __cpp_exceptions
#error "inngest: exceptions must be enabled (-fexceptions): steps leave their handler by throwing"
#endif
#ifndef __cpp_rtti
#error "inngest: RTTI must be enabled (-frtti): errors are reported to the server with their type names"
#endif

/// Define to keep <inngest/inngest.hpp> from including the cpp-httplib transport. A client then needs
/// `client_options::transport`.
// #define INNGEST_NO_HTTPLIB

/// The maximum nesting depth of JSON that is converted to a DOM (`inngest::json`), or to canonical form to
/// check a signature. Deeper JSON is rejected, because it could exhaust the stack. What is written may be
/// nested 16 levels less, because servers embed it in other documents.
#ifndef INNGEST_MAX_JSON_DEPTH
#define INNGEST_MAX_JSON_DEPTH 512
#endif

/// The maximum size of a request body in bytes; `serve` answers larger ones with 413. An Inngest server sends
/// at most 4 MB of state in a body; the SDK fetches larger state.
#ifndef INNGEST_MAX_BODY_SIZE
#define INNGEST_MAX_BODY_SIZE (32u * 1024u * 1024u)
#endif

/// Define it in all files to use the compiled library: the headers then only declare functions that are not
/// templates, and src/inngest.cpp defines them. The CMake target `inngest::compiled` and the pkg-config file
/// `inngest-compiled` define it for you.
// #define INNGEST_COMPILED

/// Define it in all files, and link RE2, to evaluate `matches` in expressions with RE2. RE2 supports Unicode
/// classes (`\p{Greek}`); the library's built-in matcher does not. With the compiled library, define it when
/// you compile src/inngest.cpp.
// #define INNGEST_WITH_RE2

#ifdef INNGEST_COMPILED
#define INNGEST_INLINE
#else
#define INNGEST_INLINE inline
#endif

// The inline namespace of the whole library. Its name contains the version, the flavour and, for header-only
// use, the simdjson parser that the compiler flags select. Files that differ in one of these get different
// symbol names, so the linker refuses to mix them.
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
#if defined(INNGEST_WITH_RE2) && !defined(INNGEST_COMPILED)
#define INNGEST_DETAIL_PATTERNS _re2
#else
#define INNGEST_DETAIL_PATTERNS
#endif
#define INNGEST_DETAIL_JOIN(major, minor, patch, flavour, patterns) \
  v##major##_##minor##_##patch##_##flavour##patterns
#define INNGEST_DETAIL_ABI(major, minor, patch, flavour, patterns) \
  INNGEST_DETAIL_JOIN(major, minor, patch, flavour, patterns)
#define INNGEST_ABI                                                                       \
  INNGEST_DETAIL_ABI(INNGEST_VERSION_MAJOR, INNGEST_VERSION_MINOR, INNGEST_VERSION_PATCH, \
                     INNGEST_DETAIL_FLAVOUR, INNGEST_DETAIL_PATTERNS)
#define INNGEST_DETAIL_QUOTED(text) #text
#define INNGEST_DETAIL_TEXT(macro) INNGEST_DETAIL_QUOTED(macro)
