#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
#include <inngest/embedded/detail/sqlite_records.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE void records::add_key(embedded::run& out, int what, std::string key) {
  if (what == 0)
    out.concurrency_keys.push_back(std::move(key));
  else
    out.idempotency_key = std::move(key);
}

INNGEST_INLINE std::vector<embedded::bulk_operation> records::bulk_operations() {
  std::vector<embedded::bulk_operation> out;
  in("bulk_operations",
     file_.query("SELECT id, what, state, created_at, ended_at, cursor, total, done, failed, per_second, "
                 "from_step, from_failed_step, filter, problems FROM bulk_operations ORDER BY id DESC"),
     1, [&](rows& found) {
       embedded::bulk_operation operation;
       read(found, operation);
       out.push_back(std::move(operation));
     });
  return out;
}

INNGEST_INLINE void records::read(rows& from, embedded::bulk_operation& out) {
  std::string problems;
  from.read(out.id, out.what, out.state, out.created_at, out.ended_at, out.cursor, out.total, out.done,
            out.failed, out.per_second, out.from_step, out.from_failed_step, out.filter, problems);
  if (out.per_second == 0) from.refuse(9, "not a positive number");
  out.problems = embedded::read_bulk_problems(problems);
}

INNGEST_INLINE void records::list(const std::string& table, std::string key, std::string reason,
                                  const std::string& run_id) {
  if (!run_id.empty()) set_aside_.insert(run_id);
  unreadable_.push_back(
      {.table = table, .key = std::move(key), .reason = std::move(reason), .run_id = run_id});
}

INNGEST_INLINE std::vector<embedded::event_record> records::events_of(rows found, std::size_t limit) {
  std::vector<embedded::event_record> out;
  while (out.size() < limit && found.next())
    try_row(events, found, 2, [&] { out.push_back(event_of(found)); });
  return out;
}

INNGEST_INLINE std::vector<embedded::run_record> records::records_of(rows found) {
  std::vector<embedded::run_record> out;
  while (found.next()) {
    embedded::run_record record;
    const bool is_readable = try_row(
        runs_table, found, 2,
        [&] {
          found.skip(1);
          read(found, record);
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(record));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::memo_record> records::memos(rows found) {
  std::vector<embedded::memo_record> out;
  while (found.next()) {
    embedded::memo_record memo;
    const bool is_readable = try_row(
        "memos", found, 1,
        [&] {
          found.skip(1);
          found.read(memo.run_id);
          read(found, memo);
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(memo));
  }
  return out;
}

INNGEST_INLINE void records::read_position(rows& from) {
  std::int64_t position = 0;
  from.read(position);
}

INNGEST_INLINE void records::read_place(rows& from) {
  read_position(from);  // the run's number
  read_position(from);
}

INNGEST_INLINE void records::read(rows& from, embedded::timeline_entry& out) {
  from.read(out.at, out.what, out.step, out.attempt, out.duration, out.detail, out.step_id);
}

INNGEST_INLINE void records::read(rows& from, embedded::run_note& out) {
  from.read(out.what, out.at, out.subject, out.name, out.target, out.text);
}

INNGEST_INLINE void records::read(rows& from, embedded::run& out) {
  std::optional<std::string> error_name, error_message, error_text, original_run_id;
  from.read(out.id, out.status, out.function_slug, out.function_id, out.event_id, out.event_name,
            out.queued_at, out.started_at, out.ended_at, error_name, error_message, error_text,
            out.output_text, original_run_id);
  out.original_run_id = std::move(original_run_id).value_or("");
  if (!error_name) return;
  out.error = {.name = std::move(*error_name),
               .message = std::move(error_message).value_or(""),
               .text = std::move(error_text).value_or("")};
}

INNGEST_INLINE void records::read(rows& from, embedded::run_record& out) {
  std::optional<std::string> parent_run_id, parent_name, replaced_input;
  std::optional<step_hash> parent_step, replaced_step;
  read(from, out.run);
  from.read(out.gathering, parent_run_id, parent_step, parent_name, replaced_step, replaced_input);
  if (replaced_step) out.replaced = {.step = *replaced_step, .input = std::move(replaced_input).value_or("")};
  if (parent_run_id && parent_step) {
    out.parent = {.run_id = std::move(*parent_run_id),
                  .step = *parent_step,
                  .name = std::move(parent_name).value_or("")};
  }
}

INNGEST_INLINE void records::read(rows& from, embedded::memo_record& out) {
  std::optional<std::string> name;
  std::optional<timestamp> begun;
  from.read(out.step, out.text, name, begun);
  out.name = std::move(name).value_or("");
  out.begun = begun.value_or(timestamp());
}

INNGEST_INLINE embedded::event_record records::event_of(rows& from) {
  embedded::event_record out;
  from.skip(1);
  std::optional<std::string> resent_from;
  from.read(out.id, out.name, out.text, out.received_at, out.dispatched, resent_from);
  out.resent_from = std::move(resent_from).value_or("");
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
