#pragma once

// All of the library; against the single header, the first line is.

#include <inngest/inngest.hpp>
#if __has_include(<inngest/embedded.hpp>)
#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/fwd.hpp>
#include <inngest/testing.hpp>
#endif
