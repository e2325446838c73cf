#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/json.hpp>

#include <studio/text.hpp>

namespace studio {

/// A field of the answer that a model is asked for.
struct model_field {
  std::string name;
  /// What belongs there, in words.
  std::string about;
  /// Whether it is a list of texts instead of one.
  bool is_list = false;
  /// Sentences at most.
  std::size_t length = 2;
};

struct model_request {
  std::vector<model_field> fields;
  std::vector<std::string> material;
};

/// A language model with structured output: an object with the fields that were asked for. A provider in the
/// cloud goes behind the same interface.
class language_model {
 public:
  virtual ~language_model() = default;
  virtual inngest::json answer(const model_request& request) const = 0;
};

/// A stand-in that needs no network: it answers in the material's own sentences. Those that speak of what a
/// field is about come first, then those in the words that the material uses most.
class local_language_model final : public language_model {
 public:
  inngest::json answer(const model_request& request) const override {
    std::vector<sentence> all = read(request.material);
    inngest::json out = inngest::json::object();
    for (const model_field& field : request.fields) {
      std::vector<std::string> chosen = choose(all, field);
      if (field.is_list)
        out[field.name] = std::move(chosen);
      else
        out[field.name] = joined(chosen);
    }
    return out;
  }

 private:
  struct sentence {
    std::string text;
    std::set<std::string> stems;
    double centrality = 0;
    bool used = false;
  };

  static std::vector<sentence> read(const std::vector<std::string>& material) {
    std::vector<sentence> out;
    std::map<std::string, int> frequency;
    std::set<std::string> known;
    for (const std::string& text : material) {
      for (std::string& each : sentences(text)) {
        if (!known.insert(each).second) continue;
        std::set<std::string> found = stems(each);
        for (const std::string& stem : found) ++frequency[stem];
        out.push_back({.text = std::move(each), .stems = std::move(found)});
      }
    }
    for (sentence& each : out) {
      for (const std::string& stem : each.stems) each.centrality += frequency[stem];
      each.centrality /= static_cast<double>(each.stems.size() + 1);
    }
    return out;
  }

  /// The best sentences for the field, in the material's order. One that another field took is taken again
  /// only when nothing else is left.
  static std::vector<std::string> choose(std::vector<sentence>& all, const model_field& field) {
    const std::set<std::string> wanted = stems(field.about);
    std::vector<std::pair<double, std::size_t>> ranked;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto fits = std::count_if(wanted.begin(), wanted.end(),
                                      [&](const std::string& stem) { return all[i].stems.contains(stem); });
      const double score = static_cast<double>(fits) * 100 + all[i].centrality - (all[i].used ? 10'000 : 0);
      ranked.emplace_back(-score, i);
    }
    std::sort(ranked.begin(), ranked.end());
    ranked.resize(std::min(ranked.size(), field.length));
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::vector<std::string> out;
    for (const auto& each : ranked) {
      all[each.second].used = true;
      out.push_back(all[each.second].text);
    }
    return out;
  }

  static std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& each : texts) out += (out.empty() ? "" : " ") + each;
    return out;
  }
};

}  // namespace studio
