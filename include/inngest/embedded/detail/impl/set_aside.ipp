#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/set_aside.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string key_text(std::string_view text) {
  constexpr std::size_t longest = 1000;
  const bool is_long = text.size() > longest;
  const bool can_print = detail::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
                           return (c >= 0 && c < ' ') || c == '\x7f';
                         });
  if (can_print && !is_long) return '"' + std::string(text) + '"';
  const std::string_view first = text.substr(0, longest);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(first.data());
  return "x'" + detail::to_hex(std::span(bytes, first.size())) + (is_long ? "...'" : "'");
}

INNGEST_INLINE std::string key_of_step(std::string_view run_id, const step_hash& step) {
  return "run_id = " + key_text(run_id) + ", step = x'" + detail::to_hex(step) + "'";
}

INNGEST_INLINE std::string key_of(const wait_record& wait) { return key_of_step(wait.run_id, wait.step); }

INNGEST_INLINE unreadable_record without_run(const job& job) {
  return {.table = "jobs", .key = key_of(job), .reason = "its run \"" + job.run_id + "\" does not exist"};
}

INNGEST_INLINE unreadable_record without_run(const wait_record& wait) {
  return {.table = "waits", .key = key_of(wait), .reason = "its run \"" + wait.run_id + "\" does not exist"};
}

INNGEST_INLINE std::string given_id_of(const event_record& event) {
  const json text = json::parse(event.text, nullptr, false);
  const auto found = text.is_object() ? text.find("id") : text.end();
  if (!text.is_object() || found == text.end() || !found->is_string()) return "";
  std::string id = found->get<std::string>();
  return id == event.id ? std::string() : id;
}

INNGEST_INLINE void set_aside_runs(unfinished_work& work) {
  std::set<std::string, std::less<>> runs;
  for (const unreadable_record& record : work.unreadable) {
    if (!record.run_id.empty()) runs.insert(record.run_id);
  }
  if (runs.empty()) return;
  for (const run_record& record : work.runs) {
    if (runs.contains(record.run.id) && record.parent) work.steps_of_set_aside.push_back(*record.parent);
  }
  std::erase_if(work.runs, [&](const run_record& record) { return runs.contains(record.run.id); });
  std::erase_if(work.memos, [&](const memo_record& memo) { return runs.contains(memo.run_id); });
  std::erase_if(work.jobs,
                [&](const job& job) { return job.what != job::kind::schedule && runs.contains(job.run_id); });
  std::erase_if(work.waits, [&](const wait_record& wait) { return runs.contains(wait.run_id); });
  std::erase_if(work.steps_of_set_aside, [&](const parent_step& step) { return runs.contains(step.run_id); });
}

}  // namespace inngest::inline INNGEST_ABI::embedded
