#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/rerun_plan.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI::embedded::reruns {

/// A step of the earlier run.
struct step_of_run {
  step_hash id{};
  timestamp begun{};
  std::string name{};
  std::string_view memo{};  // the text of its result, which the run's results own; empty without
};

/// All steps of the run: first those with results, in their order, then those that its end cut off.
INNGEST_INLINE std::vector<step_of_run> steps_of(const run& run, const std::vector<memo_record>& memos) {
  std::vector<step_of_run> out;
  std::set<step_hash> known;
  std::set<std::string> names;
  for (const memo_record& memo : memos) {
    out.push_back({memo.step, memo.begun, memo.name, memo.text});
    known.insert(memo.step);
    names.insert(memo.name);
  }
  for (const timeline_entry& entry : run.timeline) {
    if (entry.step.empty() || (!entry.step_id && names.contains(entry.step))) continue;
    const step_hash id = step_hash_of(entry);
    if (known.insert(id).second) out.push_back({id, entry.at, entry.step, ""});
  }
  return out;
}

/// The step that the name or the hashed id means.
INNGEST_INLINE step_of_run find_step(const run& run, const std::vector<memo_record>& memos,
                                     const std::string& named) {
  std::vector<step_of_run> found;
  for (step_of_run& step : steps_of(run, memos)) {
    if (detail::to_hex(step.id) == named) return std::move(step);
    const bool has_id = step.name.empty() && step.id == detail::sha1::of(named);
    if (step.name == named || has_id) found.push_back(std::move(step));
  }
  if (found.empty()) throw configuration_error("Step not found in original run");
  if (found.size() > 1) throw configuration_error("Step name matches multiple steps in original run");
  return std::move(found.front());
}

/// The kind of the step, as far as the timeline tells it. It does not have the steps whose results a rerun
/// kept.
INNGEST_INLINE std::optional<step_kind> kind_of(const run& run, const step_of_run& step) {
  const auto first = std::find_if(run.timeline.begin(), run.timeline.end(), [&](const timeline_entry& entry) {
    return entry.step_id ? *entry.step_id == step.id : !entry.step.empty() && entry.step == step.name;
  });
  if (first == run.timeline.end()) return std::nullopt;
  return kind_begun_by(first->what);
}

/// The kind of a step whose result a rerun kept, as far as the form of the result tells it. A wait stands for
/// a sleep, too, because null ends both.
INNGEST_INLINE step_kind kind_by_result(const step_of_run& step) {
  const json memo = json::parse(step.memo, nullptr, false);
  const bool is_event = memo.is_object() && memo.contains("name") && memo.contains("data");
  return memo.is_null() || is_event ? step_kind::wait_for_event : step_kind::run;
}

/// A given result as the step's memo: see rerun_step::result.
INNGEST_INLINE std::string memo_of_result(const std::string& result, step_kind kind) {
  check_received_json(result, detail::json_path("result"));
  const json value = received_json_value(result);
  const auto has = [&](const char* text) {
    return value.is_object() && value.contains(text) && value[text].is_string() && value.contains("data");
  };
  if (kind == step_kind::sleep && !value.is_null())
    throw payload_error("result", "the step is a sleep, whose result is null");
  if (kind == step_kind::sleep) return "null";
  if (kind != step_kind::wait_for_event) return protocol::memo_of_data(result);
  if (value.is_null()) return "null";
  if (has("name")) return result;
  if (has("signal")) return protocol::memo_of_data(result);
  throw payload_error("result",
                      "the step is a wait, whose result is null, an event with name and data, or an object "
                      "with signal and data");
}

INNGEST_INLINE bool begins_step(progress what) {
  return what == progress::step_planned || kind_begun_by(what) != step_kind::run;
}

/// What the timeline tells of a step. Places in the timeline are counted from 1.
struct step_story {
  std::size_t row = 0;  // steps that the function began together have one number
  std::size_t begun = 0;
  std::size_t ended = 0;
};

struct stories {
  std::map<step_hash, step_story> of_steps{};
  std::size_t last_begin = 0;  // of any step
};

INNGEST_INLINE stories stories_of(const run& run) {
  stories out;
  std::size_t row = 0;
  std::size_t place = 0;
  for (const timeline_entry& entry : run.timeline) {
    ++place;
    if (entry.step.empty()) continue;
    const step_hash id = step_hash_of(entry);
    const auto known = out.of_steps.find(id);
    const bool is_under_way = known != out.of_steps.end() && known->second.ended == 0;
    if (begins_step(entry.what) || !is_under_way) {  // it begins, or ran at once
      if (out.last_begin + 1 != place) ++row;
      out.of_steps[id] = {.row = row, .begun = place};
      out.last_begin = place;
    }
    if (ends_step(entry.what)) out.of_steps[id].ended = place;
  }
  return out;
}

INNGEST_INLINE bool is_failure(const memo_record& memo) {
  return std::string_view(memo.text).starts_with("{\"error\"");
}

INNGEST_INLINE std::string text_member(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The run's error and its causes, which are the errors that the handler wrapped; empty without an error.
INNGEST_INLINE std::vector<run_error> errors_of(const run& run) {
  constexpr std::size_t most = 16;  // an app may nest any number
  std::vector<run_error> out;
  if (!run.error) return out;
  out.push_back({.name = run.error->name, .message = run.error->message});
  const json whole = json::parse(run.error->text, nullptr, false);
  const json* error = &whole;
  while (error->is_object() && error->contains("cause") && out.size() < most) {
    error = &(*error)["cause"];
    out.push_back({.name = text_member(*error, "name"), .message = text_member(*error, "message")});
  }
  return out;
}

/// Whether the step failed with one of the run's errors: the function let its failure through. The name
/// of a cause is not that of the step's error, but of the exception by which the handler learnt of it.
INNGEST_INLINE bool has_error_of(const std::vector<run_error>& errors, const memo_record& memo) {
  json whole = json::parse(memo.text, nullptr, false);
  if (!whole.is_object() || errors.empty()) return false;
  const run_error own = read_error(whole["error"].dump(-1, ' ', false, json::error_handler_t::replace));
  const auto words = [](const run_error& error) {
    return error.message.empty() ? error.name : error.message;
  };
  if (own.name == errors.front().name && words(own) == words(errors.front())) return true;
  return std::any_of(errors.begin() + 1, errors.end(),
                     [&](const run_error& cause) { return words(cause) == words(own); });
}

/// A step that failed.
struct failed_step {
  step_hash id{};
  step_story story{};
  bool has_error = false;  // the run's
  bool is_last = false;    // no step began after its failure
};

INNGEST_INLINE std::vector<failed_step> failed_steps(const run& run, const std::vector<memo_record>& memos) {
  std::vector<failed_step> out;
  const stories all = stories_of(run);
  const std::vector<run_error> errors = errors_of(run);
  for (const memo_record& memo : memos) {
    if (!is_failure(memo)) continue;
    failed_step step{.id = memo.step, .has_error = has_error_of(errors, memo)};
    if (const auto found = all.of_steps.find(memo.step); found != all.of_steps.end())
      step.story = found->second;
    step.is_last = step.story.ended != 0 && step.story.ended >= all.last_begin;  // equal: it ran at once
    out.push_back(step);
  }
  return out;
}

/// Whether the function went on from the failure, because it let a later one through. Of steps that begin
/// together, a group lets through the first failure, in the order of its branches or of time.
INNGEST_INLINE bool went_on_before(const failed_step& step, const failed_step& let_through) {
  const step_story& later = let_through.story;
  return step.story.row == later.row && step.story.begun < later.begun && step.story.ended < later.ended;
}

/// All results but for the failures that may have ended the run: those with its error, and the last ones that
/// the function did not go on from.
INNGEST_INLINE std::vector<memo_record> without_last_failures(const run& run,
                                                              std::vector<memo_record> memos) {
  const std::vector<failed_step> failed = failed_steps(run, memos);
  std::vector<failed_step> let_through;
  std::copy_if(failed.begin(), failed.end(), std::back_inserter(let_through),
               [](const failed_step& step) { return step.is_last && step.has_error; });
  std::set<step_hash> again;
  for (const failed_step& step : failed) {
    const bool went_on = std::any_of(let_through.begin(), let_through.end(),
                                     [&](const failed_step& later) { return went_on_before(step, later); });
    if (step.has_error || (step.is_last && !went_on)) again.insert(step.id);
  }
  std::erase_if(memos, [&](const memo_record& memo) { return again.contains(memo.step); });
  return memos;
}

INNGEST_INLINE rerun_plan plan_from_failed_step(const run_record& earlier, std::vector<memo_record> memos,
                                                const rerun_step& from) {
  if (!from.step.empty() || !from.input.empty() || !from.result.empty())
    throw configuration_error("from_failed_step excludes step, input and result");
  if (earlier.run.status == run_status::cancelled) return {.memos = std::move(memos)};
  if (earlier.run.status != run_status::failed)
    throw configuration_error("from_failed_step: run \"" + earlier.run.id +
                              "\" has not failed, nor was it cancelled: it is " +
                              std::string(to_string(earlier.run.status)));
  return {.memos = without_last_failures(earlier.run, std::move(memos))};
}

}  // namespace inngest::inline INNGEST_ABI::embedded::reruns

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE rerun_plan plan_rerun(const run_record& earlier, std::vector<memo_record> memos,
                                     const rerun_step& from) {
  if (from.from_failed_step) return reruns::plan_from_failed_step(earlier, std::move(memos), from);
  rerun_plan out;
  const reruns::step_of_run step = reruns::find_step(earlier.run, memos, from.step);
  if (!from.input.empty()) {
    check_received_json(from.input, detail::json_path("input"));
    if (!received_json_value(from.input).is_array()) throw payload_error("input", "it must be a JSON array");
    out.replaced = {.step = step.id, .input = from.input};
  }
  std::optional<memo_record> given;
  const std::optional<step_kind> kind = reruns::kind_of(earlier.run, step);
  if (!from.result.empty()) {
    if (!from.input.empty())
      throw payload_error("result", "a step has a new input or a new result, not both");
    given = {.step = step.id,
             .text = reruns::memo_of_result(from.result, kind.value_or(reruns::kind_by_result(step))),
             .name = step.name.empty() ? from.step : step.name,
             .begun = step.begun};
  } else if (kind == step_kind::run) {  // a step of an unknown kind begins when the first call reaches it
    out.target = step.id;
    out.target_name = step.name.empty() ? from.step : step.name;
  }
  // Steps of a parallel group began together: they stay in the order of their results.
  std::stable_sort(memos.begin(), memos.end(),
                   [](const memo_record& a, const memo_record& b) { return a.begun < b.begun; });
  for (memo_record& memo : memos) {
    if (memo.step == step.id || memo.begun > step.begun) break;
    out.memos.push_back(std::move(memo));
  }
  if (given) out.memos.push_back(std::move(*given));
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
