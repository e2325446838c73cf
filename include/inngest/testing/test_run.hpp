#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <inngest/embedded/run.hpp>
#include <inngest/embedded/timeline.hpp>
#include <inngest/error.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/testing/simulation.hpp>

namespace inngest::testing {

using embedded::run_status;

/// A step of a run in a test, as it is now. Looking at it moves nothing.
class test_step {
 public:
  /// `read` gives a result as the function's middleware leaves it.
  test_step(std::string id, std::string memo, std::vector<embedded::timeline_entry> entries,
            std::function<std::string(std::string)> read)
      : id_(std::move(id)), memo_(std::move(memo)), entries_(std::move(entries)), read_(std::move(read)) {}

  /// How often its body ran, or was to.
  int attempts() const {
    return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [](const auto& each) {
      return each.what == embedded::progress::step_completed ||
             each.what == embedded::progress::step_retried || each.what == embedded::progress::step_failed;
    }));
  }
  /// Whether it has a result, or has failed for good.
  bool ended() const { return !memo_.empty(); }
  bool failed() const { return ended() && !detail::find_member(detail::json_buffer(memo_), "error").empty(); }
  /// The message of the last error; empty when there was none.
  std::string error() const {
    for (std::size_t i = entries_.size(); i-- > 0;) {
      const embedded::progress what = entries_[i].what;
      if (what == embedded::progress::step_retried || what == embedded::progress::step_failed)
        return entries_[i].detail;
    }
    return "";
  }
  /// Its result, as the function will read it. \throws payload_error when it is of another type, or none;
  /// step_error when the step failed.
  template <json_convertible T>
  T output() const {
    const detail::json_buffer text(memo_.empty() ? "null" : memo_);
    const std::string_view result = protocol::result_text({.text = text.text()}, id_);
    return decode<T>(read_(std::string(result)), "step \"" + id_ + "\"");
  }

 private:
  std::string id_;
  std::string memo_;
  std::vector<embedded::timeline_entry> entries_;
  std::function<std::string(std::string)> read_;
};

/// A run in a test. Copies are handles of the same run; looking at it moves nothing.
class test_run {
 public:
  /// An empty id: no run was started.
  test_run(std::shared_ptr<const simulation> simulation, std::string id)
      : simulation_(std::move(simulation)), id_(std::move(id)) {}

  /// Whether there is a run at all: an event may start none.
  bool started() const { return !id_.empty(); }
  const std::string& id() const { return id_; }
  std::string function_id() const { return now().function_id; }
  run_status status() const { return now().status; }
  bool ended() const { return now().ended(); }
  bool completed() const { return status() == run_status::completed; }
  bool failed() const { return status() == run_status::failed; }
  bool cancelled() const { return status() == run_status::cancelled; }

  /// What the function returned. \throws embedded::run_failed with the run's error when it failed or was
  /// cancelled; payload_error when the result is of another type, or there is none yet.
  template <json_convertible T>
  T output() const {
    return now().output<T>();
  }
  /// "name: message" of what it failed with; empty when it has not failed.
  std::string error() const {
    const auto error = now().error;
    return error ? embedded::words_of(*error) : std::string();
  }

  /// The step that the run sleeps, waits or is to be retried at; of several the one that began first, and
  /// empty when there is none.
  std::string waiting_on() const {
    const embedded::active_run* run = simulation_->active(id_);
    if (!run) return "";
    const embedded::pending_step* first = nullptr;
    for (const auto& [hash, each] : run->pending) {
      if (!first || each.begun < first->begun) first = &each;
    }
    if (first) return first->name;
    const auto last = now().timeline;
    const bool retries = !last.empty() && last.back().what == embedded::progress::step_retried;
    return retries ? last.back().step : std::string();
  }

  /// The names of its steps, in the order in which it came to them.
  std::vector<std::string> steps() const {
    std::vector<std::string> out;
    std::unordered_set<std::string> known;
    for (const auto& each : now().timeline) {
      if (!each.step.empty() && known.insert(each.step).second) out.push_back(each.step);
    }
    return out;
  }

  /// A step by its id; of an id that is used again, which of them. It may not have run yet.
  test_step step(const std::string& id, std::size_t index = 0) const {
    const std::string& base = simulation_->replaced().changed_id(id);
    const std::string whole = index == 0 ? base : base + ":" + std::to_string(index);
    const step_hash hash = detail::sha1::of(whole);
    std::string memo;
    for (const auto& each : simulation_->store().memos_of(id_)) {
      if (each.step == hash) memo = each.text;
    }
    const auto read = [simulation = simulation_, run = now(), whole, hash,
                       kind = kind_of(hash)](auto result) {
      const step_info step{.id = whole, .name = whole, .kind = kind, .hash = hash, .memoized = true};
      return simulation->read_result(run, step, result);
    };
    return {whole, std::move(memo), entries_of(shown_name(whole, base), index), read};
  }

  /// What the function reported, call by call: for tests of the protocol.
  const std::vector<embedded::reported_operation>& operations() const { return simulation_->operations(id_); }
  /// All that happened, for people.
  std::string timeline() const { return embedded::format_timeline(now()); }

  /// The timeline, which is what one wants to see of a test that failed.
  friend std::ostream& operator<<(std::ostream& out, const test_run& run) {
    return out << (run.started() ? run.timeline() : "no run was started");
  }

 private:
  embedded::run now() const {
    auto found = simulation_->find_run(id_);
    if (!found) throw configuration_error("the event started no run");
    return std::move(*found);
  }

  /// Middleware may treat results by it.
  step_kind kind_of(const step_hash& step) const {
    for (const auto& each : operations()) {
      const auto code = protocol::opcode_of(each.op);
      const protocol::step_kind_row* row = code ? protocol::row_begun_by(*code) : nullptr;
      if (each.id == step && row && row->work != protocol::step_work::none) return row->kind;
    }
    return step_kind::run;
  }

  /// A step that has a name is in the timeline by it.
  std::string shown_name(const std::string& whole, const std::string& id) const {
    for (const auto& each : operations()) {
      if (each.id == detail::sha1::of(whole)) return each.shown_name();
    }
    return id;
  }

  /// Of an id that is used again, each use ends with a result or a failure.
  std::vector<embedded::timeline_entry> entries_of(const std::string& name, std::size_t index) const {
    std::vector<embedded::timeline_entry> out;
    std::size_t at = 0;
    for (auto& each : now().timeline) {
      if (each.step != name) continue;
      const bool ends =
          each.what == embedded::progress::step_completed || each.what == embedded::progress::step_failed;
      if (at == index) out.push_back(each);
      if (ends) ++at;
    }
    return out;
  }

  std::shared_ptr<const simulation> simulation_;
  std::string id_;
};

}  // namespace inngest::testing
