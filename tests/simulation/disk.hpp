#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/retention.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "kept_model.hpp"

namespace simulated {

using inngest::timestamp;
using inngest::embedded::changes;
using inngest::embedded::unfinished_work;

/// What outlives processes: a memory store, and beside it a SQLite database that must be the same.
class disk {
 public:
  explicit disk(bool with_sqlite) {
    if (!with_sqlite) return;
    std::filesystem::remove_all(folder_);  // of an earlier process with this number that was killed
    std::filesystem::create_directories(folder_);
    open();
  }
  ~disk() {
    if (!sqlite_) return;
    sqlite_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  disk(const disk&) = delete;
  disk& operator=(const disk&) = delete;

  void commit(std::span<const changes> all) {
    memory_.commit(all);
    model_.committed(all);
    if (sqlite_) sqlite_->commit(all);
  }
  void forget(const inngest::embedded::retention& kept, timestamp now) {
    memory_.forget(kept, now);
    model_.forgotten(kept, now);
    if (sqlite_) sqlite_->forget(kept, now);
  }
  unfinished_work load() { return memory_.load(); }
  const inngest::embedded::memory_store& memory() const { return memory_; }
  inngest::embedded::memory_store& memory() { return memory_; }
  const kept_model& model() const { return model_; }

  /// The SQLite database; null without one.
  inngest::embedded::sqlite_store* sqlite() { return sqlite_.get(); }
  std::filesystem::path sqlite_file() const { return folder_ / "simulated.db"; }

  /// The next process opens the database again.
  void reopen() {
    if (!sqlite_) return;
    sqlite_.reset();
    open();
  }

  /// What is wrong with the database or a copy of it; empty when nothing is.
  std::string damage() {
    if (!sqlite_) return "";
    for (const std::string& problem : sqlite_->check()) return "SQLite finds: " + problem;
    const std::filesystem::path copy = folder_ / "copy.db";
    sqlite_->backup_to(copy);
    std::string out;
    {
      inngest::embedded::sqlite_store copied({.path = copy});
      if (described(copied.load()) != described(sqlite_->load()) || kept_of(copied) != kept_of(*sqlite_))
        out = "a copy of the database differs from it";
    }
    for (const char* end : {"", "-wal", "-shm", ".lock"}) {
      std::error_code ignored;
      std::filesystem::remove(copy.string() + end, ignored);
    }
    return out;
  }

  /// What SQLite would load otherwise; empty when it is the same.
  std::string difference() {
    if (!sqlite_) return "";
    const std::string memory = described(memory_.load()) + kept_of(memory_),
                      sqlite = described(sqlite_->load()) + kept_of(*sqlite_);
    if (memory == sqlite) return "";
    return "in memory:\n" + memory + "in SQLite:\n" + sqlite;
  }

  /// What a store has that no engine loads.
  static std::string kept_of(const inngest::embedded::store& kept) {
    std::string out;
    const auto line = [&](const auto&... parts) {
      ((out += parts, out += ' '), ...);
      out += '\n';
    };
    const auto time = [](timestamp moment) { return std::to_string(moment.time_since_epoch().count()); };
    for (const auto& run : kept.runs()) {
      line("run", run.id, to_string(run.status));
      for (const auto& tag : run.tags) line("tag", tag.name, tag.value);
      for (const auto& entry : run.timeline)
        line("entry", time(entry.at), to_string(entry.what), entry.step, std::to_string(entry.attempt),
             std::to_string(entry.duration.count()), entry.detail);
      for (const auto& memo : kept.memos_of(run.id))
        line("memo", inngest::detail::to_hex(memo.step), memo.text, memo.name, time(memo.begun));
      for (const auto& note : kept.notes_of(run.id))
        line("note", note.id, time(note.at), note.subject, note.name, note.target, note.text);
      for (const auto& logged : kept.logs_of(run.id))
        line("log", time(logged.at), logged.step, std::to_string(logged.attempt), logged.text);
    }
    for (const auto& each : kept.bulk_operations())
      line("bulk operation", each.id, to_string(each.what), to_string(each.state), each.filter, each.cursor,
           std::to_string(each.total), std::to_string(each.done), std::to_string(each.failed),
           std::to_string(each.problems.size()));
    for (const auto& entry : kept.audit_trail({.limit = 1'000}))
      line("audit", entry.id, time(entry.at), entry.actor, entry.action, entry.target, entry.details);
    for (const auto& record : kept.unreadable()) line("unreadable", record.table, record.key, record.reason);
    return out;
  }

  /// All of it as text; what has no order is sorted.
  static std::string described(const unfinished_work& work) {
    using inngest::detail::to_hex;
    std::vector<std::string> lines;
    const auto line = [&](const auto&... parts) {
      std::string& out = lines.emplace_back();
      ((out += parts, out += ' '), ...);
    };
    const auto time = [](timestamp moment) { return std::to_string(moment.time_since_epoch().count()); };
    for (const auto& event : work.events) line("event", event.id, event.name, event.text, event.given_id);
    for (const auto& record : work.runs) {
      const std::string& id = record.run.id;
      line("run", id, record.run.function_slug, record.run.event_id, to_string(record.run.status),
           time(record.run.queued_at), record.gathering, std::to_string(record.timeline_size),
           record.run.idempotency_key);
      for (const auto& tag : record.run.tags) line("run", id, "has tag", tag.name, tag.value);
      for (const std::string& key : record.run.concurrency_keys) line("run", id, "has key", key);
      for (const auto& event : record.events) line("run", id, "has event", event.id, event.text);
      if (record.parent) line("run", id, "has parent", record.parent->run_id, to_hex(record.parent->step));
      for (const auto& deferred : record.deferred) line("run", id, "deferred", deferred.slug, deferred.input);
    }
    std::map<std::string, int> results;  // of a run, in order
    for (const auto& memo : work.memos)
      line("memo", memo.run_id, std::to_string(results[memo.run_id]++), to_hex(memo.step), memo.text);
    for (const auto& job : work.jobs)
      line("job", std::to_string(job.id), to_string(job.what), job.run_id, job.step ? to_hex(*job.step) : "",
           job.step_name, std::to_string(job.attempt), time(job.due), job.started ? "started" : "");
    for (const auto& wait : work.waits)
      line("wait", wait.run_id, to_hex(wait.step), wait.event_name, wait.expression, wait.signal);
    for (const auto& value : work.values) line("value", value.key, value.text, time(value.expires));
    for (const auto& app : work.apps) line("app", app.id, app.text);
    for (const auto& each : work.bulk_operations)
      line("bulk operation", each.id, to_string(each.what), each.filter, each.cursor,
           std::to_string(each.done), std::to_string(each.failed));
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& next : lines) out += next + '\n';
    return out;
  }

 private:
  void open() {
    using options = inngest::embedded::sqlite_options;
    sqlite_ = std::make_unique<inngest::embedded::sqlite_store>(
        options{.path = sqlite_file(), .sync = options::synchronous::normal});
  }

  static std::filesystem::path fresh_folder() {
    static int count = 0;
    return std::filesystem::temp_directory_path() /
           ("inngest-simulated-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  }

  const std::filesystem::path folder_ = fresh_folder();
  inngest::embedded::memory_store memory_;
  kept_model model_;
  std::unique_ptr<inngest::embedded::sqlite_store> sqlite_;
};

}  // namespace simulated
