#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/execution/deferred_calls.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE bool deferred_calls::add(protocol::operation op) {
  const auto same = [&](const protocol::operation& made) { return made.id == op.id; };
  if (saved_.contains(op.id) || std::any_of(unreported_.begin(), unreported_.end(), same)) return false;
  if (!request_.target() && !request_.is_deferred(op.id)) unreported_.push_back(std::move(op));
  return true;
}

INNGEST_INLINE void deferred_calls::abort(const protocol::operation& added, std::string_view slug) {
  if (request_.target()) return;
  std::erase_if(unreported_, [&](const protocol::operation& op) { return op.id == added.id; });
  const bool is_known = request_.is_abortable(added.id) || saved_.contains(added.id);
  if (!is_known) return;  // the server does not know it, or has started it
  const std::string target = detail::to_hex(added.id);
  protocol::operation op = added;
  op.code = protocol::opcode::defer_abort;
  op.id = detail::sha1_at_run_time(target + ":abort");
  op.options = detail::json_object_text()
                   .add("target_hashed_id", target)
                   .add_exact("fn_slug", slug)
                   .add_exact("id", added.user_id)
                   .text();
  const auto same = [&](const protocol::operation& made) { return made.id == op.id; };
  if (std::none_of(unreported_.begin(), unreported_.end(), same)) unreported_.push_back(std::move(op));
}

INNGEST_INLINE std::vector<protocol::operation> deferred_calls::take() {
  return std::exchange(unreported_, {});
}

INNGEST_INLINE std::vector<protocol::operation> deferred_calls::take_to_save() {
  for (const protocol::operation& op : unreported_) saved_.insert(op.id);
  return take();
}

}  // namespace inngest::inline INNGEST_ABI::execution
