#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

namespace inngest::inline INNGEST_ABI::detail {

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
  explicit file_lock(const std::filesystem::path& locked);
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  std::string read_owner() const;

  /// Only for messages: if the disk takes no more, the lock holds all the same.
  void write_owner() const;

  disk_file file_;  // stays on the disk: a process that waits for it may have it open already
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/file_lock.ipp>
#endif
