#pragma once

#include <charconv>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/file_lock.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE file_lock::file_lock(const std::filesystem::path& locked) {
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

INNGEST_INLINE std::string file_lock::read_owner() const {
  std::string text;
  long owner = 0;
  if (!file_.read(0, 32, text)) std::from_chars(text.data(), text.data() + text.size(), owner);
  if (owner == process_id()) return "another store of this process";
  return owner > 0 ? "another process (pid " + std::to_string(owner) + ")" : "another process";
}

INNGEST_INLINE void file_lock::write_owner() const {
  if (!file_.resize(0)) file_.write(0, std::to_string(process_id()) + "\n");
}

}  // namespace inngest::inline INNGEST_ABI::detail
