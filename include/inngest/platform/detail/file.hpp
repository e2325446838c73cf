#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#ifndef _WIN32
#include <unistd.h>
#endif

#include <inngest/config.hpp>
#include <inngest/platform/detail/windows.hpp>

// Files whose bytes are on the disk when a call returns, and locks between processes. The standard library
// has neither. POSIX systems and Windows each have a body for the same declarations.

namespace inngest::inline INNGEST_ABI::detail {

/// The id of this process: another one after fork().
long process_id();

/// The path in UTF-8, as SQLite wants it: on Windows path.string() is in the system's code page.
inline std::string to_utf8(const std::filesystem::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

/// An open file. Its owner alone may read it. Children do not inherit it by exec(). Functions return what
/// went wrong; a std::error_code of 0 is success.
class disk_file {
 public:
  enum class mode { open_or_create, create_new };

  disk_file() = default;
  disk_file(disk_file&& other) noexcept : handle_(std::exchange(other.handle_, none())) {}
  disk_file& operator=(disk_file&& other) noexcept;
  ~disk_file() { close(); }

  /// With mode::create_new, a file that exists is std::errc::file_exists and is not opened.
  std::error_code open(const std::filesystem::path& path, mode how = mode::open_or_create);
  bool is_open() const { return handle_ != none(); }
  void close();

  /// Locks the file for this object until it is closed, or the process ends in any way. It also holds against
  /// another object of this process. std::errc::resource_unavailable_try_again when another one has it.
  std::error_code lock() const;

  std::error_code get_size(std::size_t& out) const;
  /// Replaces `out` by up to `size` bytes: fewer at the file's end.
  std::error_code read(std::size_t at, std::size_t size, std::string& out) const;
  /// Writes all bytes. They may not be on the disk before sync().
  std::error_code write(std::size_t at, std::string_view bytes) const;
  /// Cuts the file, or lengthens it with zeros.
  std::error_code resize(std::size_t size) const;
  /// Waits until everything written is on the disk.
  std::error_code sync() const;
  /// Whether the file has no name any more. False on Windows, where an open file can't be deleted.
  bool is_deleted() const;

 private:
#ifdef _WIN32
  using handle = HANDLE;
  static handle none() { return INVALID_HANDLE_VALUE; }
#else
  using handle = int;
  static handle none() { return -1; }
#endif

  handle handle_ = none();
};

/// Waits until the name of a file that was just made is on the disk, too.
std::error_code sync_directory_of(const std::filesystem::path& path);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/file.ipp>
#endif
