#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <inngest/config.hpp>
#include <inngest/platform/detail/file.hpp>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

// POSIX systems and Windows have different definitions of the same declarations.

namespace inngest::inline INNGEST_ABI::detail {

#ifdef _WIN32

/// The error of the last Windows call.
INNGEST_INLINE std::error_code last_file_error() {
  return {static_cast<int>(::GetLastError()), std::system_category()};
}

INNGEST_INLINE OVERLAPPED file_position(std::size_t at) {
  OVERLAPPED out{};
  out.Offset = static_cast<DWORD>(at & 0xffffffffu);
  out.OffsetHigh = static_cast<DWORD>(static_cast<unsigned long long>(at) >> 32);
  return out;
}

/// The maximum number of bytes that a single call reads or writes.
INNGEST_INLINE DWORD file_piece(std::size_t bytes) {
  return static_cast<DWORD>((std::min)(bytes, std::size_t{1} << 30));
}

INNGEST_INLINE std::error_code disk_file::open(const std::filesystem::path& path, mode how) {
  close();
  // Without FILE_SHARE_DELETE no process can delete or rename the file while it is open.
  handle_ =
      ::CreateFileW(path.c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                    how == mode::create_new ? CREATE_NEW : OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
  return is_open() ? std::error_code() : last_file_error();
}

INNGEST_INLINE void disk_file::close() {
  if (is_open()) ::CloseHandle(std::exchange(handle_, none()));
}

INNGEST_INLINE std::error_code disk_file::lock() const {
  // Windows prevents others from reading and writing locked bytes, so the locked byte is beyond the end of
  // any file.
  OVERLAPPED place{};
  place.OffsetHigh = 0x7fffffff;
  if (::LockFileEx(handle_, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place) != 0)
    return {};
  return ::GetLastError() == ERROR_LOCK_VIOLATION
             ? std::make_error_code(std::errc::resource_unavailable_try_again)
             : last_file_error();
}

INNGEST_INLINE std::error_code disk_file::get_size(std::size_t& out) const {
  LARGE_INTEGER size{};
  if (::GetFileSizeEx(handle_, &size) == 0) return last_file_error();
  out = static_cast<std::size_t>(size.QuadPart);
  return {};
}

INNGEST_INLINE std::error_code disk_file::read(std::size_t at, std::size_t size, std::string& out) const {
  out.resize(size);
  std::size_t done = 0;
  while (done < size) {
    OVERLAPPED place = file_position(at + done);
    DWORD got = 0;
    if (::ReadFile(handle_, out.data() + done, file_piece(size - done), &got, &place) == 0) {
      if (::GetLastError() != ERROR_HANDLE_EOF) return last_file_error();
      break;
    }
    if (got == 0) break;
    done += got;
  }
  out.resize(done);
  return {};
}

INNGEST_INLINE std::error_code disk_file::write(std::size_t at, std::string_view bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    OVERLAPPED place = file_position(at + done);
    DWORD put = 0;
    if (::WriteFile(handle_, bytes.data() + done, file_piece(bytes.size() - done), &put, &place) == 0)
      return last_file_error();
    done += put;
  }
  return {};
}

INNGEST_INLINE std::error_code disk_file::resize(std::size_t size) const {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  const bool done = ::SetFileInformationByHandle(handle_, FileEndOfFileInfo, &end, sizeof end) != 0;
  return done ? std::error_code() : last_file_error();
}

INNGEST_INLINE std::error_code disk_file::sync() const {
  return ::FlushFileBuffers(handle_) != 0 ? std::error_code() : last_file_error();
}

INNGEST_INLINE bool disk_file::is_deleted() const { return false; }

/// Does nothing: NTFS writes a file's name to its journal before it flushes the file, and can't flush
/// folders.
INNGEST_INLINE std::error_code sync_directory_of(const std::filesystem::path&) { return {}; }

#else

/// The error of the last system call.
INNGEST_INLINE std::error_code last_file_error() { return {errno, std::generic_category()}; }

INNGEST_INLINE std::error_code disk_file::open(const std::filesystem::path& path, mode how) {
  close();
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | (how == mode::create_new ? O_EXCL : 0);
  handle_ = ::open(path.c_str(), flags, 0600);
  return is_open() ? std::error_code() : last_file_error();
}

INNGEST_INLINE void disk_file::close() {
  if (is_open()) ::close(std::exchange(handle_, none()));
}

INNGEST_INLINE std::error_code disk_file::lock() const {
  // Not fcntl(): its locks do not exclude the same process, and end when any descriptor of the file is
  // closed.
  return ::flock(handle_, LOCK_EX | LOCK_NB) == 0 ? std::error_code() : last_file_error();
}

INNGEST_INLINE std::error_code disk_file::get_size(std::size_t& out) const {
  struct stat status {};
  if (::fstat(handle_, &status) != 0) return last_file_error();
  out = static_cast<std::size_t>(status.st_size);
  return {};
}

INNGEST_INLINE std::error_code disk_file::read(std::size_t at, std::size_t size, std::string& out) const {
  out.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(handle_, out.data() + done, size - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return last_file_error();
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  out.resize(done);
  return {};
}

INNGEST_INLINE std::error_code disk_file::write(std::size_t at, std::string_view bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(handle_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return last_file_error();
    done += static_cast<std::size_t>(put);
  }
  return {};
}

INNGEST_INLINE std::error_code disk_file::resize(std::size_t size) const {
  return ::ftruncate(handle_, static_cast<off_t>(size)) == 0 ? std::error_code() : last_file_error();
}

INNGEST_INLINE std::error_code disk_file::sync() const {
#ifdef F_FULLFSYNC  // on macOS fsync() does not wait for the disk
  if (::fcntl(handle_, F_FULLFSYNC) == 0) return {};
#endif
  return ::fsync(handle_) == 0 ? std::error_code() : last_file_error();
}

INNGEST_INLINE bool disk_file::is_deleted() const {
  struct stat status {};
  return ::fstat(handle_, &status) == 0 && status.st_nlink == 0;
}

INNGEST_INLINE std::error_code sync_directory_of(const std::filesystem::path& path) {
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return last_file_error();
  const std::error_code problem = ::fsync(opened) == 0 ? std::error_code() : last_file_error();
  ::close(opened);
  return problem;
}

#endif

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE long process_id() {
#ifdef _WIN32
  return static_cast<long>(::GetCurrentProcessId());
#else
  return static_cast<long>(::getpid());
#endif
}

INNGEST_INLINE disk_file& disk_file::operator=(disk_file&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

}  // namespace inngest::inline INNGEST_ABI::detail
