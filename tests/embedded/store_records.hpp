#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/sha1.hpp>
#include <inngest/embedded/store.hpp>

#include "../support/temporary_folder.hpp"

// What the stores' tests keep, and how they look at it.

namespace store_records {

using namespace inngest::embedded;
using inngest::timestamp;
using strings = std::vector<std::string>;

/// A folder of its own, gone afterwards with all that stores leave beside their files.
struct folder {
  support::temporary_folder made{};
  std::filesystem::path path = made.path();
  std::filesystem::path file = path / "engine.db";
};

inline timestamp at(std::int64_t milliseconds) { return timestamp(std::chrono::milliseconds(milliseconds)); }
inline inngest::step_hash step(std::string_view id) { return inngest::detail::sha1::of(id); }

/// A number as text of one length, so that ids sort as they were made.
inline std::string padded(int number) {
  const std::string digits = std::to_string(number);
  return std::string(8 - digits.size(), '0') + digits;
}

inline event_record event(const std::string& id, std::int64_t received_at = 1) {
  return {.id = id, .name = "test/" + id, .text = "{\"id\":\"" + id + "\"}", .received_at = at(received_at)};
}

/// A queued run of the events.
inline run_record run_of(const std::string& id, const strings& events, const std::string& slug = "app-f") {
  run_record out;
  out.run = {.id = id,
             .function_id = "f",
             .function_slug = slug,
             .event_id = events.front(),
             .event_name = "test/" + events.front(),
             .queued_at = at(10)};
  for (const std::string& each : events) out.events.push_back({.id = each, .text = event(each).text});
  return out;
}

inline run_update ended(const std::string& id, run_status status, std::int64_t ended_at) {
  return {.id = id,
          .status = status,
          .started_at = at(11),
          .ended_at = at(ended_at),
          .output_text = "\"" + id + "\"",
          .error = {}};
}

inline memo_record memo(const std::string& run, const std::string& id, std::string text = "{}") {
  return {.run_id = run, .step = step(id), .text = std::move(text)};
}

/// A note with a number, by which notes are ordered.
inline run_note note(const std::string& run, int number, run_note::kind what = run_note::kind::message) {
  return {.run_id = run,
          .id = padded(number),
          .what = what,
          .at = at(30 + number),
          .subject = "channel",
          .name = "topic",
          .target = what == run_note::kind::metadata ? R"({"step_id":"s"})" : "",
          .text = std::to_string(number)};
}

inline std::string text(const run_note& note) {
  return note.run_id + "|" + note.id + "|" + std::string(to_string(note.what)) + "|" +
         std::to_string(note.at.time_since_epoch().count()) + "|" + note.subject + "|" + note.name + "|" +
         note.target + "|" + note.text;
}

inline timeline_record told(const std::string& run, progress what, const std::string& step = "") {
  return {.run_id = run,
          .entry = {.at = at(20),
                    .what = what,
                    .step = step,
                    .attempt = 1,
                    .duration = std::chrono::microseconds(1500),
                    .detail = "detail",
                    .step_id = step.empty() ? std::optional<inngest::step_hash>()
                                            : inngest::detail::sha1::of(step)}};
}

inline job call(std::uint64_t id, const std::string& run) {
  return {.id = id, .run_id = run, .due = at(30), .begun = at(29)};
}

inline void commit(store& to, const changes& all) { to.commit({&all, 1}); }

// ---- as text: what differs is then seen ------------------------------------------------------------------

inline std::string text(timestamp moment) { return std::to_string(moment.time_since_epoch().count()); }
inline std::string text(const std::optional<timestamp>& moment) { return moment ? text(*moment) : "-"; }

inline std::string text(const inngest::step_hash& hash) {
  std::string out;
  for (const auto byte : hash) out += "0123456789abcdef"[byte >> 4], out += "0123456789abcdef"[byte & 15];
  return out;
}

inline std::string text(const timeline_entry& each) {
  return text(each.at) + " " + std::to_string(static_cast<int>(each.what)) + " " + each.step + " " +
         std::to_string(each.attempt) + " " + std::to_string(each.duration.count()) + " " + each.detail +
         " " + (each.step_id ? text(*each.step_id) : "");
}

inline std::string text(const run& run) {
  std::string out = run.id + "|" + run.function_id + "|" + run.function_slug + "|" + run.event_id + "|" +
                    run.event_name + "|" + std::string(to_string(run.status)) + "|" + text(run.queued_at) +
                    "|" + text(run.started_at) + "|" + text(run.ended_at) + "|" + run.output_text;
  if (run.error) out += "|" + run.error->name + "|" + run.error->message + "|" + run.error->text;
  for (const timeline_entry& each : run.timeline) out += "\n  " + text(each);
  return out;
}

inline std::string text(const run_record& record) {
  std::string out = text(record.run) + "\ngathering " + record.gathering;
  for (const run_event& each : record.events) out += "\nevent " + each.id + " " + each.text;
  if (record.parent) out += "\nparent " + record.parent->run_id + " " + text(record.parent->step);
  for (const deferred_call& each : record.deferred)
    out += "\ndeferred " + text(each.id) + " " + each.slug + " " + each.input;
  return out;
}

inline std::string text(const event_record& each) {
  return each.id + "|" + each.name + "|" + each.text + "|" + text(each.received_at);
}
inline std::string text(const memo_record& each) {
  return each.run_id + "|" + text(each.step) + "|" + each.text;
}
inline std::string text(const job& each) {
  return std::to_string(each.id) + "|" + std::to_string(static_cast<int>(each.what)) + "|" + each.run_id +
         "|" + (each.step ? text(*each.step) : "-") + "|" + each.step_name + "|" +
         std::to_string(each.attempt) + "|" + text(each.due) + "|" + text(each.begun) +
         (each.text.empty() ? "" : "|" + each.text);
}
inline std::string text(const wait_record& each) {
  return each.run_id + "|" + text(each.step) + "|" + each.step_name + "|" + each.event_name + "|" +
         each.expression + "|" + each.signal + "|" + text(each.begun);
}
inline std::string text(const remembered_value& each) {
  return each.key + "|" + each.text + "|" + text(each.expires);
}
inline std::string text(const app_record& each) { return each.id + "|" + each.text; }

template <class Records>
strings texts(const Records& records) {
  strings out;
  for (const auto& each : records) out.push_back(text(each));
  return out;
}

/// What only ids tell apart.
template <class Records>
strings ids(const Records& records) {
  strings out;
  for (const auto& each : records) out.push_back(each.id);
  return out;
}

inline strings run_ids(const unfinished_work& work) {
  strings out;
  for (const run_record& each : work.runs) out.push_back(each.run.id);
  return out;
}

}  // namespace store_records
