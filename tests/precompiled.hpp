#pragma once

// What most of a test's compile time would go into.

#include <httplib.h>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
