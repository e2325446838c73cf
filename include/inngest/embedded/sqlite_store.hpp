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

#include <inngest/config.hpp>
#include <inngest/embedded/detail/file_lock.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_schema.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

// Needs SQLite 3.35 or later: link sqlite3 (Debian: libsqlite3-dev).

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of a sqlite_store.
struct sqlite_options {
  /// What a commit waits for.
  enum class synchronous {
    full,    ///< the disk: no acknowledged change is ever lost
    normal,  ///< the operating system: a crash of the process loses nothing, a power loss the last changes
  };

  /// The database file. The store creates it if it does not exist; its folder must exist. While the store is
  /// open, SQLite keeps the files `-wal` and `-shm` beside it, which are part of the database. The store also
  /// creates a `.lock` file, which may stay.
  std::filesystem::path path;
  /// What a commit waits for. Default: the disk.
  synchronous sync = synchronous::full;
  /// The largest size of the file in bytes; a commit that does not fit fails. 0, the default, sets no limit.
  std::uint64_t max_size = 0;
};

/// Keeps an engine's state in one SQLite file, so that another process continues where this one ended:
///
///     inngest::embedded::engine engine{
///         app, {fulfil}, {.store = std::make_shared<inngest::embedded::sqlite_store>(
///                             inngest::embedded::sqlite_options{.path = "engine.db"})}};
///
/// Only one store may open the file; other programs may read it. Forgotten records make room for new ones,
/// but the file does not shrink. A forked child process must not use the store.
class sqlite_store final : public store {
 public:
  /// Opens or creates the file, and updates it to the current version.
  /// \throws store_error when the file can't be opened, is in use, belongs to another program, has a newer
  /// version or is damaged; configuration_error without a path.
  explicit sqlite_store(const sqlite_options& options);

  /// Changes that only start jobs (changes::only_starts_jobs()) do not wait for the disk: they survive the
  /// end of the process at once, and a crash of the machine after the next other commit.
  void commit(std::span<const changes> all) override;
  unfinished_work load() override;
  /// True.
  bool is_on_disk() const override { return true; }
  /// Works in small transactions, so that commits do not wait long.
  void forget_before(timestamp time) override;

  std::optional<event_record> find_event(std::string_view event_id) const override;
  /// A page of events, newest first.
  std::vector<event_record> find_events(const event_query& query) const override;
  std::optional<run_record> find_run(std::string_view run_id) const override;
  std::vector<run> find_runs(const run_query& query) const override;
  std::vector<run> runs_of(std::string_view event_id) const override;
  std::vector<run> runs() const override;
  std::vector<memo_record> memos_of(std::string_view run_id) const override;
  /// How many runs of each status the store has.
  run_counts count_runs() const override;
  std::vector<unreadable_record> unreadable() const override;

 private:
  using database = detail::sqlite::database;
  using reader = detail::sqlite::reader;

  /// Commits do not wait for the disk while an object of this class lives. The next commit that waits makes
  /// their changes durable, too, because all of them are in one log.
  class lazy_disk {
   public:
    lazy_disk(database& file, bool wanted);
    ~lazy_disk();
    lazy_disk(const lazy_disk&) = delete;
    lazy_disk& operator=(const lazy_disk&) = delete;

   private:
    database& file_;
    bool wanted_;
  };

  static std::filesystem::path absolute(const std::filesystem::path& path);

  /// Opens the connection that writes.
  static database open(const std::filesystem::path& path, const sqlite_options& options);

  /// Opens the connection that reads.
  static database open(const std::filesystem::path& path);

  /// Creates the file so that only its owner can read it, because events may be confidential. It does not
  /// touch an existing file: opening and closing it would end the locks that SQLite has on it in this
  /// process.
  static void make_private(const std::filesystem::path& path);

  /// Repeats the work, each time in a transaction of its own, until it returns false.
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
      // Leaves half of the time to commits: a thread that locks a mutex again at once may starve the others.
      std::this_thread::sleep_for(std::chrono::steady_clock::now() - begun);
    }
  }

  /// Answers a question from a consistent snapshot: the state between two commits.
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

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/sqlite_store.ipp>
#endif
