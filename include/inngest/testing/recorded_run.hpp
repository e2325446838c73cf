#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::testing {

/// A snapshot of a run: its events and the results of its steps.
struct recorded_run {
  /// The complete events, as JSON.
  std::vector<std::string> events{};
  /// The results by step, as in a call request: {"data": ...}, in the order in which the server received
  /// them.
  std::vector<std::pair<step_hash, std::string>> results{};
  /// The names of the steps, for messages. A call request does not have them.
  std::map<step_hash, std::string> names{};
};

/// Reads a run from the body of a call request, as an Inngest server sent it to the app.
/// \throws payload_error naming the missing member, also when the request is without results that were too
/// large for it, or with a step's edited input in place of its result.
recorded_run read_recorded_run(std::string_view call_request);

/// Reads a run from an engine's store. \throws configuration_error when there is no run with the id.
recorded_run read_recorded_run(const embedded::store& store, std::string_view run_id);

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/testing/impl/recorded_run.ipp>
#endif
