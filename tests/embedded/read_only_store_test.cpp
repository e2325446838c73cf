#include <inngest/embedded/sqlite_store.hpp>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/message_of.hpp"

// A store that only reads a file beside the engine that has it.

namespace {

using namespace store_records;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::store_error;
using support::message_of;
namespace sqlite = inngest::detail::sqlite;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string reading(const std::filesystem::path& file) {
  return message_of<store_error>([&] { sqlite_store store({.path = file, .read_only = true}); });
}

changes queued_run(const std::string& id) {
  return {.events = {event(id)}, .runs = {run_of("r" + id, {id})}};
}

}  // namespace

TEST_CASE("a store that only reads sees what another store commits meanwhile", "[store][sqlite]") {
  const folder here;
  sqlite_store writes({.path = here.file});
  writes.commit(std::vector{queued_run("1")});
  const sqlite_store reads({.path = here.file, .read_only = true});
  CHECK(reads.runs().size() == 1);
  writes.commit(std::vector{queued_run("2")});
  CHECK(reads.runs().size() == 2);
  CHECK(reads.find_event("2")->name == "test/2");
  CHECK(reads.check().empty());
  const sqlite_store second({.path = here.file, .read_only = true});
  CHECK(second.runs().size() == 2);
}

TEST_CASE("a store that only reads changes nothing", "[store][sqlite]") {
  const folder here;
  { sqlite_store({.path = here.file}).commit(std::vector{queued_run("1")}); }
  const std::string before = bytes_of(here.file);
  {
    sqlite_store reads({.path = here.file, .read_only = true});
    CHECK_THAT(message_of<store_error>([&] { reads.commit(std::vector{queued_run("2")}); }),
               ContainsSubstring("was opened with read_only"));
    CHECK_THROWS_AS(reads.try_to_write(), store_error);
    reads.forget_before(at(1'000'000));
    CHECK(reads.forget_down_to(1) == 0);
    CHECK(reads.runs().size() == 1);
  }
  CHECK(bytes_of(here.file) == before);
  CHECK(sqlite_store({.path = here.file}).load().runs.size() == 1);
}

TEST_CASE("an engine on a store that only reads begins nothing", "[store][sqlite]") {
  const folder here;
  changes first = queued_run("1");
  first.events.front().dispatched = false;
  { sqlite_store({.path = here.file}).commit(std::vector{first}); }
  const inngest::client app{{.id = "viewer", .mode = inngest::mode::dev, .log = inngest::logger(nullptr)}};
  const engine viewer{
      app,
      {},
      {.store = std::make_shared<sqlite_store>(sqlite_options{.path = here.file, .read_only = true})}};
  CHECK(viewer.wait_until_idle(support::patience));
  CHECK(viewer.find_run("r1")->status == run_status::queued);
  CHECK(sqlite_store({.path = here.file}).load().events.size() == 1);  // not dispatched to nobody
}

TEST_CASE("a store that only reads takes stores of its version", "[store][sqlite]") {
  const folder here;
  CHECK_THAT(reading(here.file), ContainsSubstring("does not exist"));
  CHECK_FALSE(std::filesystem::exists(here.file));
  { sqlite::database(here.file.string(), sqlite::access::creates).execute("CREATE TABLE t (a)"); }
  CHECK_THAT(reading(here.file), ContainsSubstring("is not an engine's store"));
  const std::filesystem::path store = here.path / "store.db";
  { const sqlite_store made({.path = store}); }
  const auto newest = std::size(sqlite::store_migrations);
  const auto set_version = [&](std::size_t version) {
    sqlite::database(store.string(), sqlite::access::writes)
        .execute("PRAGMA user_version = " + std::to_string(version));
  };
  set_version(newest - 1);
  CHECK_THAT(reading(store), ContainsSubstring("open it once with an engine of this library"));
  set_version(newest + 1);
  CHECK_THAT(reading(store), ContainsSubstring("use the library version that wrote it"));
}
