#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The unfinished runs, indexed by id, function, singleton key and batch buffer.
class active_runs {
 public:
  /// Adds a run of the function. The reference stays valid until take_out().
  active_run& add(std::unique_ptr<active_run> run, std::shared_ptr<const function_definition> function);

  /// Removes a run from all indexes.
  std::unique_ptr<active_run> take_out(active_run& run);

  /// The run with the id. Null when it does not exist or has ended.
  active_run* find(std::string_view run_id) { return find_in(runs_, run_id); }
  const active_run* find(std::string_view run_id) const { return find_in(runs_, run_id); }
  bool contains(std::string_view run_id) const { return runs_.find(run_id) != runs_.end(); }
  std::size_t size() const { return runs_.size(); }
  bool empty() const { return runs_.empty(); }
  /// Pairs of id and run, ordered by id.
  const auto& all() const { return runs_; }

  const std::vector<active_run*>& of_function(const std::string& slug) { return by_function_[slug]; }
  /// Ids instead of pointers, because cancelling one of the runs may end others.
  std::vector<std::string> ids_of_function(const std::string& slug) const;

  // ---- singletons: one run for each key -----------------------------------------------------------------

  active_run* singleton(const std::string& key) { return find_by_key(singletons_, key); }

  void set_singleton(active_run& run, std::string key);

  void forget_singleton(active_run& run);

  std::size_t singletons() const { return singletons_.size(); }

  // ---- batch buffers: runs that still collect events, by their key ----------------------------------------

  active_run* buffer(const std::string& key) { return find_by_key(buffers_, key); }
  void set_buffer(const active_run& run) { buffers_.insert_or_assign(run.record.gathering, run.id()); }
  void forget_buffer(const active_run& run) { erase_if_of(buffers_, run.record.gathering, run); }
  std::size_t buffers() const { return buffers_.size(); }

 private:
  using id_by_key = std::unordered_map<std::string, std::string>;

  template <class Runs>
  static auto find_in(Runs& runs, std::string_view run_id) -> decltype(runs.begin()->second.get()) {
    const auto found = runs.find(run_id);
    return found == runs.end() ? nullptr : found->second.get();
  }

  active_run* find_by_key(const id_by_key& ids, const std::string& key);

  static void erase_if_of(id_by_key& ids, const std::string& key, const active_run& run);

  std::map<std::string, std::unique_ptr<active_run>, std::less<>> runs_;
  std::unordered_map<std::string, std::vector<active_run*>> by_function_;
  id_by_key singletons_;
  id_by_key buffers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/active_runs.ipp>
#endif
