#pragma once

#include <inngest/embedded.hpp>
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

namespace simulated {

using inngest::timestamp;
using inngest::embedded::changes;
using inngest::embedded::unfinished_work;

/// What outlives processes: a memory store, and beside it a SQLite database that must be the same.
class disk {
 public:
  explicit disk(bool with_sqlite) {
    if (!with_sqlite) return;
    std::filesystem::create_directories(folder_);
    using options = inngest::embedded::sqlite_options;
    sqlite_ = std::make_unique<inngest::embedded::sqlite_store>(
        options{.path = folder_ / "simulated.db", .sync = options::synchronous::normal});
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
    if (sqlite_) sqlite_->commit(all);
  }
  void forget_before(timestamp time) {
    memory_.forget_before(time);
    if (sqlite_) sqlite_->forget_before(time);
  }
  unfinished_work load() { return memory_.load(); }
  const inngest::embedded::memory_store& memory() const { return memory_; }

  /// What SQLite would load otherwise; empty when it is the same.
  std::string difference() {
    if (!sqlite_) return "";
    const std::string memory = described(memory_.load()), sqlite = described(sqlite_->load());
    if (memory == sqlite) return "";
    return "in memory:\n" + memory + "in SQLite:\n" + sqlite;
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
           time(record.run.queued_at), record.gathering, std::to_string(record.timeline_size));
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
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& next : lines) out += next + '\n';
    return out;
  }

 private:
  static std::filesystem::path fresh_folder() {
    static int count = 0;
    return std::filesystem::temp_directory_path() /
           ("inngest-simulated-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  }

  const std::filesystem::path folder_ = fresh_folder();
  inngest::embedded::memory_store memory_;
  std::unique_ptr<inngest::embedded::sqlite_store> sqlite_;
};

}  // namespace simulated
