#pragma once

// What most of the compile time of programs with connect would go into. Nothing of Catch2: programs that are no tests
// do not link it.

#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <inngest/connect.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/connect_gateway.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
