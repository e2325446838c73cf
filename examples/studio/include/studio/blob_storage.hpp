#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/error.hpp>

namespace studio {

struct blob {
  std::string path;
  std::uintmax_t size = 0;
  std::chrono::seconds age{};
};

struct blob_page {
  std::vector<blob> blobs;
  std::optional<std::string> next{};  // where the next page starts; empty after the last
};

/// Stores bytes under paths such as "vision/archive/3f2a.json", as files in a directory.
class blob_storage {
 public:
  explicit blob_storage(std::filesystem::path root) : root_(std::move(root)) {
    std::filesystem::create_directories(root_ / incoming);
  }

  const std::filesystem::path& root() const { return root_; }

  /// The blob's file. Paths come from events, so they must not lead out of the storage.
  std::filesystem::path file(const std::string& path) const {
    const std::filesystem::path relative(path);
    const bool escapes = std::any_of(relative.begin(), relative.end(), [](const auto& part) {
      return part.empty() || part == "." || part == ".." || part == incoming;
    });
    if (path.empty() || relative.is_absolute() || escapes)
      throw inngest::non_retriable_error("not a blob's path: \"" + path + "\"");
    return root_ / relative;
  }

  void put(const std::string& path, std::string_view bytes) {
    const std::filesystem::path target = file(path);
    std::filesystem::create_directories(target.parent_path());
    const auto part = root_ / incoming / std::to_string(counter_++);
    std::ofstream out(part, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw std::runtime_error("could not write " + part.string());
    std::filesystem::rename(part, target);  // readers see the whole file or none
  }

  std::optional<std::string> find(const std::string& path) const {
    std::ifstream in(file(path), std::ios::binary);
    if (!in || std::filesystem::is_directory(file(path))) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  std::string get(const std::string& path) const {
    auto bytes = find(path);
    if (!bytes) throw std::runtime_error("no blob at \"" + path + "\"");
    return std::move(*bytes);
  }

  /// Returns whether the blob existed.
  bool remove(const std::string& path) { return std::filesystem::remove_all(file(path)) > 0; }

  /// A page of the blobs under the prefix, ordered by path, after `after`. Paging works while blobs are added
  /// and removed.
  blob_page list(std::string_view prefix, const std::string& after = {}, std::size_t most = 100) const {
    std::vector<std::string> paths;
    std::error_code gone;  // others may add and remove files meanwhile
    std::filesystem::recursive_directory_iterator entry(root_, gone);
    for (; !gone && entry != std::filesystem::recursive_directory_iterator(); entry.increment(gone)) {
      std::error_code ignored;
      if (!entry->is_regular_file(ignored)) continue;
      std::string path = entry->path().lexically_relative(root_).generic_string();
      if (path.starts_with(prefix) && path > after && !path.starts_with(incoming))
        paths.push_back(std::move(path));
    }
    std::sort(paths.begin(), paths.end());

    blob_page page;
    if (paths.size() > most) {
      paths.resize(most);
      page.next = paths.back();
    }
    for (std::string& path : paths) {
      std::error_code missing;
      const auto written = std::filesystem::last_write_time(root_ / path, missing);
      const auto size = missing ? 0 : std::filesystem::file_size(root_ / path, missing);
      if (missing) continue;
      const auto age = std::filesystem::file_time_type::clock::now() - written;
      page.blobs.push_back({.path = std::move(path),
                            .size = size,
                            .age = std::chrono::duration_cast<std::chrono::seconds>(age)});
    }
    return page;
  }

 private:
  static constexpr const char* incoming = ".incoming";

  std::filesystem::path root_;
  std::atomic<std::uint64_t> counter_ = 0;
};

}  // namespace studio
