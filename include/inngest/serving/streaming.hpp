#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/served_app.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// Sends white space while `make_answer` runs, then its answer as a JSON object. `make_answer` runs once, on
/// its own thread, and is asked to stop when the connection is closed.
http::response streamed(const served_app& app,
                        std::function<http::response(const execution::call_stop&)> make_answer);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/streaming.ipp>
#endif
