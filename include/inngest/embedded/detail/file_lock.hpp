#pragma once

#include <filesystem>
#include <string>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Ensures that a file has only one owner: a lock on `<file>.lock` next to it, which contains the owner's
/// process id. The system releases the lock when the process ends in any way. The lock also excludes a second
/// owner in the same process.
///
/// SQLite's own locks do not ensure that. `PRAGMA locking_mode = EXCLUSIVE` allows only one connection to a
/// database, but a store has two: one writes while the other reads. In any other mode, a second process may
/// write between two transactions. SQLite's locks are also lost when other code in the process opens and
/// closes the file.
class file_lock {
 public:
  /// \throws store_error when the file has an owner, or can't be locked.
  explicit file_lock(const std::filesystem::path& locked);
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  std::string read_owner() const;

  /// Writes the process id, which is only for messages: the lock also works when the disk is full.
  void write_owner() const;

  disk_file file_;  // never deleted: another process may have it open already
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/file_lock.ipp>
#endif
