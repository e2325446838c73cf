#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/execution/branches.hpp>
#include <inngest/execution/step_call.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The used ids and the next index of each. The entries are in one block of memory, because a call may replay
/// thousands of steps and a map would allocate every entry.
class id_table {
 public:
  void reserve(std::size_t count);
  bool contains(const step_hash& id) const;
  /// Adds the id with the next index 1 if it is new. Returns the next index, to be read or changed before the
  /// next addition, and whether the id was added.
  std::pair<std::size_t*, bool> add(const step_hash& id);
  /// Changes the next index of an existing id.
  void set(const step_hash& id, std::size_t next_index) { place_of(id)->next_index = next_index; }
  void remove(const step_hash& id) { place_of(id)->next_index = 0; }

 private:
  struct entry {
    step_hash id{};
    bool is_taken = false;       // also by an id that was removed
    std::size_t next_index = 0;  // 0: there is no id
  };

  entry* place_of(const step_hash& id);
  void resize(std::size_t places);

  std::vector<entry>
      entries_;  // a power of two; an id is at the first place after its hash that it found free
  std::size_t taken_ = 0;
};

/// Gives every step call its hash and index, and finds ids whose index would depend on results.
class step_ids {
 public:
  /// `of` knows the handler's current branch and must outlive it.
  explicit step_ids(branches& of) : branches_(of) {}

  void reserve(std::size_t count) { used_.reserve(count); }
  bool is_used(const step_hash& id) const { return used_.contains(id); }

  /// Sets the call's index and hash. `reached` is the number of results that the handler needed to reach it.
  /// Returns an error that ends the run when branches share the id and a result decides which one is first.
  [[nodiscard]] std::optional<protocol::failure> identify(step_call& call, std::size_t reached);

  /// The number of step ids used by branches of races so far.
  std::size_t in_races() const { return ids_of_races_.size(); }
  /// See replay::release_ids_of_losers.
  void release_ids_of_losers(std::size_t first, std::size_t decided_at);

  /// The number of conflicts in races so far.
  std::size_t conflicts() const { return conflicts_of_races_.size(); }
  /// See replay::settle_conflicts. Returns the error that ends the run.
  [[nodiscard]] std::optional<protocol::failure> settle_conflicts(std::size_t first,
                                                                  std::optional<std::size_t> decided_at);

 private:
  std::optional<protocol::failure> note_use(const step_call& call, const step_hash& id, std::size_t reached);

  static protocol::failure error_of_shared_id(const step_call& call, const branch_conflict& conflict);

  branches& branches_;
  id_table used_;
  // ids used in races, in order, for release_ids_of_losers
  struct used_id {
    step_hash base{};
    step_hash hash{};
    std::size_t next_index = 0;  // of the base, before this use
    std::size_t reached = 0;
  };
  std::vector<used_id> ids_of_races_;
  struct race_conflict {
    std::size_t reached = 0;  // by both branches
    protocol::failure failure{};
  };
  std::vector<race_conflict> conflicts_of_races_;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/step_ids.ipp>
#endif
