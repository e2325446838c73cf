#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/message_of.hpp"

// What a store on disk does beside what every store does.

namespace {

using namespace store_records;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using inngest::store_error;
using support::message_of;
namespace sqlite = inngest::detail::sqlite;

constexpr auto reading_and_writing = sqlite::access::creates;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

std::string opening(const std::filesystem::path& file) {
  return message_of<store_error>([&] { sqlite_store store({.path = file}); });
}

/// A run with its event, a memo and a timeline.
changes whole_run(int number, std::size_t memo_size = 2) {
  const std::string id = padded(number);
  return {.events = {event(id)},
          .runs = {run_of("r" + id, {id})},
          .memos = {memo("r" + id, "a", std::string(memo_size, 'x'))},
          .added_jobs = {call(static_cast<std::uint64_t>(number), "r" + id)},
          .timeline = {told("r" + id, progress::run_queued)}};
}

/// A process that this one forked. Its life ends with this.
class child {
 public:
  /// `body` is given where to write to, and its result is the exit status.
  explicit child(const std::function<int(int out)>& body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    id_ = ::fork();
    REQUIRE(id_ >= 0);
    if (id_ == 0) {
      ::close(ends[0]);
      int status = 99;
      try {
        status = body(ends[1]);
      } catch (...) {
      }
      ::_exit(status);
    }
    ::close(ends[1]);
    in_ = ends[0];
  }
  ~child() {
    kill();
    ::close(in_);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  pid_t id() const { return id_; }
  /// The next number that it wrote; nothing when it has ended.
  std::optional<int> read() const {
    int out = 0;
    return ::read(in_, &out, sizeof out) == sizeof out ? std::optional(out) : std::nullopt;
  }
  void kill() {
    if (id_ > 0) ::kill(id_, SIGKILL);
    wait();
  }
  /// Its exit status.
  int wait() {
    int status = 0;
    if (id_ > 0) ::waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_ = 0;
  int in_ = -1;
};

void tell(int out, int number) {
  if (::write(out, &number, sizeof number) != sizeof number) ::_exit(98);
}

/// Files of this process may not grow beyond some bytes for a while.
class small_disk {
 public:
  explicit small_disk(std::uintmax_t bytes) {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    rlimit lower = limit_;
    lower.rlim_cur = static_cast<rlim_t>(bytes);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
  }
  ~small_disk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

 private:
  void (*before_)(int) = nullptr;
  rlimit limit_{};
};

}  // namespace

// ---- the file --------------------------------------------------------------------------------------------

TEST_CASE("a store is one file of its owner's when it is closed", "[embedded][store]") {
  const folder place;
  {
    sqlite_store store({.path = place.file, .sync = sqlite_options::synchronous::normal});
    CHECK(store.is_on_disk());
    commit(store, whole_run(1));
  }
  strings files;
  for (const auto& each : std::filesystem::directory_iterator(place.path))
    files.push_back(each.path().filename().string());
  std::sort(files.begin(), files.end());
  CHECK(files == strings{"engine.db", "engine.db.lock"});
  CHECK(std::filesystem::status(place.file).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(sqlite_store({.path = place.file}).runs().size() == 1);
}

TEST_CASE("a store's path must be there, but for the file", "[embedded][store]") {
  const folder place;
  CHECK_THAT(message_of<inngest::configuration_error>([] { sqlite_store store({}); }),
             ContainsSubstring("sqlite_options::path"));
  CHECK_THAT(opening(place.path / "no" / "engine.db"),
             ContainsSubstring(std::generic_category().message(ENOENT)));
  const std::filesystem::path inner = place.path / "folder";  // a lock is made beside it
  std::filesystem::create_directory(inner);
  CHECK_THAT(opening(inner), ContainsSubstring("can't be opened"));
  write_bytes(place.file, "");
  CHECK(opening(place.file) == "(no exception)");
}

TEST_CASE("another program reads a store's file while it is open", "[embedded][store]") {
  const folder place;
  sqlite_store store({.path = place.file});
  commit(store, whole_run(1));
  sqlite::database other(place.file.string(), sqlite::access::reads);
  CHECK(other.number("SELECT count(*) FROM runs") == 1);
  CHECK(other.number("PRAGMA application_id") == sqlite::application_id);
}

// ---- versions --------------------------------------------------------------------------------------------

TEST_CASE("a file is brought to the last version step by step", "[embedded][store]") {
  const folder place;
  const sqlite::migration steps[] = {
      [](sqlite::database& file) { file.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)"); },
      [](sqlite::database& file) { file.execute("ALTER TABLE t ADD COLUMN b; UPDATE t SET b = a + 1"); },
      [](sqlite::database& file) { file.execute("UPDATE t SET b = b * 10; INSERT INTO missing VALUES (1)"); },
  };
  sqlite::database file(place.file.string(), reading_and_writing);
  sqlite::migrate(file, std::span(steps).first(1));
  CHECK(file.number("PRAGMA user_version") == 1);
  CHECK_THAT(message_of<store_error>([&] { sqlite::migrate(file, steps); }),
             ContainsSubstring("no such table: missing") && ContainsSubstring(place.file.string()));
  CHECK(file.number("PRAGMA user_version") == 2);
  CHECK(file.number("SELECT b FROM t") == 2);
  sqlite::migrate(file, std::span(steps).first(2));
  CHECK(file.number("SELECT b FROM t") == 2);
  CHECK_THAT(message_of<store_error>([&] { sqlite::migrate(file, std::span(steps).first(1)); }),
             EndsWith("has version 2, but this program supports versions up to 1"));
}

TEST_CASE("a store of a newer version is refused, with both versions", "[embedded][store]") {
  const folder place;
  { sqlite_store store({.path = place.file}); }
  sqlite::database(place.file.string(), reading_and_writing).execute("PRAGMA user_version = 1000");
  const std::string before = bytes_of(place.file);
  CHECK(opening(place.file) == "the store \"" + place.file.string() +
                                   "\" has version 1000, but this program supports versions up to " +
                                   std::to_string(std::size(sqlite::store_migrations)));
  CHECK((bytes_of(place.file) == before));
}

TEST_CASE("another program's database is refused and not touched", "[embedded][store]") {
  const folder place;
  const char* statements = GENERATE("CREATE TABLE t (a)", "PRAGMA application_id = 5",
                                    "PRAGMA application_id = 5; CREATE TABLE events (a)");
  sqlite::database(place.file.string(), reading_and_writing).execute(statements);
  const std::string before = bytes_of(place.file);
  CHECK_THAT(opening(place.file), EndsWith("is another program's database"));
  CHECK((bytes_of(place.file) == before));
}

TEST_CASE("what files keep as numbers has the same ones for ever", "[embedded][store]") {
  const auto is = [](auto value, int number) { return static_cast<int>(value) == number; };
  CHECK(is(run_status::queued, 0));
  CHECK(is(run_status::running, 1));
  CHECK(is(run_status::completed, 2));
  CHECK(is(run_status::failed, 3));
  CHECK(is(run_status::cancelled, 4));
  CHECK(is(progress::run_queued, 0));
  CHECK(is(progress::step_failed, 5));
  CHECK(is(progress::sleep_started, 6));
  CHECK(is(progress::wait_started, 8));
  CHECK(is(progress::invoke_started, 11));
  CHECK(is(progress::run_cancelled, 16));
  CHECK(is(job::kind::call, 0));
  CHECK(is(job::kind::wait_timeout, 2));
  CHECK(is(job::kind::schedule, 7));
  CHECK(is(progress::request_started, 17));
  CHECK(is(progress::run_skipped, 18));
  CHECK(is(job::kind::request, 8));
  CHECK(is(run_note::kind::metadata, 0));
  CHECK(is(run_note::kind::message, 1));
}

// ---- damage ----------------------------------------------------------------------------------------------

TEST_CASE("a file that is damaged is said to be, by its name", "[embedded][store]") {
  const folder place;
  { sqlite_store empty({.path = place.file}); }
  {
    sqlite_store store({.path = place.file});
    for (int i = 0; i < 200; ++i) commit(store, whole_run(i, 2000));
  }
  std::string bytes = bytes_of(place.file);
  const std::string damaged = "the store \"" + place.file.string() + "\" is damaged";

  SECTION("when it is text") {
    write_bytes(place.file,
                "no database, but a text that is longer than the header of one would be, by far....");
    CHECK_THAT(opening(place.file), ContainsSubstring(damaged) && ContainsSubstring("restore a backup"));
  }
  SECTION("when its header is overwritten") {
    write_bytes(place.file, bytes.replace(0, 200, 200, '\x5a'));
    CHECK_THAT(opening(place.file), ContainsSubstring(damaged));
  }
  SECTION("when it is cut short") {
    write_bytes(place.file, bytes.substr(0, bytes.size() / 2));
    CHECK_THAT(opening(place.file), ContainsSubstring(damaged));
  }
  SECTION("when its tables are overwritten, once they are read or written") {
    {
      sqlite::database file(place.file.string(), sqlite::access::reads);
      auto found = file.query("SELECT rootpage FROM sqlite_schema WHERE type IN ('table', 'index')");
      while (found.next()) {
        std::size_t page = 0;
        found.read(page);
        bytes.replace((page - 1) * 4096, 4096, 4096, '\x5a');
      }
    }
    write_bytes(place.file, bytes);
    sqlite_store store({.path = place.file});
    CHECK_THAT(message_of<store_error>([&] { store.runs(); }), ContainsSubstring(damaged));
    CHECK_THAT(message_of<store_error>([&] { store.load(); }), ContainsSubstring(damaged));
    CHECK_THAT(message_of<store_error>([&] { commit(store, whole_run(1000)); }), ContainsSubstring(damaged));
  }
}

// ---- one owner -------------------------------------------------------------------------------------------

TEST_CASE("a second store in the process is refused the file, by whatever name", "[embedded][store]") {
  const folder place;
  {
    sqlite_store store({.path = place.file});
    CHECK_THAT(opening(place.file), EndsWith("is in use by another store of this process"));
    std::filesystem::create_symlink(place.file, place.path / "link");
    CHECK_THAT(opening(place.path / "link"), ContainsSubstring("is in use by another store"));
    CHECK_THAT(opening(place.path / "." / "engine.db"), ContainsSubstring("is in use by another store"));
  }
  CHECK(opening(place.file) == "(no exception)");
}

TEST_CASE("a second process is refused the file until the first has ended", "[embedded][store]") {
  const folder place;
  child other([&](int out) {
    const sqlite_store store({.path = place.file});
    tell(out, 1);
    ::pause();
    return 0;
  });
  REQUIRE(other.read() == 1);
  CHECK_THAT(opening(place.file),
             EndsWith("is in use by another process (pid " + std::to_string(other.id()) + ")"));
  other.kill();
  CHECK(opening(place.file) == "(no exception)");
}

TEST_CASE("a child that was forked does not take the file with it when it ends", "[embedded][store]") {
  const folder place;
  sqlite_store store({.path = place.file});
  CHECK(child([](int) { return 0; }).wait() == 0);
  child other([&](int out) {
    tell(out, opening(place.file).find("is in use by another process") != std::string::npos ? 1 : 0);
    return 0;
  });
  CHECK(other.read() == 1);
  commit(store, whole_run(1));
  CHECK(store.runs().size() == 1);
}

// ---- crashes and full disks ------------------------------------------------------------------------------

TEST_CASE("a process that is killed while it commits loses nothing and leaves nothing half",
          "[embedded][store]") {
  const folder place;
  int next = 1;
  for (int round = 0; round < 10; ++round) {
    const auto sync =
        round % 2 == 0 ? sqlite_options::synchronous::full : sqlite_options::synchronous::normal;
    child other([&](int out) {
      sqlite_store store({.path = place.file, .sync = sync});
      for (int i = next;; i += 2) {
        const std::vector<changes> pair = {whole_run(i, 50'000), whole_run(i + 1, 50'000)};
        store.commit(pair);
        tell(out, i + 1);
      }
      return 0;
    });
    int kept = next - 1;
    for (int i = 0; i <= round; ++i) kept = other.read().value();
    other.kill();
    while (const auto later = other.read()) kept = *later;

    sqlite_store store({.path = place.file});
    const auto runs = store.runs();
    CHECK(static_cast<int>(runs.size()) >= kept);
    CHECK(runs.size() % 2 == 0);
    const unfinished_work work = store.load();
    CHECK(work.runs.size() == runs.size());
    CHECK(work.memos.size() == runs.size());
    CHECK(work.jobs.size() == runs.size());
    CHECK(store.find_events({.limit = 100'000}).size() == runs.size());
    CHECK(std::all_of(runs.begin(), runs.end(), [](const run& each) { return each.timeline.size() == 1; }));
    next = static_cast<int>(runs.size()) + 1;
  }
}

TEST_CASE("what does not fit is an error that changes nothing, and fits when there is room",
          "[embedded][store]") {
  const folder place;
  sqlite_store store({.path = place.file, .max_size = 1024 * 1024});
  commit(store, whole_run(1, 500'000));
  commit(store, {.run_updates = {ended("r" + padded(1), run_status::completed, 20)}});
  const std::vector<changes> all = {whole_run(2), whole_run(3, 700'000)};
  CHECK_THAT(
      message_of<store_error>([&] { store.commit(all); }),
      ContainsSubstring(place.file.string()) && EndsWith("can't be written: database or disk is full"));
  CHECK(ids(store.runs()) == strings{"r" + padded(1)});
  commit(store, whole_run(4));
  store.forget_before(at(1000));
  store.commit(all);
  CHECK(store.runs().size() == 3);
  CHECK(store.load().memos.size() == 3);
}

TEST_CASE("a store goes on when the disk takes writes again", "[embedded][store]") {
  const folder place;
  sqlite_store store({.path = place.file});
  commit(store, whole_run(1));
  const changes large = whole_run(2, 500'000);
  {
    const small_disk full(200'000);
    CHECK_THAT(message_of<store_error>([&] { commit(store, large); }),
               ContainsSubstring(place.file.string()));
    CHECK(store.runs().size() == 1);
  }
  commit(store, large);
  CHECK(store.runs().size() == 2);
  CHECK(store.memos_of("r" + padded(2)).size() == 1);
}

TEST_CASE("a file or folder that may not be written is an error when it is opened", "[embedded][store]") {
  const folder place;
  const std::filesystem::path closed = place.path / "closed";
  std::filesystem::create_directory(closed);
  { sqlite_store store({.path = place.file}); }
  ::chmod(place.file.c_str(), 0444);
  ::chmod((place.file.string() + ".lock").c_str(), 0666);
  ::chmod(place.path.c_str(), 0777);
  ::chmod(closed.c_str(), 0555);
  // For root nothing is read-only.
  child other([&](int out) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;
    tell(out, opening(place.file).find("read-only") != std::string::npos ? 1 : 0);
    tell(out, opening(closed / "engine.db").find(std::generic_category().message(EACCES)) != std::string::npos
                  ? 1
                  : 0);
    return 0;
  });
  CHECK(other.read() == 1);
  CHECK(other.read() == 1);
  ::chmod(closed.c_str(), 0777);
}

TEST_CASE("commits go on while much is forgotten", "[embedded][store]") {
  const folder place;
  sqlite_store store({.path = place.file});
  changes old;
  for (int i = 0; i < 3000; ++i) {
    old.events.push_back(event(padded(i)));
    old.runs.push_back(run_of("r" + padded(i), {padded(i)}));
    old.run_updates.push_back(ended("r" + padded(i), run_status::completed, 20));
  }
  commit(store, old);
  std::thread forgets([&] { store.forget_before(at(1000)); });
  for (int i = 10'000; i < 10'050; ++i) {
    changes each = whole_run(i);
    each.events.front().received_at = at(2000);
    commit(store, each);
  }
  forgets.join();
  CHECK(store.runs().size() == 50);
  CHECK(store.find_events({.limit = 1000}).size() == 50);
}
