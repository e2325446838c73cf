#pragma once

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::serving {

struct served_app;

/// Answers all requests of a handler that serves no functions: an endpoint, or a proxy for the responses of
/// endpoints. Called from many threads.
class route {
 public:
  virtual ~route() = default;
  /// Answers a request. May throw. `stop` asks the call to stop. A request that continues a run has already
  /// been authenticated as the app's server's: see is_continuation().
  virtual http::response answer(const served_app& app, http::request request,
                                const execution::call_stop& stop) const = 0;
};

}  // namespace inngest::inline INNGEST_ABI::serving
