#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_runs.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE active_run& active_runs::add(std::unique_ptr<active_run> run,
                                            std::shared_ptr<const function_definition> function) {
  if (runs_.contains(run->id())) throw protocol_error("there is already a run with the id " + run->id());
  run->function = std::move(function);
  active_run& out = *run;
  by_function_[out.function->slug].push_back(&out);
  runs_.emplace(out.id(), std::move(run));
  return out;
}

INNGEST_INLINE std::unique_ptr<active_run> active_runs::take_out(active_run& run) {
  forget_buffer(run);
  forget_singleton(run);
  std::erase(by_function_[run.function->slug], &run);
  return std::move(runs_.extract(runs_.find(run.id())).mapped());
}

INNGEST_INLINE std::vector<std::string> active_runs::ids_of_function(const std::string& slug) const {
  std::vector<std::string> out;
  if (const auto found = by_function_.find(slug); found != by_function_.end()) {
    for (const active_run* run : found->second) out.push_back(run->id());
  }
  return out;
}

INNGEST_INLINE void active_runs::set_singleton(active_run& run, std::string key) {
  run.singleton_key = std::move(key);
  singletons_.insert_or_assign(run.singleton_key, run.id());
}

INNGEST_INLINE void active_runs::forget_singleton(active_run& run) {
  erase_if_of(singletons_, run.singleton_key, run);
  run.singleton_key.clear();
}

INNGEST_INLINE active_run* active_runs::find_by_key(const id_by_key& ids, const std::string& key) {
  const auto found = ids.find(key);
  return found == ids.end() ? nullptr : find(found->second);
}

INNGEST_INLINE void active_runs::erase_if_of(id_by_key& ids, const std::string& key, const active_run& run) {
  const auto found = ids.find(key);
  if (found != ids.end() && found->second == run.id()) ids.erase(found);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
