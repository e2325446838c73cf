#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

namespace inngest::detail {

/// Makes one owner of a file: a lock on `<file>.lock` beside it, with the owner's process id in it. It ends
/// with the process, however that ends; it also holds between two owners in one process.
///
/// SQLite's own locks do not promise that. With `PRAGMA locking_mode = EXCLUSIVE` a database has one
/// connection, but a store has two: one writes while the other reads. In any other mode a second process may
/// write between two transactions. Its locks also do not survive when something else in the process opens and
/// closes the file.
class file_lock {
 public:
  /// \throws store_error when the file has an owner, or the lock can't be made.
  explicit file_lock(const std::filesystem::path& locked) {
    std::filesystem::path path = locked;
    path += ".lock";
    if (const auto problem = file_.open(path))
      throw store_error(locked.string(), "can't be locked: " + path.string() + ": " + problem.message());
    if (const auto problem = file_.lock()) {
      const bool in_use = problem == std::errc::resource_unavailable_try_again;
      throw store_error(locked.string(),
                        in_use ? "is in use by " + read_owner() : "can't be locked: " + problem.message());
    }
    write_owner();
  }
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  std::string read_owner() const {
    std::string text;
    long owner = 0;
    if (!file_.read(0, 32, text)) std::from_chars(text.data(), text.data() + text.size(), owner);
    if (owner == process_id()) return "another store of this process";
    return owner > 0 ? "another process (pid " + std::to_string(owner) + ")" : "another process";
  }

  /// Only for messages: if the disk takes no more, the lock holds all the same.
  void write_owner() const {
    if (!file_.resize(0)) file_.write(0, std::to_string(process_id()) + "\n");
  }

  disk_file file_;  // stays on the disk: a process that waits for it may have it open already
};

}  // namespace inngest::detail
