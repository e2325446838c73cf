#pragma once

#include <algorithm>
#include <functional>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/embedded/sqlite_store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE sqlite_store::sqlite_store(const sqlite_options& options)
    : path_(absolute(options.path)),
      lock_(options.read_only ? nullptr : std::make_unique<detail::file_lock>(path_)),
      writing_(options.read_only ? open_read_only(path_) : open(path_, options)),
      reading_(open(path_)),
      is_full_(options.sync == sqlite_options::synchronous::full) {}

INNGEST_INLINE void sqlite_store::commit(std::span<const changes> all) {
  if (!lock_) throw store_error(writing_.path(), "can't be written: it was opened with read_only");
  const std::lock_guard lock(writing_mutex_);
  const bool may_wait = std::all_of(all.begin(), all.end(), [](const changes& changes) {
    return changes.empty() || changes.only_starts_jobs();
  });
  const lazy_disk lazy(writing_, may_wait && is_full_);
  detail::sqlite::transaction whole(writing_, detail::sqlite::transaction::kind::writes);
  for (const changes& part : all) detail::sqlite::writer(writing_).apply(part);
  whole.commit();
}

INNGEST_INLINE unfinished_work sqlite_store::load() {
  if (!lock_) return {};
  const std::lock_guard lock(reading_mutex_);
  return loader(reading_).load();
}

INNGEST_INLINE void sqlite_store::forget_before(timestamp time) {
  forget({.history = std::chrono::milliseconds(0), .rules = {}}, time);
}

INNGEST_INLINE void sqlite_store::forget(const retention& kept, timestamp now) { forget(kept, now, {}); }

INNGEST_INLINE std::size_t sqlite_store::forget_down_to(std::uint64_t bytes) {
  return forget_down_to(bytes, {});
}

INNGEST_INLINE std::size_t sqlite_store::make_room(const room_to_make& wanted, timestamp now) {
  forget(wanted.kept, now, wanted.spared);
  return wanted.bytes > 0 ? forget_down_to(wanted.bytes, wanted.spared) : 0;
}

INNGEST_INLINE void sqlite_store::forget(const retention& kept, timestamp now, const run_ids& spared) {
  if (!lock_) return;
  constexpr int slice = 500;
  const timestamp time = time_before(now, kept.history);
  detail::sqlite::writer writer(writing_);
  detail::sqlite::writer::place runs, events;
  in_slices([&] { return writer.forget_runs(kept, now, slice, runs, spared); });
  in_slices([&] { return writer.forget_events(time, slice, events); });
  in_slices([&] { return writer.forget_values(time, slice); });
  in_slices([&] {
    writer.forget_bulk_operations(time);
    return false;
  });
  const timestamp oldest_audit = time_before(now, kept.audit);
  in_slices([&] { return writer.forget_audit(oldest_audit, slice); });
  give_back_pages();
}

INNGEST_INLINE std::size_t sqlite_store::forget_down_to(std::uint64_t bytes, const run_ids& spared) {
  if (!lock_) return 0;
  constexpr int slice = 50;
  std::size_t out = 0;
  detail::sqlite::writer writer(writing_);
  timestamp last = (timestamp::min)();
  detail::sqlite::writer::place events;
  bool has_events = false;  // as old as the removed runs: they go first
  for (const bool spares_failed : {true, false}) {
    in_slices([&] {
      if (used_bytes() <= bytes) return false;
      has_events = has_events && writer.forget_events(last, slice, events);
      if (has_events) return true;
      const std::size_t removed = writer.forget_oldest_runs(slice, spares_failed, last, spared);
      out += removed;
      has_events = removed > 0;
      return has_events;
    });
  }
  give_back_pages();
  return out;
}

INNGEST_INLINE std::uint64_t sqlite_store::used_bytes() {
  const std::int64_t pages = writing_.number("PRAGMA page_count") - writing_.number("PRAGMA freelist_count");
  return static_cast<std::uint64_t>(writing_.number("PRAGMA page_size") * pages);
}

INNGEST_INLINE void sqlite_store::give_back_pages() {
  constexpr std::int64_t spare = 1000;  // pages that new records will soon use
  bool gave = false;
  in_slices([&] {
    const std::int64_t free = writing_.number("PRAGMA freelist_count");
    if (writing_.number("PRAGMA auto_vacuum") != 2 || free <= spare) return false;
    writing_.execute("PRAGMA incremental_vacuum(200)");
    gave = true;
    return writing_.number("PRAGMA freelist_count") < free;
  });
  const std::lock_guard lock(writing_mutex_);
  if (gave) writing_.execute("PRAGMA wal_checkpoint(PASSIVE)");  // the file shrinks now
}

INNGEST_INLINE std::vector<std::string> sqlite_store::check() const {
  std::vector<std::string> out;
  const auto note = [&](auto look) {
    try {
      look();
    } catch (const store_error& problem) {  // damage may end the check early
      out.emplace_back(problem.what());
    }
  };
  database file = open(path_);  // its own connection, so that others can read in the meantime
  note([&] {
    auto found = file.query("PRAGMA integrity_check(100)");
    for (std::string line; found.next();) {
      found.read(line);
      if (line != "ok") out.push_back(line);
    }
  });
  note([&] {
    for (const unreadable_record& record : loader(file).unreadable())
      out.push_back(record.table + " where " + record.key + ": " + record.reason);
  });
  return out;
}

INNGEST_INLINE void sqlite_store::backup(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::filesystem::path target = absolute(to);
  const std::string name = detail::to_utf8(target);
  std::error_code problem;
  if (std::filesystem::exists(target, problem))
    throw store_error(name, "already exists: choose another file");
  if (!std::filesystem::exists(absolute(from), problem))
    throw store_error(detail::to_utf8(from), "does not exist");
  std::filesystem::path unfinished = target;
  unfinished += ".unfinished";
  std::filesystem::remove(unfinished, problem);  // from an earlier attempt
  make_private(unfinished);
  try {
    database file = open(absolute(from));
    if (file.number("PRAGMA application_id") != detail::sqlite::application_id)
      throw store_error(file.path(), "is not an engine's store");
    file.run("VACUUM INTO ?1", std::string_view(detail::to_utf8(unfinished)));
    detail::disk_file written;
    problem = written.open(unfinished);
    if (!problem) problem = written.sync();
    written.close();
    if (!problem) std::filesystem::rename(unfinished, target, problem);
    if (!problem) problem = detail::sync_directory_of(target);
    if (problem) throw store_error(name, "can't be written: " + problem.message());
  } catch (...) {
    std::filesystem::remove(unfinished, problem);
    throw;
  }
}

INNGEST_INLINE std::optional<event_record> sqlite_store::find_event(std::string_view event_id) const {
  return ask([&](reader& from) { return from.find_event(event_id); });
}

INNGEST_INLINE std::vector<event_record> sqlite_store::find_events(const event_query& query) const {
  return ask([&](reader& from) { return from.find_events(query); });
}

INNGEST_INLINE std::optional<run_record> sqlite_store::find_run(std::string_view run_id) const {
  return ask([&](reader& from) { return from.find_run(run_id); });
}

INNGEST_INLINE std::vector<run> sqlite_store::find_runs(const run_query& query) const {
  return ask([&](reader& from) { return from.find_runs(query); });
}

INNGEST_INLINE run_page sqlite_store::find_page(const run_query& query) const {
  return ask([&](reader& from) { return from.find_page(query); });
}

INNGEST_INLINE std::string sqlite_store::visit_page(
    const run_query& query, const std::function<void(const run_point&)>& visit) const {
  return ask([&](reader& from) { return from.visit_page(query, visit); });
}

INNGEST_INLINE std::optional<std::size_t> sqlite_store::quick_count(const run_query& query) const {
  return ask([&](reader& from) { return from.quick_count(query); });
}

INNGEST_INLINE event_page sqlite_store::find_event_page(const event_query& query) const {
  return ask([&](reader& from) { return from.find_event_page(query); });
}

INNGEST_INLINE std::vector<run_event> sqlite_store::events_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.events_of(run_id); });
}

INNGEST_INLINE std::vector<run_times> sqlite_store::times_of_runs(const std::string& function,
                                                                  std::size_t most) const {
  return ask([&](reader& from) { return from.times_of_runs(function, most); });
}

INNGEST_INLINE std::vector<run> sqlite_store::runs_of(std::string_view event_id) const {
  return ask([&](reader& from) { return from.runs_of(event_id); });
}

INNGEST_INLINE std::vector<run> sqlite_store::runs() const {
  return ask([](reader& from) { return from.runs(); });
}

INNGEST_INLINE std::vector<memo_record> sqlite_store::memos_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.memos_of(run_id); });
}

INNGEST_INLINE std::vector<run_note> sqlite_store::notes_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.notes_of(run_id); });
}

INNGEST_INLINE std::vector<run_log_line> sqlite_store::logs_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.logs_of(run_id); });
}

INNGEST_INLINE std::vector<run> sqlite_store::reruns_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.reruns_of(run_id); });
}

INNGEST_INLINE std::vector<bulk_operation> sqlite_store::bulk_operations() const {
  return ask([](reader& from) { return from.bulk_operations(); });
}

INNGEST_INLINE std::vector<audit_entry> sqlite_store::audit_trail(const audit_query& query) const {
  return ask([&](reader& from) { return from.audit_trail(query); });
}

INNGEST_INLINE std::string sqlite_store::export_records(const std::vector<unreadable_record>& records) const {
  database file = open(path_);  // its own connection, like unreadable()
  return detail::sqlite::unreadable_rows(file).export_lines(records);
}

INNGEST_INLINE bool sqlite_store::remove_unreadable(const std::string& table, const std::string& key) {
  const std::lock_guard lock(writing_mutex_);
  detail::sqlite::transaction whole(writing_, detail::sqlite::transaction::kind::writes);
  const bool removed = detail::sqlite::unreadable_rows(writing_).remove(table, key);
  whole.commit();
  return removed;
}

INNGEST_INLINE run_counts sqlite_store::count_runs() const {
  return ask([](reader& from) { return from.count_runs(); });
}

INNGEST_INLINE std::vector<unreadable_record> sqlite_store::unreadable() const {
  database file = open(path_);  // its own connection: an engine does not wait while it reads all tables
  return loader(file).unreadable();
}

INNGEST_INLINE std::uint64_t sqlite_store::size_in_bytes() const {
  std::uint64_t out = 0;
  for (const char* end : {"", "-wal"}) {
    std::filesystem::path file = path_;
    file += end;
    std::error_code problem;  // there may be no -wal file
    const auto size = std::filesystem::file_size(file, problem);
    if (!problem) out += size;
  }
  return out;
}

INNGEST_INLINE void sqlite_store::try_to_write() {
  const std::lock_guard lock(writing_mutex_);
  detail::sqlite::transaction whole(writing_, detail::sqlite::transaction::kind::writes);
  const std::string version = std::to_string(writing_.number("PRAGMA user_version"));
  writing_.execute("PRAGMA user_version = " + version);  // writes the file's first page
  whole.commit();
}

INNGEST_INLINE sqlite_store::lazy_disk::lazy_disk(database& file, bool wanted)
    : file_(file), wanted_(wanted) {
  if (wanted_) file_.execute("PRAGMA synchronous = NORMAL");
}

INNGEST_INLINE sqlite_store::lazy_disk::~lazy_disk() {
  if (!wanted_) return;
  try {
    file_.execute("PRAGMA synchronous = FULL");
  } catch (const store_error&) {  // can't fail: it sets a number in memory
  }
}

INNGEST_INLINE std::filesystem::path sqlite_store::absolute(const std::filesystem::path& path) {
  if (path.empty()) throw configuration_error("sqlite_options::path must not be empty");
  std::error_code problem;
  std::filesystem::path out = std::filesystem::weakly_canonical(path, problem);
  if (problem) throw store_error(path.string(), "can't be opened: " + problem.message());
  return out;
}

INNGEST_INLINE sqlite_store::database sqlite_store::open(const std::filesystem::path& path,
                                                         const sqlite_options& options) {
  make_private(path);
  database file(detail::to_utf8(path), detail::sqlite::access::creates);
  if (file.is_read_only()) throw store_error(file.path(), "can't be written: it is read-only");
  detail::sqlite::check_is_store(file);
  const bool is_new = file.number("PRAGMA page_count") == 0;
  if (is_new) file.execute("PRAGMA auto_vacuum = INCREMENTAL");  // others stay as they are
  file.execute("PRAGMA journal_mode = WAL");
  file.execute(options.sync == sqlite_options::synchronous::full ? "PRAGMA synchronous = FULL"
                                                                 : "PRAGMA synchronous = NORMAL");
  file.execute("PRAGMA fullfsync = ON");  // macOS has an fsync that does not wait for the disk
  file.execute("PRAGMA cell_size_check = ON");
  file.execute("PRAGMA journal_size_limit = 67108864");
  detail::sqlite::migrate(file, detail::sqlite::store_migrations);
  if (options.max_size > 0) {  // only now, because a full file must be upgraded, too
    const auto page_size = static_cast<std::uint64_t>(file.number("PRAGMA page_size"));
    const std::uint64_t pages = std::max<std::uint64_t>(options.max_size / page_size, 1);
    file.execute("PRAGMA max_page_count = " + std::to_string(pages));
  }
  return file;
}

INNGEST_INLINE sqlite_store::database sqlite_store::open(const std::filesystem::path& path) {
  database file(detail::to_utf8(path), detail::sqlite::access::reads);
  file.execute("PRAGMA cell_size_check = ON");
  return file;
}

INNGEST_INLINE sqlite_store::database sqlite_store::open_read_only(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) throw store_error(detail::to_utf8(path), "does not exist");
  database file = open(path);
  if (file.number("PRAGMA application_id") != detail::sqlite::application_id)
    throw store_error(file.path(), "is not an engine's store");
  const auto version = file.number("PRAGMA user_version");
  const auto current = static_cast<std::int64_t>(std::size(detail::sqlite::store_migrations));
  if (version == current) return file;
  throw store_error(file.path(), "has version " + std::to_string(version) +
                                     " of the schema, and this library reads version " +
                                     std::to_string(current) +
                                     (version < current ? ": open it once with an engine of this library, "
                                                          "which updates it"
                                                        : ": use the library version that wrote it"));
}

INNGEST_INLINE void sqlite_store::make_private(const std::filesystem::path& path) {
  detail::disk_file().open(path, detail::disk_file::mode::create_new);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
