#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/file_lock.hpp>
#include <inngest/embedded/detail/sqlite.hpp>
#include <inngest/embedded/detail/sqlite_loader.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_schema.hpp>
#include <inngest/embedded/detail/sqlite_unreadable.hpp>
#include <inngest/embedded/detail/sqlite_writer.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

// Requires SQLite 3.35 or later. Link sqlite3 (Debian: libsqlite3-dev).

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of a sqlite_store.
struct sqlite_options {
  /// What a commit waits for.
  enum class synchronous {
    full,    ///< waits for the disk: no acknowledged change is ever lost
    normal,  ///< waits for the system: survives a crash of the process; a power loss loses the last changes
  };

  /// The database file. It is created if it does not exist; its folder must exist. While the store is open,
  /// SQLite keeps the files `-wal` and `-shm` next to it, which are part of the database. The store also
  /// creates a `.lock` file, which need not be deleted.
  std::filesystem::path path;
  /// What a commit waits for. Default: the disk.
  synchronous sync = synchronous::full;
  /// The maximum size of the file in bytes; a commit that would exceed it fails. The engine then removes
  /// old records at once instead of every ten minutes: see engine_options::history and size_budget. Default:
  /// 0, no limit.
  std::uint64_t max_size = 0;
  /// Only reads an existing file, even while an engine in another process works with it. Such a store rejects
  /// commits, deletes nothing and reports no unfinished work, so an engine on it runs nothing and only
  /// answers queries. The file must have the current schema version, which an engine of the same library
  /// version creates.
  bool read_only = false;
};

/// Stores an engine's state in one SQLite file, so that another process continues where this one ended:
///
///     inngest::embedded::engine engine{
///         app, {fulfil}, {.store = std::make_shared<inngest::embedded::sqlite_store>(
///                             inngest::embedded::sqlite_options{.path = "engine.db"})}};
///
/// Only one store may open the file; other programs, and stores with sqlite_options::read_only, may read it
/// at the same time. The space of deleted records is reused, and the file shrinks. If a version of the
/// library without this feature created the file, it shrinks only after `PRAGMA auto_vacuum = 2; VACUUM`,
/// executed while no engine runs. A forked child process must not use the store.
class sqlite_store final : public store {
 public:
  /// Opens or creates the file, and updates it to the current schema version.
  /// \throws store_error when the file can't be opened, is in use, belongs to another program, has a newer
  /// version or is damaged; configuration_error without a path.
  explicit sqlite_store(const sqlite_options& options);

  /// Changes that only start jobs (changes::only_starts_jobs()) do not wait for the disk: they survive the
  /// end of the process immediately, and a crash of the machine once another commit has followed.
  void commit(std::span<const changes> all) override;
  unfinished_work load() override;
  /// True.
  bool is_on_disk() const override { return true; }
  /// Works in small transactions, so that commits are not delayed for long.
  void forget_before(timestamp time) override;
  /// Works in small transactions, then returns free pages to the file system.
  void forget(const retention& kept, timestamp now) override;
  std::size_t forget_down_to(std::uint64_t bytes) override;
  std::size_t make_room(const room_to_make& wanted, timestamp now) override;

  std::optional<event_record> find_event(std::string_view event_id) const override;
  /// A page of events, newest first.
  std::vector<event_record> find_events(const event_query& query) const override;
  std::optional<run_record> find_run(std::string_view run_id) const override;
  std::vector<run> find_runs(const run_query& query) const override;
  run_page find_page(const run_query& query) const override;
  std::string visit_page(const run_query& query,
                         const std::function<void(const run_point&)>& visit) const override;
  std::optional<std::size_t> quick_count(const run_query& query) const override;
  event_page find_event_page(const event_query& query) const override;
  std::vector<run_event> events_of(std::string_view run_id) const override;
  std::vector<run_times> times_of_runs(const std::string& function, std::size_t most) const override;
  std::vector<run> runs_of(std::string_view event_id) const override;
  std::vector<run> runs() const override;
  std::vector<run> reruns_of(std::string_view run_id) const override;
  std::vector<bulk_operation> bulk_operations() const override;
  std::vector<memo_record> memos_of(std::string_view run_id) const override;
  std::vector<run_note> notes_of(std::string_view run_id) const override;
  std::vector<run_log_line> logs_of(std::string_view run_id) const override;
  /// The number of runs with each status.
  run_counts count_runs() const override;
  std::vector<unreadable_record> unreadable() const override;
  std::string export_records(const std::vector<unreadable_record>& records) const override;
  bool remove_unreadable(const std::string& table, const std::string& key) override;
  std::vector<audit_entry> audit_trail(const audit_query& query) const override;
  /// The size of the file and its `-wal` file.
  std::uint64_t size_in_bytes() const override;
  void try_to_write() override;
  void backup_to(const std::filesystem::path& file) const override { backup(path_, file); }
  std::vector<std::string> check() const override;

  /// Copies a store's file to a new file, like backup_to(). An engine in another process may be using the
  /// file.
  /// \throws store_error
  static void backup(const std::filesystem::path& from, const std::filesystem::path& to);

 private:
  using database = detail::sqlite::database;
  using loader = detail::sqlite::loader;
  using reader = detail::sqlite::reader;

  /// During the lifetime of an object, commits do not wait for the disk. The next commit that waits makes
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

  /// Opens the writing connection.
  static database open(const std::filesystem::path& path, const sqlite_options& options);

  /// Opens the reading connection.
  static database open(const std::filesystem::path& path);

  /// Opens the reading connection of a read-only store.
  /// \throws store_error unless the file is a store of this version.
  static database open_read_only(const std::filesystem::path& path);

  /// Creates the file so that only its owner can read it, because events may be confidential. An existing
  /// file is left alone, because opening and closing it would release the locks that SQLite holds on it in
  /// this process.
  static void make_private(const std::filesystem::path& path);

  using run_ids = detail::sqlite::writer::run_ids;

  /// forget() and forget_down_to(), except some runs.
  void forget(const retention& kept, timestamp now, const run_ids& spared);
  std::size_t forget_down_to(std::uint64_t bytes, const run_ids& spared);

  /// The size of all pages with records, in bytes. The caller holds writing_mutex_.
  std::uint64_t used_bytes();

  /// Returns most free pages to the file system, a few at a time.
  void give_back_pages();

  /// Repeats the work, each time in its own transaction, until it returns false.
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
      // Leaves half of the time to commits: a thread that locks a mutex again immediately may starve the
      // others.
      std::this_thread::sleep_for(std::chrono::steady_clock::now() - begun);
    }
  }

  /// Executes a query on a consistent snapshot: the state between two commits.
  template <class Question>
  std::invoke_result_t<Question, reader&> ask(Question question) const {
    const std::lock_guard lock(reading_mutex_);
    reader from(reading_);
    return question(from);
  }

  std::filesystem::path path_;
  std::unique_ptr<detail::file_lock> lock_;  // null for a read-only store
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
