#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/json.hpp>

namespace studio {

/// A file in the blob storage.
struct media_file {
  std::string path;
  std::string media_type;
  std::int64_t size = 0;
};
INNGEST_CAMEL_FIELDS(media_file, path, media_type, size)

/// The output of a workflow's node.
struct node_output {
  std::vector<media_file> files;
  inngest::json metadata = inngest::json::object();
};
INNGEST_FIELDS(node_output, files, metadata)
INNGEST_DEFAULTS(node_output, metadata)

struct media_type {
  std::string_view extension;
  std::string_view name;
};
inline constexpr media_type media_types[] = {
    {".txt", "text/plain"}, {".json", "application/json"}, {".ppm", "image/x-portable-pixmap"}};

inline std::string media_type_of(std::string_view path) {
  for (const auto& known : media_types) {
    if (path.ends_with(known.extension)) return std::string(known.name);
  }
  return "application/octet-stream";
}

/// The file extension of the media type; parameters such as a charset are ignored.
inline std::string extension_of(std::string_view type) {
  for (const auto& known : media_types) {
    if (type.substr(0, type.find(';')) == known.name) return std::string(known.extension);
  }
  return ".bin";
}

}  // namespace studio
