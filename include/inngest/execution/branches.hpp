#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// Where a step is called.
struct call_site {
  const char* file = "";
  int line = 0;

  std::string text() const { return std::string(file) + ":" + std::to_string(line); }
};

/// Two branches of a group that use the same step id, where results decide which of them comes first.
struct branch_conflict {
  std::string group{};  // "parallel group" or "race"
  std::size_t first = 0;
  std::size_t second = 0;
  call_site first_site{};
  call_site second_site{};
  /// When the first branch came to the id.
  std::size_t first_reached = 0;
  /// Both are in a branch of a race, or are branches of one: it may not matter, see replay::settle_conflicts.
  bool is_in_race = false;
};

/// Knows which branch of which group the handler is in, and finds step ids whose index can't be relied on.
///
/// A repeated id gets its index from the order in which the handler comes to its uses. Branches run one after
/// another, each up to its first step without a result. So a later branch can come to the id before an
/// earlier one, unless whatever the earlier one waits for before its use, the later one waits for too. This
/// depends on the program only, not on which results there are.
class branches {
 public:
  enum class kind { parallel, race };

  /// `reached` is when the handler came to the group: all branches begin then.
  void begin_group(kind what, std::size_t reached) { groups_.push_back({.what = what, .began_at = reached}); }

  /// What the group's branches waited for, the branch around them has waited for when it goes on.
  void end_group();

  void begin_branch();

  void end_branch();

  bool empty() const { return frames_.empty(); }
  std::size_t depth() const { return frames_.size(); }
  /// Of how many races the handler is in a branch.
  std::size_t races() const { return races_up_to(groups_.size()); }
  /// When the current branch began: see replay::branch_result::completed_at.
  std::size_t began_at() const { return frames_.empty() ? 0 : frames_.back().began_at; }

  /// The handler got the result of a step. `entered_at` is the depth at which it came to the step; `got_in`
  /// notes the branch, as a second look waits for nothing new.
  void wait(const step_hash& step, std::size_t entered_at, std::optional<std::size_t>& got_in);

  /// Notes the use of an id in the current branch, and compares it with those of the branches beside it.
  /// `reached` is when the handler came to it.
  std::optional<branch_conflict> use(const step_hash& id, const call_site& site, std::size_t reached);

 private:
  /// A step that was started outside of the branch that waits for it.
  struct outer_wait {
    step_hash step{};
    std::size_t entered_at = 0;
  };

  struct earlier_use {
    std::size_t branch = 0;
    std::size_t reached = 0;
    bool waits = false;  // for steps of the branch's own
    std::vector<outer_wait> outer{};
    call_site site{};
  };

  struct group {
    kind what = kind::parallel;
    std::size_t began_at = 0;
    std::size_t branches = 0;
    std::size_t waits = 0;
    std::vector<outer_wait> outer{};
    // by id, the uses that can be late; others come in the order of the branches always
    std::unordered_map<step_hash, std::vector<earlier_use>, detail::step_hash_hasher> uses{};
  };

  struct frame {
    std::size_t id = 0;
    std::size_t number = 0;  // of the branch in its group, from 1
    std::size_t began_at = 0;
    std::size_t waits = 0;
    std::vector<outer_wait> outer{};
  };

  static bool contains(const std::vector<outer_wait>& list, const step_hash& step);
  static void add(std::vector<outer_wait>& list, const outer_wait& wait);

  static bool is_fixed(const earlier_use& earlier, const std::vector<outer_wait>& waited_for);

  static void note(std::vector<earlier_use>& uses, const earlier_use& use);

  /// Among the outermost groups.
  std::size_t races_up_to(std::size_t count) const;

  /// Whether the branch is the current one, or around it; 0 is the handler itself.
  bool is_around(std::size_t id) const;

  std::vector<group> groups_;
  std::vector<frame> frames_;  // frames_[i] is a branch of groups_[i]
  std::size_t last_id_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/branches.ipp>
#endif
