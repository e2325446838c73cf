#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The details of a run on the page, besides its summary and its timeline:
///
/// - for a step its result (`output`, or `output_size` if that is large), and the run
///   that it invoked (`child`)
/// - for a failed attempt the complete error with its stack (`failure`)
/// - the attempts of the function outside of its steps (`attempts`)
/// - the run that invoked this one (`parent`), and the runs that this one invoked (`children`)
class page_run {
 public:
  page_run(const store& store, const run_record& record, const std::vector<run_note>& notes)
      : store_(store), record_(record), notes_(notes) {}

  /// Adds these details to the run's JSON, which contains its steps.
  /// \throws store_error
  void add_to(json& out) const;

 private:
  /// Results without a step in the timeline were copied by a rerun from the original run: they become the
  /// first steps, with the member `is_kept`.
  void add_results(json& steps) const;
  json kept_step(const memo_record& memo) const;
  static void add_result(json& step, const memo_record& memo, std::size_t& budget);
  void add_failures(json& out) const;
  /// The attempts of the function outside of its steps that failed and were repeated.
  json attempts() const;
  json relative(const std::string& run_id, const std::string& step) const;
  void add_children(json& out) const;
  /// The run that the step of the timeline entry started; empty when it started none.
  std::string child_of(const timeline_entry& entry) const;

  const store& store_;
  const run_record& record_;
  const std::vector<run_note>& notes_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/page_run.ipp>
#endif
