#pragma once

// The engine's scheduler and an app's handler on one thread, under a clock that a test sets, on a store that
// a test chooses. A restart is another scheduler on the same store.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

#include "../support/handler_driver.hpp"

namespace matrix {

using namespace std::chrono_literals;
using inngest::json;
using inngest::timestamp;
namespace embedded = inngest::embedded;

enum class store_kind { memory, sqlite };
inline constexpr store_kind all_stores[] = {store_kind::memory, store_kind::sqlite};

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"
inline const char* name_of(store_kind kind) {
  switch (kind) {
    case store_kind::memory:
      return "memory";
    case store_kind::sqlite:
      return "SQLite";
  }
  return "";
}
#pragma GCC diagnostic pop

/// A folder of this process's own, in memory where the system has such, gone when the process ends.
class folder {
 public:
  static std::filesystem::path new_file() {
    static const folder whole;
    static int last = 0;
    return whole.path_ / (std::to_string(++last) + ".db");
  }
  static void remove(const std::filesystem::path& file) {
    for (const char* end : {"", "-wal", "-shm", ".lock"})
      std::filesystem::remove(std::filesystem::path(file) += end);
  }

 private:
  folder() {
    const std::filesystem::path in_memory = "/dev/shm";
    std::error_code ignored;
    const bool has_room = std::filesystem::space(in_memory, ignored).available > (std::uintmax_t{64} << 20);
    path_ = (!ignored && has_room ? in_memory : std::filesystem::temp_directory_path()) /
            ("inngest-matrix-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_, ignored);  // of an earlier process with this number that was killed
    std::filesystem::create_directories(path_);
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path path_;
};

/// A new store of a kind. An SQLite file begins as a copy of an empty one, which is faster than to make it.
class any_store {
 public:
  explicit any_store(store_kind kind) {
    if (kind == store_kind::memory) {
      store_ = std::make_shared<embedded::memory_store>();
      return;
    }
    static const std::filesystem::path empty = [] {
      const auto file = folder::new_file();
      embedded::sqlite_store(options(file));
      return file;
    }();
    file_ = folder::new_file();
    std::filesystem::copy_file(empty, file_);
    store_ = std::make_shared<embedded::sqlite_store>(options(file_));
  }
  ~any_store() {
    store_.reset();
    if (!file_.empty()) folder::remove(file_);
  }
  any_store(const any_store&) = delete;
  any_store& operator=(const any_store&) = delete;

  embedded::store& operator*() const { return *store_; }
  embedded::store* operator->() const { return store_.get(); }

 private:
  static embedded::sqlite_options options(const std::filesystem::path& file) {
    return {.path = file, .sync = embedded::sqlite_options::synchronous::normal};
  }
  std::filesystem::path file_;
  std::shared_ptr<embedded::store> store_;
};

/// A call that was taken. Its process may have ended since.
struct taken_call {
  embedded::job job{};
  std::size_t process = 0;
};

class driver {
 public:
  explicit driver(store_kind kind, inngest::client_options options = support::quiet_options())
      : store_(kind), app_(std::move(options)) {}

  timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) - 2h;

  const inngest::client& app() const { return app_; }
  embedded::store& store() const { return *store_; }
  embedded::scheduler& scheduler() { return *scheduler_; }

  /// Another process on the store, with these functions.
  void start(const std::vector<inngest::any_function>& functions) {
    handler_.emplace(app_, functions, inngest::serve_options{.framework = "matrix"});
    definitions_.clear();
    for (const inngest::any_function& function : handler_->functions())
      definitions_.push_back(embedded::define(function));
    restart();
  }

  /// Another process on the store, with the same functions. Calls that are under way are lost.
  void restart() {
    ++process_;
    pumped_.clear();
    embedded::unfinished_work left = store_->load();
    now = (std::max)(now, embedded::time_to_continue_from(left, *store_));  // as an engine does
    scheduler_ = std::make_unique<embedded::scheduler>(
        definitions_, std::move(left), [](int) { return std::chrono::seconds(30); }, now);
    commit();
  }

  bool commit() {
    bool has_changed = false;
    for (auto fresh = scheduler_->take_changes(); !fresh.empty(); fresh = scheduler_->take_changes()) {
      store_->commit({&fresh, 1});
      scheduler_->committed(fresh, now);
      has_changed = true;
    }
    return has_changed;
  }

  std::vector<std::string> send(const json& events) {
    auto ids = scheduler_->accept(events.dump(), now);
    commit();
    return ids;
  }

  /// The process ends when the events are stored, and before they have started anything.
  void send_and_restart(const json& events) {
    scheduler_->accept(events.dump(), now);
    auto fresh = scheduler_->take_changes();
    store_->commit({&fresh, 1});
    restart();
  }

  /// The next call that is due now.
  std::optional<taken_call> take_any() {
    if (pumped_.empty()) pump_one();
    if (pumped_.empty()) return std::nullopt;
    taken_call out = std::move(pumped_.front());
    pumped_.pop_front();
    return out;
  }

  const std::string& slug_of(const taken_call& call) {
    return scheduler_->find_run(call.job.run_id)->function->slug;
  }

  bool is_lost(const taken_call& call) const { return call.process != process_; }

  /// Makes the call, if it is not lost.
  void answer(const taken_call& call) {
    if (is_lost(call)) return;
    const auto save = [&](const std::vector<inngest::protocol::operation>& results) {
      using saved = inngest::execution::checkpoints::saved;
      if (on_save) on_save(call, results.size());
      auto operations = embedded::read_operations(inngest::protocol::write_operations(results));
      if (!scheduler_->checkpoint(call.job.run_id, call.job.id, operations, now)) return saved::stale;
      commit();
      return saved::yes;
    };
    if (on_call) on_call(call);
    auto answer = handler_->answer_in_process(scheduler_->request_for(call.job), save);
    scheduler_->finish(call.job, std::move(answer), now);
    commit();
  }

  /// Makes all calls that are due.
  void settle() {
    for (int calls = 0; auto next = take_any(); ++calls) {
      if (calls == 10'000) throw std::runtime_error("the world does not come to rest");
      answer(*next);
    }
  }

  /// Does the timers that are due or makes one call, and otherwise goes on to the next time. False when
  /// nothing is left to be done until `end`.
  bool go_on(timestamp end) {
    if (pumped_.empty()) {
      auto next = scheduler_->take_due(now);
      const bool has_changed = commit();
      if (next) pumped_.push_back({.job = *next, .process = process_});
      if (!next && has_changed) return true;
    }
    if (pumped_.empty()) return go_on_until(end);
    const taken_call call = pumped_.front();
    pumped_.pop_front();
    answer(call);
    return true;
  }

  /// Lets time pass; everything that falls due is done at its time.
  void advance(std::chrono::milliseconds time) { go_to(now + time); }
  void go_to(timestamp end) {
    settle();
    while (go_on_until(end)) settle();
    now = std::max(now, end);
  }

  /// Lets time pass in which the calls that fall due are taken, but not made: a handler that is slow.
  void pump_until(timestamp end) {
    pump();
    while (go_on_until(end)) pump();
    now = std::max(now, end);
  }
  void pump() {
    while (pump_one()) {
    }
  }

  std::vector<embedded::run> runs_of(const std::string& slug) const {
    std::vector<embedded::run> out;
    for (embedded::run& run : store_->runs()) {
      if (run.function_slug == slug) out.push_back(std::move(run));
    }
    return out;
  }

  std::function<void(const taken_call&)> on_call{};
  std::function<void(const taken_call&, std::size_t results)> on_save{};

 private:
  bool go_on_until(timestamp end) {
    const auto due = scheduler_->next_due();
    if (!due || *due > end) return false;
    now = std::max(now, *due);
    return true;
  }

  bool pump_one() {
    auto next = scheduler_->take_due(now);
    commit();
    if (!next) next = scheduler_->take_due(now);  // what a timer led to
    commit();
    if (next) pumped_.push_back({.job = *next, .process = process_});
    return next.has_value();
  }

  any_store store_;
  inngest::client app_;
  std::optional<inngest::handler> handler_;
  std::vector<embedded::function_definition> definitions_;
  std::unique_ptr<embedded::scheduler> scheduler_;
  std::deque<taken_call> pumped_;
  std::size_t process_ = 0;
};

}  // namespace matrix
