#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include <inngest/detail/file.hpp>
#include <inngest/embedded/detail/file_lock.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_schema.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>

// Needs SQLite 3.35 or later (Debian: libsqlite3-dev): link sqlite3.

namespace inngest::embedded {

/// Options of a sqlite_store.
struct sqlite_options {
  /// What a commit waits for.
  enum class synchronous {
    full,    ///< the disk: nothing that was acknowledged is ever lost
    normal,  ///< the operating system: a crash of the process loses nothing, a power loss the last moments
  };

  /// The file; made when it is not there, in a folder that is. While it is open SQLite has `-wal` and `-shm`
  /// beside it, which belong to it. The store's lock is `.lock`, which may stay.
  std::filesystem::path path;
  synchronous sync = synchronous::full;
  /// Bytes that the file may grow to; what does not fit is an error. 0: as many as the disk has.
  std::uint64_t max_size = 0;
};

/// Keeps everything in one SQLite file, so that another process goes on where this one ended:
///
///     inngest::embedded::engine engine{
///         app, {fulfil}, {.store = std::make_shared<inngest::embedded::sqlite_store>(
///                             inngest::embedded::sqlite_options{.path = "engine.db"})}};
///
/// One store at a time has the file; other programs may read it meanwhile. What is forgotten makes room in
/// the file for what comes, but the file does not shrink. A child that a process forks can't go on with it.
class sqlite_store final : public store {
 public:
  /// \throws store_error when the file can't be opened, is in use, is another program's, is of a newer
  /// version or damaged; configuration_error without a path.
  explicit sqlite_store(const sqlite_options& options)
      : path_(absolute(options.path)),
        lock_(path_),
        writing_(open(path_, options)),
        reading_(open(path_)),
        is_full_(options.sync == sqlite_options::synchronous::full) {}

  /// What only says that jobs were started outlives the process at once, and a crash of the machine with the
  /// next commit of anything else.
  void commit(std::span<const changes> all) override {
    const std::lock_guard lock(writing_mutex_);
    const bool may_wait = std::all_of(all.begin(), all.end(), [](const changes& changes) {
      return changes.empty() || changes.only_starts_jobs();
    });
    const lazy_disk lazy(writing_, may_wait && is_full_);
    detail::sqlite::transaction whole(writing_, detail::sqlite::transaction::kind::writes);
    for (const changes& each : all) detail::sqlite::writer(writing_).apply(each);
    whole.commit();
  }

  unfinished_work load() override {
    return ask([](reader& from) { return from.load(); });
  }

  bool is_on_disk() const override { return true; }

  /// Bit by bit, so that commits meanwhile need not wait for long.
  void forget_before(timestamp time) override {
    constexpr int slice = 500;
    detail::sqlite::writer writer(writing_);
    detail::sqlite::writer::place place;
    in_slices([&] { return writer.forget_runs(time, slice); });
    in_slices([&] { return writer.forget_events(time, slice, place); });
    in_slices([&] { return writer.forget_values(time, slice); });
  }

  std::optional<event_record> find_event(std::string_view event_id) const override {
    return ask([&](reader& from) { return from.find_event(event_id); });
  }
  std::vector<event_record> find_events(const event_query& query) const override {
    return ask([&](reader& from) { return from.find_events(query); });
  }
  std::optional<run_record> find_run(std::string_view run_id) const override {
    return ask([&](reader& from) { return from.find_run(run_id); });
  }
  std::vector<run> find_runs(const run_query& query) const override {
    return ask([&](reader& from) { return from.find_runs(query); });
  }
  std::vector<run> runs_of(std::string_view event_id) const override {
    return ask([&](reader& from) { return from.runs_of(event_id); });
  }
  std::vector<run> runs() const override {
    return ask([](reader& from) { return from.runs(); });
  }
  std::vector<memo_record> memos_of(std::string_view run_id) const override {
    return ask([&](reader& from) { return from.memos_of(run_id); });
  }
  run_counts count_runs() const override {
    return ask([](reader& from) { return from.count_runs(); });
  }
  std::vector<unreadable_record> unreadable() const override {
    return ask([](reader& from) { return from.unreadable(); });
  }

 private:
  using database = detail::sqlite::database;
  using reader = detail::sqlite::reader;

  /// Commits don't wait for the disk while this lives. The next that does takes what they wrote along, as all
  /// of it is in one log.
  class lazy_disk {
   public:
    lazy_disk(database& file, bool wanted) : file_(file), wanted_(wanted) {
      if (wanted_) file_.execute("PRAGMA synchronous = NORMAL");
    }
    ~lazy_disk() {
      if (!wanted_) return;
      try {
        file_.execute("PRAGMA synchronous = FULL");
      } catch (const store_error&) {  // it sets a number in memory
      }
    }
    lazy_disk(const lazy_disk&) = delete;
    lazy_disk& operator=(const lazy_disk&) = delete;

   private:
    database& file_;
    bool wanted_;
  };

  static std::filesystem::path absolute(const std::filesystem::path& path) {
    if (path.empty()) throw configuration_error("sqlite_options::path must not be empty");
    std::error_code problem;
    std::filesystem::path out = std::filesystem::weakly_canonical(path, problem);
    if (problem) throw store_error(path.string(), "can't be opened: " + problem.message());
    return out;
  }

  /// The connection that writes.
  static database open(const std::filesystem::path& path, const sqlite_options& options) {
    make_private(path);
    database file(detail::to_utf8(path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (file.is_read_only()) throw store_error(file.path(), "can't be written: it is read-only");
    detail::sqlite::check_is_store(file);
    file.execute("PRAGMA journal_mode = WAL");
    file.execute(options.sync == sqlite_options::synchronous::full ? "PRAGMA synchronous = FULL"
                                                                   : "PRAGMA synchronous = NORMAL");
    file.execute("PRAGMA fullfsync = ON");  // macOS has an fsync that does not wait for the disk
    file.execute("PRAGMA cell_size_check = ON");
    file.execute("PRAGMA journal_size_limit = 67108864");
    if (options.max_size > 0) {
      const auto page_size = static_cast<std::uint64_t>(file.number("PRAGMA page_size"));
      const std::uint64_t pages = std::max<std::uint64_t>(options.max_size / page_size, 1);
      file.execute("PRAGMA max_page_count = " + std::to_string(pages));
    }
    detail::sqlite::migrate(file, detail::sqlite::store_migrations);
    return file;
  }

  /// The connection that reads.
  static database open(const std::filesystem::path& path) {
    database file(detail::to_utf8(path), SQLITE_OPEN_READONLY);
    file.execute("PRAGMA cell_size_check = ON");
    return file;
  }

  /// Makes a new file its owner's alone, as events may be nobody else's business. One that is there is not
  /// touched: to open and close it would end the locks that SQLite may have on it in this process.
  static void make_private(const std::filesystem::path& path) {
    detail::disk_file().open(path, detail::disk_file::mode::create_new);
  }

  /// Does the work for as long as it says that there may be more.
  template <class Work>
  void in_slices(Work work) {
    for (bool more = true; more;) {
      const auto begun = std::chrono::steady_clock::now();
      {
        const std::lock_guard lock(writing_mutex_);
        detail::sqlite::transaction slice(writing_, detail::sqlite::transaction::kind::writes);
        more = work();
        slice.commit();
      }
      // Commits get half of the time: who waits for a mutex may not get it from who takes it again at once.
      std::this_thread::sleep_for(std::chrono::steady_clock::now() - begun);
    }
  }

  /// An answer is from between two commits.
  template <class Question>
  std::invoke_result_t<Question, reader&> ask(Question question) const {
    const std::lock_guard lock(reading_mutex_);
    reader from(reading_);
    return question(from);
  }

  std::filesystem::path path_;
  detail::file_lock lock_;
  std::mutex writing_mutex_;
  database writing_;
  mutable std::mutex reading_mutex_;
  mutable database reading_;
  bool is_full_;
};

}  // namespace inngest::embedded
