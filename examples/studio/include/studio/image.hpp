#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Pictures in binary PPM, a format that needs no library.
namespace studio {

struct color {
  int red = 0;
  int green = 0;
  int blue = 0;
};

inline std::string to_hex(const color& c) {
  std::array<char, 16> out{};
  const auto byte = [](int channel) { return static_cast<unsigned>(std::clamp(channel, 0, 255)); };
  std::snprintf(out.data(), out.size(), "#%02x%02x%02x", byte(c.red), byte(c.green), byte(c.blue));
  return out.data();
}

struct image {
  int width = 0;
  int height = 0;
  std::vector<color> pixels;
};

inline bool is_ppm(std::string_view bytes) { return bytes.starts_with("P6"); }

inline std::string write_ppm(const image& picture) {
  std::string out = "P6\n" + std::to_string(picture.width) + " " + std::to_string(picture.height) + "\n255\n";
  out.reserve(out.size() + picture.pixels.size() * 3);
  for (const color& pixel : picture.pixels) {
    for (const int channel : {pixel.red, pixel.green, pixel.blue})
      out += static_cast<char>(static_cast<unsigned char>(std::clamp(channel, 0, 255)));
  }
  return out;
}

inline image read_ppm(std::string_view bytes) {
  const auto refuse = [](const char* why) -> void {
    throw std::runtime_error(std::string("not a picture in PPM format: ") + why);
  };
  if (!is_ppm(bytes)) refuse("it does not start with P6");
  std::size_t at = 2;
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  const auto number = [&]() -> int {
    while (at < bytes.size() && is_space(bytes[at])) ++at;
    int out = 0;
    const std::size_t begin = at;
    for (; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9' && at - begin < 5; ++at)
      out = out * 10 + (bytes[at] - '0');
    if (at == begin) refuse("a number is missing");
    return out;
  };
  image out;
  out.width = number();
  out.height = number();
  if (number() != 255) refuse("its channels are not bytes");
  ++at;  // the single space before the pixels
  const std::size_t count = static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height);
  if (count == 0 || at > bytes.size() || (bytes.size() - at) / 3 < count) refuse("it has too few pixels");
  out.pixels.reserve(count);
  const auto channel = [&] { return static_cast<int>(static_cast<unsigned char>(bytes[at++])); };
  for (std::size_t i = 0; i < count; ++i) {
    const int red = channel(), green = channel(), blue = channel();
    out.pixels.push_back({red, green, blue});
  }
  return out;
}

/// The perceived brightness, from 0 to 255.
inline int luminance(const color& c) { return (299 * c.red + 587 * c.green + 114 * c.blue) / 1000; }

inline color mean_color(const image& picture) {
  std::int64_t red = 0, green = 0, blue = 0;
  for (const color& pixel : picture.pixels) {
    red += pixel.red;
    green += pixel.green;
    blue += pixel.blue;
  }
  const auto count = static_cast<std::int64_t>(std::max<std::size_t>(picture.pixels.size(), 1));
  return {static_cast<int>(red / count), static_cast<int>(green / count), static_cast<int>(blue / count)};
}

/// The most frequent colors. Pixels are counted in 8 x 8 x 8 boxes; a box is represented by its mean.
inline std::vector<color> palette(const image& picture, std::size_t most) {
  std::map<int, image> boxes;
  for (const color& pixel : picture.pixels)
    boxes[(pixel.red / 32) * 64 + (pixel.green / 32) * 8 + pixel.blue / 32].pixels.push_back(pixel);
  std::vector<std::pair<std::size_t, color>> ranked;
  for (const auto& [key, box] : boxes) ranked.emplace_back(box.pixels.size(), mean_color(box));
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<color> out;
  for (const auto& [count, mean] : ranked) {
    if (out.size() < most) out.push_back(mean);
  }
  return out;
}

}  // namespace studio
