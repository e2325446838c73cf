#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Validates the work from a store before an engine continues with it. Removes and lists records that would
/// make the engine fail later: texts that are not JSON or not UTF-8, timers without their step, invalid
/// expressions and registrations. A run continues with all its records, or not at all.
class work_check {
 public:
  static void check(unfinished_work& work) { work_check(work).check(); }

 private:
  using problem = std::optional<std::string>;

  explicit work_check(unfinished_work& work) : work_(work) {}

  void check();

  template <class Records, class IsGood>
  static void take_out(Records& records, IsGood is_good) {
    std::erase_if(records, [&](const auto& record) { return !is_good(record); });
  }

  /// Removes the jobs and waits that are themselves unreadable.
  void take_out_listed();

  /// Lists a record that has a problem, and returns false.
  bool look(checked_table table, std::string key, problem found, const std::string& run_id = {});

  bool look(const app_record& app);

  // ---- problems -----------------------------------------------------------------------------------------

  static problem text_problem(std::initializer_list<const std::string*> texts);

  static problem object_problem(const char* what, const std::string& text);

  static problem event_problem(const std::string& text);

  static problem problem_of(const run_record& record);

  problem problem_of(const job& job) const;

  static problem problem_of(const wait_record& wait);

  /// The value of a rate is the time of the next run in nanoseconds if all runs were evenly spaced, which is
  /// not later than the time at which the value expires.
  static problem problem_of(const remembered_value& value);

  unfinished_work& work_;
  std::map<std::string, const run_record*, std::less<>> by_id_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/work_check.ipp>
#endif
