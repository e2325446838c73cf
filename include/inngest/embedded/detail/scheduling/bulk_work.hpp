#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/bulk_operation.hpp>
#include <inngest/embedded/detail/scheduling/rerun_plan.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A run of a bulk operation.
struct bulk_item {
  std::string run_id{};
  run_record earlier{};   // of a run to repeat
  rerun_plan plan{};      // of a run to repeat
  std::string problem{};  // why the run can't be processed; empty if it can
};

/// The next runs of a bulk operation.
struct bulk_chunk {
  std::vector<bulk_item> items{};
  std::string cursor{};  // bulk_operation::cursor after this chunk
  bool is_last = false;  // whether no runs follow
};

/// The unfinished bulk operations. An operation proceeds from chunk to chunk, oldest runs first. The changes
/// of a chunk's runs and the operation's new record are committed together, so a process that continues
/// another's work neither skips nor repeats a run.
class bulk_work {
 public:
  /// Continues the operations of an earlier process.
  explicit bulk_work(std::vector<bulk_operation> unfinished);

  /// Begins an operation. Returns it with its id and time.
  bulk_operation begin(scheduler& on, bulk_operation wanted, timestamp now);

  /// Executes the next chunk of an operation. Returns false when it has ended in the meantime.
  bool advance(scheduler& on, std::string_view id, bulk_chunk chunk, timestamp now);

  /// Stops an operation. Returns false when it does not exist or has ended.
  bool stop(scheduler& on, std::string_view id, timestamp now, const std::string& problem = {});

  /// The operation; null when it does not exist or has ended.
  const bulk_operation* find(std::string_view id) const;

  /// The number of runs begun by an operation that still wait for their first call. An operation that begins
  /// runs faster than they are called would fill the memory.
  std::size_t waiting_runs(const scheduler& of, std::string_view id);

  bool empty() const { return running_.empty(); }
  std::vector<std::string> ids() const;

 private:
  struct running {
    bulk_operation operation{};
    std::vector<std::string> begun{};  // runs that waited for their first call when it was last asked
  };

  enum class outcome {
    done,
    failed,   // the item says why
    too_late  // the run no longer matches
  };
  static outcome take(scheduler& on, running& of, bulk_item& item, timestamp now);
  static outcome rerun(scheduler& on, running& of, bulk_item& item, timestamp now);
  static void note(bulk_operation& of, outcome what, bulk_item& item);
  void end(scheduler& on, std::string_view id, bulk_operation changed, bulk_state state, timestamp now);

  std::map<std::string, running, std::less<>> running_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/bulk_work.ipp>
#endif
