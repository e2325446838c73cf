#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/set_aside.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string key_of(const wait_record& wait) {
  return "run_id = \"" + wait.run_id + "\", step = x'" + detail::to_hex(wait.step) + "'";
}

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
