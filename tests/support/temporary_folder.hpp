#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace support {

/// A new folder, deleted at the end. Its name is unique: ids of processes repeat, after a crash and in other
/// containers.
class temporary_folder {
 public:
  temporary_folder() : path_(made()) {}
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path made() {
    std::string name = (std::filesystem::temp_directory_path() / "inngest-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a folder: " + name);
    return name;
  }

  std::filesystem::path path_;
};

}  // namespace support
