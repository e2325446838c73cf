#pragma once

#include <inngest/config.hpp>
#include <inngest/json/detail/containers.hpp>
#include <inngest/json/detail/field.hpp>
#include <inngest/json/detail/fields.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/names.hpp>
#include <inngest/json/detail/nlohmann.hpp>
#include <inngest/json/detail/read_write.hpp>
#include <inngest/json/detail/scalars.hpp>

// codec<T> reads a T from a json_value and writes one as text. kind.hpp lists the supported kinds of types,
// read_write.hpp has the entry points, and each of the other files has a short codec for one kind.
