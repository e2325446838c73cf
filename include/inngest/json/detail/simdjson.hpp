#pragma once

// simdjson, without the parsers that this file can't use. simdjson.h of version 3.0 declares one for each
// instruction set, which takes time and memory in every file; it selects the simplest one when the compiler's
// flags allow none of the others.

#include <inngest/config.hpp>

#if !defined(__AVX2__) && !(defined(__SSE4_2__) && defined(__PCLMUL__))
#ifndef SIMDJSON_IMPLEMENTATION_ICELAKE
#define SIMDJSON_IMPLEMENTATION_ICELAKE 0
#endif
#ifndef SIMDJSON_IMPLEMENTATION_HASWELL
#define SIMDJSON_IMPLEMENTATION_HASWELL 0
#endif
#ifndef SIMDJSON_IMPLEMENTATION_WESTMERE
#define SIMDJSON_IMPLEMENTATION_WESTMERE 0
#endif
#endif

#include <simdjson.h>
