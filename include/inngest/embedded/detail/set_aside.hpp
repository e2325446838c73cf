#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>

// Removes runs that can't continue from unfinished work.

namespace inngest::inline INNGEST_ABI::embedded {

/// A condition that finds a record in its table.
inline std::string key_of(const job& job) { return "id = " + std::to_string(job.id); }
std::string key_of(const wait_record& wait);

unreadable_record without_run(const job& job);
unreadable_record without_run(const wait_record& wait);

/// The id that the sender gave the event, read from its text; empty when there is none or it can't be read.
std::string given_id_of(const event_record& event);

/// Removes the runs that have an unreadable record from the work, with everything that belongs to them.
void set_aside_runs(unfinished_work& work);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/set_aside.ipp>
#endif
