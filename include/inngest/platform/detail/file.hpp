#pragma once

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

// Files that can wait until their bytes are on the disk, and locks between processes, neither of which the
// standard library has. POSIX systems and Windows have different definitions of the same declarations.

namespace inngest::inline INNGEST_ABI::detail {

/// The id of this process. It differs after fork().
long process_id();

/// The path in UTF-8, which SQLite needs. On Windows path.string() uses the system's code page.
inline std::string to_utf8(const std::filesystem::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

/// An open file. Only its owner may read it. Child processes do not inherit it through exec(). Functions
/// return a std::error_code, which is 0 on success.
class disk_file {
 public:
  enum class mode { open_or_create, create_new };

  disk_file() = default;
  disk_file(disk_file&& other) noexcept : handle_(std::exchange(other.handle_, none())) {}
  disk_file& operator=(disk_file&& other) noexcept;
  ~disk_file() { close(); }

  /// With mode::create_new, does not open an existing file and returns std::errc::file_exists.
  std::error_code open(const std::filesystem::path& path, mode how = mode::open_or_create);
  bool is_open() const { return handle_ != none(); }
  void close();

  /// Locks the file until this object closes it, or the process ends in any way. The lock also excludes other
  /// objects in this process. Returns std::errc::resource_unavailable_try_again when the file is locked.
  std::error_code lock() const;

  std::error_code get_size(std::size_t& out) const;
  /// Sets `out` to `size` bytes, or fewer at the end of the file.
  std::error_code read(std::size_t at, std::size_t size, std::string& out) const;
  /// Writes all bytes. They are guaranteed to be on the disk only after sync().
  std::error_code write(std::size_t at, std::string_view bytes) const;
  /// Truncates the file, or extends it with zeros.
  std::error_code resize(std::size_t size) const;
  /// Waits until everything written is on the disk.
  std::error_code sync() const;
  /// Whether the file was deleted. Always false on Windows, where an open file can't be deleted.
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

/// Waits until the name of a new file is on the disk.
std::error_code sync_directory_of(const std::filesystem::path& path);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/file.ipp>
#endif
