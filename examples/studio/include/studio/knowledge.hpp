#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <inngest/json.hpp>

#include <studio/fetch.hpp>
#include <studio/image.hpp>
#include <studio/language_model.hpp>

/// Extracts knowledge from a brand's assets.
namespace studio {

/// A picture's visual traits, measured from its pixels.
struct visual_traits {
  std::vector<std::string> palette;
  int brightness = 0;  // 0 to 255
  int contrast = 0;    // between its darkest and its brightest pixel

  std::string describe(const std::string& filename) const {
    std::string colors;
    for (const std::string& hex : palette) colors += (colors.empty() ? "" : ", ") + hex;
    return "The color palette of " + filename + " is " + colors + ". The picture is " +
           (brightness < 96    ? "dark"
            : brightness < 160 ? "balanced"
                               : "bright") +
           " with " + (contrast < 96 ? "soft" : "strong") + " contrast.";
  }
};
INNGEST_FIELDS(visual_traits, palette, brightness, contrast)

inline visual_traits look_at(const image& picture) {
  visual_traits out;
  for (const color& frequent : palette(picture, 5)) out.palette.push_back(to_hex(frequent));
  out.brightness = luminance(mean_color(picture));
  int darkest = 255, brightest = 0;
  for (const color& pixel : picture.pixels) {
    darkest = std::min(darkest, luminance(pixel));
    brightest = std::max(brightest, luminance(pixel));
  }
  out.contrast = brightest - darkest;
  return out;
}

/// An asset as texts for indexing: a document's paragraphs, or a description of a picture.
inline std::vector<std::string> texts_of(const fetched& asset, const std::string& filename) {
  if (is_ppm(asset.body)) return {look_at(read_ppm(asset.body)).describe(filename)};
  return paragraphs(asset.body);
}

/// The fields that the language model extracts.
struct brand_dna {
  std::string manifesto;
  std::string voice;
  std::string visual_dna;
  std::vector<std::string> principles;
};
INNGEST_FIELDS(brand_dna, manifesto, voice, visual_dna, principles)

inline brand_dna synthesize(const language_model& model, std::vector<std::string> material) {
  const inngest::json answer = model.answer(
      {.fields = {{.name = "manifesto", .about = "mission, purpose, belief, promise: why the brand exists"},
                  {.name = "voice", .about = "voice, tone, speaking, writing, words, language"},
                  {.name = "visual_dna", .about = "color, palette, typography, logo, picture, contrast"},
                  {.name = "principles",
                   .about = "principles, always, never, rules, values",
                   .is_list = true,
                   .length = 4}},
       .material = std::move(material)});
  return inngest::decode<brand_dna>(answer.dump(), "dna");  // a model's answer is validated like any input
}

/// How much of the material's vocabulary the DNA keeps, from 0 to 1.
inline double coverage(const brand_dna& dna, const std::vector<std::string>& material) {
  std::string all;
  for (const std::string& text : material) all += text + "\n";
  std::string kept = dna.manifesto + " " + dna.voice + " " + dna.visual_dna;
  for (const std::string& principle : dna.principles) kept += " " + principle;
  const auto wanted = stems(all);
  const auto found = stems(kept);
  const auto hits = std::count_if(wanted.begin(), wanted.end(),
                                  [&](const std::string& stem) { return found.contains(stem); });
  return wanted.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(wanted.size());
}

inline int filled_fields(const brand_dna& dna) {
  return static_cast<int>(!dna.manifesto.empty()) + static_cast<int>(!dna.voice.empty()) +
         static_cast<int>(!dna.visual_dna.empty()) + static_cast<int>(!dna.principles.empty());
}

}  // namespace studio
