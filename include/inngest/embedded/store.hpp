#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/duration.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/step_id.hpp>

// What the engine keeps: records, and the interface of whatever keeps them.

namespace inngest::embedded {

struct event_record {
  std::string id{};  // the engine's own
  std::string name{};
  std::string text{};  // the whole event, as JSON
  timestamp received_at{};
};

/// The invoke step that waits for a run.
struct parent_step {
  std::string run_id{};
  step_hash step{};
};

/// A function that is to run when the run has ended.
struct deferred_call {
  step_hash id{};
  std::string slug{};
  std::string input{};  // a JSON object
};

struct run_record {
  embedded::run run{};  // without its timeline
  std::string function_slug{};
  std::string event_text{};
  std::optional<parent_step> parent{};
  std::vector<deferred_call> deferred{};
};

/// A step's remembered result, in the form in which a call request has it.
struct memo_record {
  std::string run_id{};
  step_hash step{};
  std::string text{};
};

/// Something to be done when its time has come.
struct job {
  enum class kind { call, wake, wait_timeout, invoke_timeout };

  std::uint64_t id = 0;
  kind what = kind::call;
  std::string run_id{};
  /// Of a call: the one step to run, if it is for one. Otherwise the step that it ends.
  std::optional<step_hash> step{};
  std::string step_name{};
  int attempt = 0;
  timestamp due{};
  timestamp begun{};
};

/// A step that waits for an event.
struct wait_record {
  std::string run_id{};
  step_hash step{};
  std::string step_name{};
  std::string event_name{};
  timestamp begun{};
};

struct timeline_record {
  std::string run_id{};
  timeline_entry entry{};
};

/// What changes at once: all of it is kept, or nothing.
struct changes {
  std::vector<event_record> events{};
  std::vector<run_record> runs{};  // new ones, and those whose status changed
  std::vector<memo_record> memos{};
  std::vector<job> added_jobs{};
  std::vector<std::uint64_t> removed_jobs{};
  std::vector<wait_record> added_waits{};
  std::vector<std::pair<std::string, step_hash>> removed_waits{};  // by run and step
  std::vector<timeline_record> timeline{};
};

/// What an engine needs in order to go on: the runs that have not ended, and all that belongs to them.
struct unfinished_work {
  std::vector<run_record> runs{};
  std::vector<memo_record> memos{};  // in the order in which they were made
  std::vector<job> jobs{};
  std::vector<wait_record> waits{};
};

/// Keeps an engine's state. An engine calls it from one thread at a time; the questions at the end may come
/// from any.
class store {
 public:
  virtual ~store() = default;

  /// Keeps all the changes or, when it throws, none. What an engine has acknowledged has been committed.
  virtual void commit(const changes& changes) = 0;
  /// What was left undone when the store was last used.
  virtual unfinished_work load() = 0;

  /// An event that was accepted; nothing when there is none of the id.
  virtual std::optional<event_record> find_event(std::string_view event_id) const = 0;
  /// A run with its timeline; nothing when there is none of the id.
  virtual std::optional<run> find_run(std::string_view run_id) const = 0;
  /// All runs with their timelines, oldest first.
  virtual std::vector<run> runs() const = 0;
  /// The runs that an event started.
  virtual std::vector<run> runs_of(std::string_view event_id) const = 0;
};

}  // namespace inngest::embedded
