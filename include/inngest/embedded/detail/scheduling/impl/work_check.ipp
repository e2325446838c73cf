#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <set>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/work_check.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void work_check::check() {
  take_out(work_.apps, [&](const app_record& app) { return look(app); });
  take_out(work_.events, [&](const event_record& event) {
    return look("events", key_of(event), event_problem(event.text));
  });
  take_out(work_.values, [&](const remembered_value& value) {
    return look("remembered_values", key_of(value), problem_of(value));
  });
  for (const run_record& record : work_.runs) {
    by_id_.emplace(record.run.id, &record);
    look("runs", key_of(record.run), problem_of(record), record.run.id);
  }
  for (const memo_record& memo : work_.memos) {
    look("memos", key_of(memo), detail::is_json(memo.text) ? std::nullopt : problem("its text is not JSON"),
         memo.run_id);
  }
  take_out_listed();
  for (const job& job : work_.jobs) {
    const bool is_schedule = job.what == job::kind::schedule;
    look("jobs", key_of(job), problem_of(job), is_schedule ? std::string() : job.run_id);
  }
  for (const wait_record& wait : work_.waits) look("waits", key_of(wait), problem_of(wait), wait.run_id);
  set_aside_runs(work_);
  take_out_listed();
}

INNGEST_INLINE void work_check::take_out_listed() {
  std::set<std::string> jobs, waits;
  for (const unreadable_record& record : work_.unreadable) {
    if (record.table == "jobs") jobs.insert(record.key);
    if (record.table == "waits") waits.insert(record.key);
  }
  if (!jobs.empty()) take_out(work_.jobs, [&](const job& job) { return !jobs.contains(key_of(job)); });
  if (!waits.empty())
    take_out(work_.waits, [&](const wait_record& wait) { return !waits.contains(key_of(wait)); });
}

INNGEST_INLINE bool work_check::look(checked_table table, std::string key, problem found,
                                     const std::string& run_id) {
  if (!found) return true;
  work_.unreadable.push_back(
      {.table = table.name, .key = std::move(key), .reason = std::move(*found), .run_id = run_id});
  return false;
}

INNGEST_INLINE bool work_check::look(const app_record& app) {
  problem found;
  try {
    read_registration(app);
  } catch (const std::exception& reason) {
    found = reason.what();
  }
  return look("apps", key_of(app), std::move(found));
}

INNGEST_INLINE work_check::problem work_check::text_problem(std::initializer_list<const std::string*> texts) {
  for (const std::string* text : texts) {
    if (!detail::is_utf8(*text)) return "a text is not UTF-8";
  }
  return std::nullopt;
}

INNGEST_INLINE work_check::problem work_check::object_problem(const char* what, const std::string& text) {
  return text.starts_with('{') && detail::is_json(text)
             ? std::nullopt
             : problem(std::string(what) + " is not a JSON object");
}

INNGEST_INLINE work_check::problem work_check::event_problem(const std::string& text) {
  try {
    const json event = detail::parse_dom(text);
    if (!event.is_object()) return "its event is not a JSON object";
    const auto time = event.find("ts");
    if (time != event.end() && !time->is_number_integer()) return "its event's ts is not an integer";
    return std::nullopt;
  } catch (const error& reason) {
    return "its event is " + std::string(reason.what());
  }
}

INNGEST_INLINE work_check::problem work_check::problem_of(const run_record& record) {
  const run& run = record.run;
  if (run.ended()) return "it has ended";
  if (record.events.empty()) return "it has no event";
  for (const run_event& event : record.events) {
    if (auto found = event_problem(event.text)) return found;
  }
  for (const deferred_call& call : record.deferred) {
    if (auto found = object_problem("the input of what it deferred", call.input)) return found;
    if (auto found = text_problem({&call.slug})) return found;
  }
  return text_problem(
      {&run.id, &run.function_id, &run.function_slug, &run.event_id, &run.event_name, &record.gathering});
}

INNGEST_INLINE work_check::problem work_check::problem_of(const job& job) const {
  if (job.what == job::kind::schedule) return text_problem({&job.run_id, &job.step_name});
  const auto run = by_id_.find(job.run_id);
  if (run == by_id_.end()) return std::nullopt;  // it has ended
  const bool is_call = job.what == job::kind::call || job.what == job::kind::request;
  const bool ends_step = job.what == job::kind::wake || job.what == job::kind::wait_timeout ||
                         job.what == job::kind::invoke_timeout || job.what == job::kind::request;
  constexpr int max_attempts = 1'000'000;
  if (ends_step && !job.step) return "it has no step to end";
  if (job.attempt < 0 || job.attempt > max_attempts)
    return "attempt is " + std::to_string(job.attempt) + ", out of range";
  if (job.started && !is_call) return "it is a timer, but was started";
  if (job.what == job::kind::gathered && run->second->gathering.empty())
    return "its run has all its events already";
  if (job.what == job::kind::request) {
    try {
      outgoing_request(job.text);
    } catch (const std::exception& reason) {
      return std::string("its request can't be made: ") + reason.what();
    }
  }
  return text_problem({&job.step_name});
}

INNGEST_INLINE work_check::problem work_check::problem_of(const wait_record& wait) {
  if (wait.event_name.empty() && wait.signal.empty()) return "it waits for neither an event nor a signal";
  if (!wait.expression.empty()) {
    try {
      const expression compiled(wait.expression);
    } catch (const error& reason) {
      return "its expression can't be computed: " + std::string(reason.what());
    }
  }
  return text_problem({&wait.step_name, &wait.event_name, &wait.signal});
}

INNGEST_INLINE work_check::problem work_check::problem_of(const remembered_value& value) {
  constexpr timestamp latest(std::chrono::milliseconds(9'000'000'000'000));  // also fits as nanoseconds
  if (value.expires < timestamp()) return "it expired before 1970";
  if (value.expires > latest) return "it would never expire";
  std::int64_t number = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto read = std::from_chars(value.text.data(), end, number);
  if (read.ec == std::errc() && read.ptr == end &&
      std::chrono::nanoseconds(number) > std::chrono::nanoseconds(value.expires.time_since_epoch()))
    return "its rate is later than its end";
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
