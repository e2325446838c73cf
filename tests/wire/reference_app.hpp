#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include <inngest/inngest.hpp>

// The app whose traffic was recorded, written with this library. What depended on a run's own counters there
// depends on `ctx.attempt` here, so that the same call always gets the same answer.
//
// Where it can't be the same: there is no way to be called after each step of a parallel group, for which
// parallel-noopt asked. Functions that were registered then, but are not in the app's source and were never
// called, do nothing here.

namespace traffic::app {

/// The functions of the app "cap"; `now` is its clock, `step_time` how long the long steps take.
std::vector<inngest::any_function> functions(const inngest::client& app,
                                             const std::function<inngest::timestamp()>& now,
                                             std::chrono::milliseconds step_time = {});

/// The one that is on a schedule, which was recorded apart.
inngest::any_function scheduled(const inngest::client& app);

}  // namespace traffic::app
