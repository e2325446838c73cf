#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <studio/blob_storage.hpp>
#include <studio/database.hpp>
#include <studio/fetch.hpp>
#include <studio/image.hpp>
#include <studio/image_model.hpp>
#include <studio/language_model.hpp>
#include <studio/plugins.hpp>

namespace studio {

/// The services used by functions. Each function has a copy; copies share their contents.
struct services {
  std::shared_ptr<database> data;
  std::shared_ptr<blob_storage> blobs;
  std::shared_ptr<const language_model> model;
  std::shared_ptr<const image_model> images;
  std::shared_ptr<const plugin_registry> plugins;
  /// Where the blobs are served, such as "http://127.0.0.1:3001/blobs/".
  std::string blob_url{};
};

/// Services on one machine: a database file, a blob directory and local models.
inline services open_services(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  return {.data = std::make_shared<database>(directory / "studio.sqlite"),
          .blobs = std::make_shared<blob_storage>(directory / "blobs"),
          .model = std::make_shared<local_language_model>(),
          .images = std::make_shared<local_image_model>(),
          .plugins = native_plugins()};
}

inline image fetch_image(const std::string& url) { return read_ppm(fetch(url).body); }

}  // namespace studio
