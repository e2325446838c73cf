#pragma once

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

#include <inngest/json.hpp>

#include <studio/image.hpp>

namespace studio {

struct verdict {
  bool accepted = false;
  int distance = 0;  // the largest difference of a channel, 0 to 255
  std::string feedback{};
};
INNGEST_FIELDS(verdict, accepted, distance, feedback)

/// Generates and verifies pictures.
class image_model {
 public:
  virtual ~image_model() = default;
  virtual image generate(const std::string& prompt, const image& source) const = 0;
  virtual verdict verify(const image& made, const image& reference) const = 0;
};

/// A local model: it follows the color corrections in a prompt, each up to a limit, and verifies the mean
/// color. So it needs several rounds, and each depends on the feedback for the previous one.
class local_image_model final : public image_model {
 public:
  image generate(const std::string& prompt, const image& source) const override {
    constexpr int boldest = 24;  // the limit of one correction
    color shift;
    std::istringstream words(prompt);
    for (std::string word; words >> word;) {
      int* channel = word == "red"     ? &shift.red
                     : word == "green" ? &shift.green
                     : word == "blue"  ? &shift.blue
                                       : nullptr;
      int amount = 0;
      if (channel == nullptr) continue;
      if (words >> amount)
        *channel += std::clamp(amount, -boldest, boldest);
      else
        words.clear();  // a color, but no correction
    }
    image out = source;
    for (color& pixel : out.pixels) {
      pixel.red = std::clamp(pixel.red + shift.red, 0, 255);
      pixel.green = std::clamp(pixel.green + shift.green, 0, 255);
      pixel.blue = std::clamp(pixel.blue + shift.blue, 0, 255);
    }
    return out;
  }

  verdict verify(const image& made, const image& reference) const override {
    constexpr int tolerance = 6;
    const color is = mean_color(made);
    const color wanted = mean_color(reference);
    const int red = wanted.red - is.red, green = wanted.green - is.green, blue = wanted.blue - is.blue;
    const int distance = std::max({std::abs(red), std::abs(green), std::abs(blue)});
    if (distance <= tolerance) return {.accepted = true, .distance = distance};
    const auto correction = [](const char* channel, int amount) {
      return std::string(channel) + (amount < 0 ? " " : " +") + std::to_string(amount);
    };
    return {.distance = distance,
            .feedback = "The color is " + to_hex(is) + " where the reference has " + to_hex(wanted) + ": " +
                        correction("red", red) + ", " + correction("green", green) + ", " +
                        correction("blue", blue)};
  }
};

}  // namespace studio
