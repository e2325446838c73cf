#pragma once

#include <algorithm>
#include <bit>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/execution/numbered_ids.hpp>
#include <inngest/execution/step_ids.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE void id_table::reserve(std::size_t count) {
  if (2 * count > entries_.size()) resize(std::bit_ceil(2 * count));
}

INNGEST_INLINE bool id_table::contains(const step_hash& id) const {
  return !entries_.empty() && const_cast<id_table*>(this)->place_of(id)->next_index > 0;
}

INNGEST_INLINE std::pair<std::size_t*, bool> id_table::add(const step_hash& id) {
  reserve(taken_ + 1);
  entry& place = *place_of(id);
  if (!std::exchange(place.is_taken, true)) {
    place.id = id;
    ++taken_;
  }
  const bool is_new = place.next_index == 0;
  if (is_new) place.next_index = 1;
  return {&place.next_index, is_new};
}

/// The place of the id, or a free one for it: half of the places are free.
INNGEST_INLINE id_table::entry* id_table::place_of(const step_hash& id) {
  const std::size_t last = entries_.size() - 1;
  std::size_t at = detail::step_hash_hasher()(id) & last;
  while (entries_[at].is_taken && !detail::is_same(entries_[at].id, id)) at = (at + 1) & last;
  return &entries_[at];
}

INNGEST_INLINE void id_table::resize(std::size_t places) {
  const std::vector<entry> before = std::exchange(entries_, std::vector<entry>(places));
  for (const entry& moved : before) {
    if (moved.is_taken) *place_of(moved.id) = moved;
  }
}

INNGEST_INLINE std::optional<protocol::failure> step_ids::identify(step_call& call, std::size_t reached) {
  call.entered_at = branches_.depth();
  const step_hash base = call.hash;
  const auto [first_use, is_first] = used_.add(base);
  const std::size_t index_before = *first_use;
  std::size_t next_index = index_before;
  while (!is_first) {  // the second "a" is "a:1", unless a step already has that id
    call.index = next_index++;
    used_.set(base, next_index);
    call.hash = hash_of_numbered(call.id, base, call.index);
    if (auto error = note_use(call, call.hash, reached))
      return error;  // another branch may use "a:1" as an id
    if (used_.add(call.hash).second) break;
  }
  if (branches_.empty()) return std::nullopt;
  if (auto error = note_use(call, base, reached)) return error;
  if (branches_.races() > 0) ids_of_races_.push_back({base, call.hash, index_before, reached});
  return std::nullopt;
}

INNGEST_INLINE std::optional<protocol::failure> step_ids::note_use(const step_call& call, const step_hash& id,
                                                                   std::size_t reached) {
  if (branches_.empty()) return std::nullopt;
  const auto conflict = branches_.use(id, {call.file, call.line}, reached);
  if (!conflict) return std::nullopt;
  if (!conflict->is_in_race) return error_of_shared_id(call, *conflict);
  conflicts_of_races_.push_back(
      {(std::max)(reached, conflict->first_reached), error_of_shared_id(call, *conflict)});
  return std::nullopt;
}

INNGEST_INLINE void step_ids::release_ids_of_losers(std::size_t first, std::size_t decided_at) {
  for (std::size_t i = ids_of_races_.size(); i-- > first;) {
    const used_id& used = ids_of_races_[i];
    if (used.reached <= decided_at) continue;
    used_.remove(used.hash);
    if (used.hash != used.base) used_.set(used.base, used.next_index);
    ids_of_races_.erase(ids_of_races_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

INNGEST_INLINE std::optional<protocol::failure> step_ids::settle_conflicts(
    std::size_t first, std::optional<std::size_t> decided_at) {
  const auto begin = conflicts_of_races_.begin() + static_cast<std::ptrdiff_t>(first);
  if (decided_at) {
    const auto is_irrelevant = [&](const race_conflict& conflict) { return conflict.reached > *decided_at; };
    conflicts_of_races_.erase(std::remove_if(begin, conflicts_of_races_.end(), is_irrelevant),
                              conflicts_of_races_.end());
  }
  if (conflicts_of_races_.size() <= first || branches_.races() != 1) return std::nullopt;
  return std::move(conflicts_of_races_[first].failure);
}

INNGEST_INLINE protocol::failure step_ids::error_of_shared_id(const step_call& call,
                                                              const branch_conflict& conflict) {
  const std::string both = "branch " + std::to_string(conflict.first) + " (" + conflict.first_site.text() +
                           ") and branch " + std::to_string(conflict.second) + " (" +
                           conflict.second_site.text() + ") of a " + conflict.group;
  return {.info = {.name = "inngest::shared_step_id",
                   .message = "step \"" + call.id + "\" is used in " + both + ", and in branch " +
                              std::to_string(conflict.first) +
                              " it comes after another step. Which branch reaches it first depends on "
                              "which results arrive first, so one could receive the other's result. "
                              "Use different step ids"},
          .retriable = false};
}

}  // namespace inngest::inline INNGEST_ABI::execution
