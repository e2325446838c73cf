#pragma once

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <inngest/error.hpp>

namespace inngest::detail {

/// Makes one owner of a file: a lock on `<file>.lock` beside it, with the owner's process id in it. It ends
/// with the process, however that ends; it also holds between two owners in one process. For POSIX systems.
class file_lock {
 public:
  /// \throws store_error when the file has an owner, or the lock can't be made.
  explicit file_lock(const std::filesystem::path& file) {
    const std::string path = file.string() + ".lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0)
      throw store_error(file.string(), "can't be locked: " + path + ": " + std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      const std::string owner = read_owner();
      ::close(descriptor_);
      throw store_error(file.string(), reason == EWOULDBLOCK
                                           ? "is in use by " + owner
                                           : std::string("can't be locked: ") + std::strerror(reason));
    }
    write_owner();
  }
  ~file_lock() { ::close(descriptor_); }  // the file stays: who waits for it may have it open already
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  std::string read_owner() const {
    char text[32] = {};
    const auto size = ::pread(descriptor_, text, sizeof text, 0);
    long owner = 0;
    if (size > 0) std::from_chars(text, text + size, owner);
    if (owner == static_cast<long>(::getpid())) return "another store of this process";
    return owner > 0 ? "another process (pid " + std::to_string(owner) + ")" : "another process";
  }

  /// Only for messages: if the disk takes no more, the lock holds all the same.
  void write_owner() const {
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) return;
  }

  int descriptor_ = -1;
};

}  // namespace inngest::detail
