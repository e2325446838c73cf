#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <inngest/platform/detail/file.hpp>

#include "../catch.hpp"
#include "../support/temporary_folder.hpp"

namespace {

using inngest::detail::disk_file;

struct folder {
  support::temporary_folder made{};
  std::filesystem::path path = made.path();
};

std::string all_of(const disk_file& file) {
  std::size_t size = 0;
  std::string out;
  REQUIRE_FALSE(file.get_size(size));
  REQUIRE_FALSE(file.read(0, size + 10, out));
  CHECK(out.size() == size);
  return out;
}

}  // namespace

TEST_CASE("a file is made, written anywhere, cut and lengthened", "[file]") {
  const folder in;
  disk_file file;
  CHECK_FALSE(file.is_open());
  REQUIRE_FALSE(file.open(in.path / "f"));
  REQUIRE_FALSE(inngest::detail::sync_directory_of(in.path / "f"));
  REQUIRE_FALSE(file.write(0, "0123456789"));
  REQUIRE_FALSE(file.write(4, "four"));
  REQUIRE_FALSE(file.sync());
  CHECK(all_of(file) == "0123four89");

  std::string part;
  REQUIRE_FALSE(file.read(8, 1, part));
  CHECK(part == "8");
  REQUIRE_FALSE(file.read(100, 1, part));
  CHECK(part.empty());

  REQUIRE_FALSE(file.resize(2));
  REQUIRE_FALSE(file.resize(4));
  CHECK(all_of(file) == std::string("01\0\0", 4));

  disk_file again;
  REQUIRE_FALSE(again.open(in.path / "f"));
  CHECK(all_of(again).size() == 4);
}

TEST_CASE("a file that exists is not made anew, and one that can't be made is an error", "[file]") {
  const folder in;
  disk_file file, other;
  REQUIRE_FALSE(file.open(in.path / "f", disk_file::mode::create_new));
  CHECK(other.open(in.path / "f", disk_file::mode::create_new) == std::errc::file_exists);
  CHECK_FALSE(other.is_open());
  CHECK(other.open(in.path / "missing" / "f") == std::errc::no_such_file_or_directory);
#ifndef _WIN32
  using std::filesystem::perms;
  CHECK(std::filesystem::status(in.path / "f").permissions() == (perms::owner_read | perms::owner_write));
#endif
}

TEST_CASE("a lock holds against other objects of the process until its file is closed", "[file]") {
  const folder in;
  disk_file first, second;
  REQUIRE_FALSE(first.open(in.path / "f"));
  REQUIRE_FALSE(second.open(in.path / "f"));
  REQUIRE_FALSE(first.lock());
  CHECK(second.lock() == std::errc::resource_unavailable_try_again);
  CHECK_FALSE(second.write(0, "a lock does not keep others from writing"));
  disk_file moved = std::move(first);
  CHECK(second.lock() == std::errc::resource_unavailable_try_again);
  moved.close();
  CHECK_FALSE(second.lock());
}

#ifndef _WIN32
TEST_CASE("a file knows that its name was deleted", "[file]") {
  const folder in;
  disk_file file;
  REQUIRE_FALSE(file.open(in.path / "f"));
  CHECK_FALSE(file.is_deleted());
  std::filesystem::remove(in.path / "f");
  CHECK(file.is_deleted());
}
#endif
