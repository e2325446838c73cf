#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/sqlite_store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE sqlite_store::sqlite_store(const sqlite_options& options)
    : path_(absolute(options.path)),
      lock_(path_),
      writing_(open(path_, options)),
      reading_(open(path_)),
      is_full_(options.sync == sqlite_options::synchronous::full) {}

INNGEST_INLINE void sqlite_store::commit(std::span<const changes> all) {
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
  return ask([](reader& from) { return from.load(); });
}

INNGEST_INLINE void sqlite_store::forget_before(timestamp time) {
  constexpr int slice = 500;
  detail::sqlite::writer writer(writing_);
  detail::sqlite::writer::place place;
  in_slices([&] { return writer.forget_runs(time, slice); });
  in_slices([&] { return writer.forget_events(time, slice, place); });
  in_slices([&] { return writer.forget_values(time, slice); });
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

INNGEST_INLINE std::vector<run> sqlite_store::runs_of(std::string_view event_id) const {
  return ask([&](reader& from) { return from.runs_of(event_id); });
}

INNGEST_INLINE std::vector<run> sqlite_store::runs() const {
  return ask([](reader& from) { return from.runs(); });
}

INNGEST_INLINE std::vector<memo_record> sqlite_store::memos_of(std::string_view run_id) const {
  return ask([&](reader& from) { return from.memos_of(run_id); });
}

INNGEST_INLINE run_counts sqlite_store::count_runs() const {
  return ask([](reader& from) { return from.count_runs(); });
}

INNGEST_INLINE std::vector<unreadable_record> sqlite_store::unreadable() const {
  return ask([](reader& from) { return from.unreadable(); });
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

INNGEST_INLINE sqlite_store::database sqlite_store::open(const std::filesystem::path& path) {
  database file(detail::to_utf8(path), detail::sqlite::access::reads);
  file.execute("PRAGMA cell_size_check = ON");
  return file;
}

INNGEST_INLINE void sqlite_store::make_private(const std::filesystem::path& path) {
  detail::disk_file().open(path, detail::disk_file::mode::create_new);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
