#pragma once

#include <algorithm>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/execution/branches.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE void branches::end_group() {
  const group ended = std::move(groups_.back());
  groups_.pop_back();
  if (frames_.empty()) return;
  frame& around = frames_.back();
  if (ended.what == kind::race) {  // one branch was enough, but it is unknown which one
    around.waits += ended.waits + ended.outer.size();
  } else {
    around.waits += ended.waits;
    for (const outer_wait& wait : ended.outer) add(around.outer, wait);
  }
}

INNGEST_INLINE void branches::begin_branch() {
  group& of = groups_.back();
  frames_.push_back({.id = ++last_id_, .number = ++of.branches, .began_at = of.began_at});
}

INNGEST_INLINE void branches::end_branch() {
  group& of = groups_[frames_.size() - 1];
  of.waits += frames_.back().waits;
  for (const outer_wait& wait : frames_.back().outer) add(of.outer, wait);
  frames_.pop_back();
}

INNGEST_INLINE void branches::wait(const step_hash& step, std::size_t entered_at,
                                   std::optional<std::size_t>& got_in) {
  if (got_in && is_around(*got_in)) return;
  got_in = frames_.empty() ? 0 : frames_.back().id;
  if (frames_.empty()) return;
  if (entered_at >= frames_.size())
    ++frames_.back().waits;
  else
    add(frames_.back().outer, {step, entered_at});
}

INNGEST_INLINE std::optional<branch_conflict> branches::use(const step_hash& id, const call_site& site,
                                                            std::size_t reached) {
  std::optional<branch_conflict> out;
  bool waits = false;
  std::vector<outer_wait> outer;
  for (std::size_t level = frames_.size(); level-- > 0;) {
    waits = waits || frames_[level].waits > 0;
    for (const outer_wait& wait : frames_[level].outer) add(outer, wait);
    std::erase_if(outer, [&](const outer_wait& wait) {
      const bool own = wait.entered_at > level;  // started in this branch, so no other branch waits for it
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

INNGEST_INLINE bool branches::contains(const std::vector<outer_wait>& list, const step_hash& step) {
  return std::any_of(list.begin(), list.end(), [&](const outer_wait& wait) { return wait.step == step; });
}

INNGEST_INLINE void branches::add(std::vector<outer_wait>& list, const outer_wait& wait) {
  if (!contains(list, wait.step)) list.push_back(wait);
}

INNGEST_INLINE bool branches::is_fixed(const earlier_use& earlier,
                                       const std::vector<outer_wait>& waited_for) {
  return !earlier.waits &&
         std::all_of(earlier.outer.begin(), earlier.outer.end(),
                     [&](const outer_wait& wait) { return contains(waited_for, wait.step); });
}

INNGEST_INLINE void branches::note(std::vector<earlier_use>& uses, const earlier_use& use) {
  if (uses.empty() || uses.back().branch != use.branch) {
    uses.push_back(use);
    return;
  }
  earlier_use& noted = uses.back();
  noted.waits = noted.waits || use.waits;
  for (const outer_wait& wait : use.outer) add(noted.outer, wait);
}

INNGEST_INLINE std::size_t branches::races_up_to(std::size_t count) const {
  return static_cast<std::size_t>(
      std::count_if(groups_.begin(), groups_.begin() + static_cast<std::ptrdiff_t>(count),
                    [](const group& entered) { return entered.what == kind::race; }));
}

INNGEST_INLINE bool branches::is_around(std::size_t id) const {
  return id == 0 ||
         std::any_of(frames_.begin(), frames_.end(), [&](const frame& entered) { return entered.id == id; });
}

}  // namespace inngest::inline INNGEST_ABI::execution
