#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE scheduler_state::scheduler_state(run_jobs::retry_delay delay, detail::ulid_source source)
    : ids(std::move(source)), jobs(journal, std::move(delay)) {}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
