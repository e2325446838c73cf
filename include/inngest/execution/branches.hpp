#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The source location of a step call.
struct call_site {
  const char* file = "";
  int line = 0;

  std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

/// Two branches of a group use the same step id, and results decide which branch reaches it first.
struct branch_conflict {
  std::string group{};  // "parallel group" or "race"
  std::size_t first = 0;
  std::size_t second = 0;
  call_site first_site{};
  call_site second_site{};
  /// When the first branch reached the id.
  std::size_t first_reached = 0;
  /// Whether the branches belong to a race. The conflict may then be harmless, see replay::settle_conflicts.
  bool is_in_race = false;
};

/// Tracks the current branch of the handler, and finds step ids whose index depends on results.
///
/// A repeated id gets its index from the order in which the handler reaches its uses. Branches run one after
/// another, each up to its first step without a result. A later branch can therefore reach the id before an
/// earlier one, unless the later branch also waits for everything that the earlier branch waits for before
/// its use. This depends on the program only, not on the available results.
class branches {
 public:
  enum class kind { parallel, race };

  /// `reached` is the time at which the handler reached the group, when all branches begin.
  void begin_group(kind what, std::size_t reached) { groups_.push_back({.what = what, .began_at = reached}); }

  /// Adds the waits of the group's branches to the enclosing branch.
  void end_group();

  void begin_branch();

  void end_branch();

  bool empty() const { return frames_.empty(); }
  std::size_t depth() const { return frames_.size(); }
  /// The number of races that enclose the handler's current position.
  std::size_t races() const { return races_up_to(groups_.size()); }
  /// When the current branch began: see replay::branch_result::completed_at.
  std::size_t began_at() const { return frames_.empty() ? 0 : frames_.back().began_at; }

  /// Notes that the handler received the result of a step. `entered_at` is the depth at which it reached the
  /// step. `got_in` stores the branch, because a second read waits for nothing new.
  void wait(const step_hash& step, std::size_t entered_at, std::optional<std::size_t>& got_in);

  /// Notes the use of an id in the current branch, and compares it with the uses in sibling branches.
  /// `reached` is the time at which the handler reached it.
  std::optional<branch_conflict> use(const step_hash& id, const call_site& site, std::size_t reached);

 private:
  /// A wait for a step that was started outside the branch.
  struct outer_wait {
    step_hash step{};
    std::size_t entered_at = 0;
  };

  struct earlier_use {
    std::size_t branch = 0;
    std::size_t reached = 0;
    bool waits = false;  // for steps started in the branch
    std::vector<outer_wait> outer{};
    call_site site{};
  };

  struct group {
    kind what = kind::parallel;
    std::size_t began_at = 0;
    std::size_t branches = 0;
    std::size_t waits = 0;
    std::vector<outer_wait> outer{};
    // by id, the uses that can be late; all others follow the order of the branches
    std::unordered_map<step_hash, std::vector<earlier_use>, detail::step_hash_hasher> uses{};
  };

  struct frame {
    std::size_t id = 0;
    std::size_t number = 0;  // number of the branch in its group, from 1
    std::size_t began_at = 0;
    std::size_t waits = 0;
    std::vector<outer_wait> outer{};
  };

  static bool contains(const std::vector<outer_wait>& list, const step_hash& step);
  static void add(std::vector<outer_wait>& list, const outer_wait& wait);

  static bool is_fixed(const earlier_use& earlier, const std::vector<outer_wait>& waited_for);

  static void note(std::vector<earlier_use>& uses, const earlier_use& use);

  /// The number of races among the outermost `count` groups.
  std::size_t races_up_to(std::size_t count) const;

  /// Whether the branch is the current one or encloses it; 0 is the handler itself.
  bool is_around(std::size_t id) const;

  std::vector<group> groups_;
  std::vector<frame> frames_;  // frames_[i] is a branch of groups_[i]
  std::size_t last_id_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/branches.ipp>
#endif
