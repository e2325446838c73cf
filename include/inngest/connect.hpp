#pragma once

#include <inngest/config.hpp>  // IWYU pragma: export

#include <inngest/connect/beast_websocket.hpp>  // IWYU pragma: export
#include <inngest/connect/worker.hpp>           // IWYU pragma: export

// Workers that connect to the server: see docs/connect.md. Requires Boost.Beast, OpenSSL and protozero.
