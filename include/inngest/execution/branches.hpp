#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <inngest/step_id.hpp>

namespace inngest::execution {

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
  void end_group() {
    const group ended = std::move(groups_.back());
    groups_.pop_back();
    if (frames_.empty()) return;
    frame& around = frames_.back();
    if (ended.what == kind::race) {  // one of its branches was enough, and nobody knows which
      around.waits += ended.waits + ended.outer.size();
    } else {
      around.waits += ended.waits;
      for (const outer_wait& wait : ended.outer) add(around.outer, wait);
    }
  }

  void begin_branch() {
    group& of = groups_.back();
    frames_.push_back({.id = ++last_id_, .number = ++of.branches, .began_at = of.began_at});
  }

  void end_branch() {
    group& of = groups_[frames_.size() - 1];
    of.waits += frames_.back().waits;
    for (const outer_wait& wait : frames_.back().outer) add(of.outer, wait);
    frames_.pop_back();
  }

  bool empty() const { return frames_.empty(); }
  std::size_t depth() const { return frames_.size(); }
  /// Of how many races the handler is in a branch.
  std::size_t races() const { return races_up_to(groups_.size()); }
  /// When the current branch began: see replay::branch_result::completed_at.
  std::size_t began_at() const { return frames_.empty() ? 0 : frames_.back().began_at; }

  /// The handler got the result of a step. `entered_at` is the depth at which it came to the step; `got_in`
  /// notes the branch, as a second look waits for nothing new.
  void wait(const step_hash& step, std::size_t entered_at, std::optional<std::size_t>& got_in) {
    if (got_in && is_around(*got_in)) return;
    got_in = frames_.empty() ? 0 : frames_.back().id;
    if (frames_.empty()) return;
    if (entered_at >= frames_.size())
      ++frames_.back().waits;
    else
      add(frames_.back().outer, {step, entered_at});
  }

  /// Notes the use of an id in the current branch, and compares it with those of the branches beside it.
  /// `reached` is when the handler came to it.
  std::optional<branch_conflict> use(const step_hash& id, const call_site& site, std::size_t reached) {
    std::optional<branch_conflict> out;
    bool waits = false;
    std::vector<outer_wait> outer;
    for (std::size_t level = frames_.size(); level-- > 0;) {
      waits = waits || frames_[level].waits > 0;
      for (const outer_wait& wait : frames_[level].outer) add(outer, wait);
      std::erase_if(outer, [&](const outer_wait& wait) {
        const bool own = wait.entered_at > level;  // started in this branch: nobody else waits for it
        waits = waits || own;
        return own;
      });
      std::vector<earlier_use>& uses = groups_[level].uses[id];
      for (const earlier_use& earlier : uses) {
        if (earlier.branch == frames_[level].number || is_fixed(earlier, outer)) continue;
        if (out && out->first_reached <= earlier.reached) continue;
        out = branch_conflict{.group = groups_[level].what == kind::race ? "race" : "parallel group",
                              .first = earlier.branch,
                              .second = frames_[level].number,
                              .first_site = earlier.site,
                              .second_site = site,
                              .first_reached = earlier.reached,
                              .is_in_race = races_up_to(level + 1) > 0};
      }
      if (waits || !outer.empty()) note(uses, {frames_[level].number, reached, waits, outer, site});
    }
    return out;
  }

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

  static bool contains(const std::vector<outer_wait>& list, const step_hash& step) {
    return std::any_of(list.begin(), list.end(), [&](const outer_wait& wait) { return wait.step == step; });
  }
  static void add(std::vector<outer_wait>& list, const outer_wait& wait) {
    if (!contains(list, wait.step)) list.push_back(wait);
  }

  static bool is_fixed(const earlier_use& earlier, const std::vector<outer_wait>& waited_for) {
    return !earlier.waits &&
           std::all_of(earlier.outer.begin(), earlier.outer.end(),
                       [&](const outer_wait& wait) { return contains(waited_for, wait.step); });
  }

  static void note(std::vector<earlier_use>& uses, const earlier_use& use) {
    if (uses.empty() || uses.back().branch != use.branch) {
      uses.push_back(use);
      return;
    }
    earlier_use& noted = uses.back();
    noted.waits = noted.waits || use.waits;
    for (const outer_wait& wait : use.outer) add(noted.outer, wait);
  }

  /// Among the outermost groups.
  std::size_t races_up_to(std::size_t count) const {
    return static_cast<std::size_t>(std::count_if(groups_.begin(),
                                                  groups_.begin() + static_cast<std::ptrdiff_t>(count),
                                                  [](const group& each) { return each.what == kind::race; }));
  }

  /// Whether the branch is the current one, or around it; 0 is the handler itself.
  bool is_around(std::size_t id) const {
    return id == 0 ||
           std::any_of(frames_.begin(), frames_.end(), [&](const frame& each) { return each.id == id; });
  }

  std::vector<group> groups_;
  std::vector<frame> frames_;  // frames_[i] is a branch of groups_[i]
  std::size_t last_id_ = 0;
};

}  // namespace inngest::execution
