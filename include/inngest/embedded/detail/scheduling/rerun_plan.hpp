#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The initial state of a repeated run.
struct rerun_plan {
  /// The results of the steps that began before the step from which the run is repeated, and the result that
  /// replaces that step's own.
  std::vector<memo_record> memos{};
  std::optional<replaced_input> replaced{};
  /// The step that the first call runs, if the app runs it; other steps begin when a call reaches them.
  std::optional<step_hash> target{};
  std::string target_name{};
};

/// Plans to repeat a run from a step, like a server: the step may have any state in the earlier run. `memos`
/// are all results of that run.
/// \throws configuration_error, with a server's message, when no step or several have the name, or when the
/// run has no failed step to begin from; payload_error when the input is not a JSON array, or the result does
/// not fit the step.
rerun_plan plan_rerun(const run_record& earlier, std::vector<memo_record> memos, const rerun_step& from);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/rerun_plan.ipp>
#endif
