#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/error.hpp>
#include <inngest/json.hpp>

#include <studio/blob_storage.hpp>
#include <studio/events.hpp>
#include <studio/fetch.hpp>
#include <studio/image.hpp>
#include <studio/media.hpp>

namespace studio {

/// The files of a plugin.
class plugin_context {
 public:
  plugin_context(blob_storage& blobs, std::string directory)
      : blobs_(&blobs), directory_(std::move(directory)) {}

  std::string read(const media_file& file) const { return blobs_->get(file.path); }

  /// Writes a file of the node. Another attempt with the same name overwrites it.
  media_file write(const std::string& name, std::string type, std::string_view bytes) const {
    const std::string path = directory_ + "/" + name + extension_of(type);
    blobs_->put(path, bytes);
    return {.path = path, .media_type = std::move(type), .size = static_cast<std::int64_t>(bytes.size())};
  }

 private:
  blob_storage* blobs_;
  std::string directory_;
};

/// The work of a workflow's node.
class plugin {
 public:
  virtual ~plugin() = default;
  virtual std::string id() const = 0;
  /// The configuration with defaults filled in.
  /// \throws inngest::payload_error naming the field that does not fit.
  virtual inngest::json validate(const inngest::json& config) const = 0;
  virtual node_output run(const std::vector<media_file>& inputs, const inngest::json& config,
                          const plugin_context& context) const = 0;
};

/// A plugin whose configuration is a struct.
template <class Config>
class plugin_with : public plugin {
 public:
  inngest::json validate(const inngest::json& config) const final { return inngest::json(read(config)); }
  node_output run(const std::vector<media_file>& inputs, const inngest::json& config,
                  const plugin_context& context) const final {
    return run_with(read(config), inputs, context);
  }

 protected:
  virtual node_output run_with(const Config& config, const std::vector<media_file>& inputs,
                               const plugin_context& context) const = 0;

 private:
  static Config read(const inngest::json& config) { return inngest::decode<Config>(config.dump(), "config"); }
};

// ---- the studio's own -------------------------------------------------------------------------------

enum class text_operation { uppercase, lowercase, sort_lines };
INNGEST_ENUM(text_operation, {text_operation::uppercase, "uppercase"},
             {text_operation::lowercase, "lowercase"}, {text_operation::sort_lines, "sort-lines"})

struct text_config {
  text_operation operation{};
};
INNGEST_FIELDS(text_config, operation)

/// Processes the texts among its inputs.
class text_plugin final : public plugin_with<text_config> {
 public:
  std::string id() const override { return "text.transform"; }

 protected:
  node_output run_with(const text_config& config, const std::vector<media_file>& inputs,
                       const plugin_context& context) const override {
    node_output out;
    for (const media_file& file : inputs) {
      if (!file.media_type.starts_with("text/")) continue;
      const std::string text = transformed(context.read(file), config.operation);
      out.files.push_back(context.write(std::to_string(out.files.size()), "text/plain", text));
    }
    out.metadata = {{"texts", out.files.size()}};
    return out;
  }

 private:
  static std::string transformed(std::string text, text_operation operation) {
    if (operation == text_operation::sort_lines) {
      std::vector<std::string> lines;
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
      }
      std::sort(lines.begin(), lines.end());
      text.clear();
      for (const std::string& line : lines) text += line + "\n";
      return text;
    }
    const bool up = operation == text_operation::uppercase;
    for (char& c : text) {  // bytes beyond ASCII are not changed
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80) c = static_cast<char>(up ? std::toupper(byte) : std::tolower(byte));
    }
    return text;
  }
};

struct tone_config {
  int brightness = 0;
  bool grayscale = false;
};
INNGEST_FIELDS(tone_config, brightness, grayscale)
INNGEST_DEFAULTS(tone_config, brightness, grayscale)

inline void validate(const tone_config& config) {
  if (config.brightness < -255 || config.brightness > 255)
    throw std::invalid_argument("brightness must be from -255 to 255");
}

/// Processes the pictures among its inputs.
class tone_plugin final : public plugin_with<tone_config> {
 public:
  std::string id() const override { return "image.tone"; }

 protected:
  node_output run_with(const tone_config& config, const std::vector<media_file>& inputs,
                       const plugin_context& context) const override {
    node_output out;
    for (const media_file& file : inputs) {
      if (!file.media_type.starts_with("image/")) continue;
      image picture = read_ppm(context.read(file));
      for (color& pixel : picture.pixels) {
        if (config.grayscale) pixel.red = pixel.green = pixel.blue = luminance(pixel);
        for (int* channel : {&pixel.red, &pixel.green, &pixel.blue})
          *channel = std::clamp(*channel + config.brightness, 0, 255);
      }
      out.files.push_back(
          context.write(std::to_string(out.files.size()), media_type_of(".ppm"), write_ppm(picture)));
      out.metadata["mean"].push_back(to_hex(mean_color(picture)));
    }
    return out;
  }
};

struct manifest_config {
  std::string title = "manifest";
};
INNGEST_FIELDS(manifest_config, title)
INNGEST_DEFAULTS(manifest_config, title)

/// Lists its inputs with their sizes and checksums.
class manifest_plugin final : public plugin_with<manifest_config> {
 public:
  std::string id() const override { return "media.manifest"; }

 protected:
  node_output run_with(const manifest_config& config, const std::vector<media_file>& inputs,
                       const plugin_context& context) const override {
    inngest::json list = inngest::json::array();
    for (const media_file& file : inputs) {
      const std::string bytes = context.read(file);
      list.push_back({{"path", file.path}, {"size", bytes.size()}, {"checksum", checksum(bytes)}});
    }
    const inngest::json manifest{{"title", config.title}, {"files", list}};
    return {.files = {context.write("manifest", "application/json", manifest.dump(2))},
            .metadata = {{"files", inputs.size()}}};
  }

 private:
  /// FNV-1a: detects accidents, not attacks.
  static std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t out = 14695981039346656037u;
    for (const char c : bytes) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return out;
  }
};

// ---- registry ---------------------------------------------------------------------------------------

/// The plugins of an app.
class plugin_registry {
 public:
  void add(std::shared_ptr<const plugin> added) { plugins_.insert_or_assign(added->id(), std::move(added)); }

  /// \throws inngest::non_retriable_error when there is none.
  const plugin& get(std::string_view id) const {
    const auto found = plugins_.find(id);
    if (found == plugins_.end())
      throw inngest::non_retriable_error("there is no plugin \"" + std::string(id) + "\"");
    return *found->second;
  }

  /// Converts a workflow's input to a file: a URL is fetched, other text becomes a text file, and an object
  /// with a path is already a file.
  media_file coerce(const std::string& name, const inngest::json& value,
                    const plugin_context& context) const {
    if (value.is_object() && value.contains("path")) return inngest::decode<media_file>(value.dump(), name);
    if (!value.is_string()) return context.write(name, "application/json", value.dump());
    const auto text = value.get<std::string>();
    if (!is_url(text)) return context.write(name, "text/plain", text);
    const fetched file = fetch(text);
    return context.write(name, file.content_type.substr(0, file.content_type.find(';')), file.body);
  }

 private:
  std::map<std::string, std::shared_ptr<const plugin>, std::less<>> plugins_;
};

/// The plugins of this package.
inline std::shared_ptr<const plugin_registry> native_plugins() {
  auto out = std::make_shared<plugin_registry>();
  out->add(std::make_shared<text_plugin>());
  out->add(std::make_shared<tone_plugin>());
  out->add(std::make_shared<manifest_plugin>());
  return out;
}

}  // namespace studio
