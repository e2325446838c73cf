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

/// A field of a model's answer.
struct model_field {
  std::string name;
  /// A description of its contents.
  std::string about;
  /// Whether it is a list of texts instead of one text.
  bool is_list = false;
  /// The maximum number of sentences.
  std::size_t length = 2;
};

struct model_request {
  std::vector<model_field> fields;
  std::vector<std::string> material;
};

/// A language model with structured output: an object with the requested fields. A cloud provider can
/// implement the same interface.
class language_model {
 public:
  virtual ~language_model() = default;
  virtual inngest::json answer(const model_request& request) const = 0;
};

/// A local model: it answers with sentences of the material. Sentences about a field's subject come first,
/// then those with the most frequent words.
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
      for (std::string& words : sentences(text)) {
        if (!known.insert(words).second) continue;
        std::set<std::string> found = stems(words);
        for (const std::string& stem : found) ++frequency[stem];
        out.push_back({.text = std::move(words), .stems = std::move(found)});
      }
    }
    for (sentence& one : out) {
      for (const std::string& stem : one.stems) one.centrality += frequency[stem];
      one.centrality /= static_cast<double>(one.stems.size() + 1);
    }
    return out;
  }

  /// The best sentences for the field, in the material's order. A sentence is used for a second field only
  /// when no other is left.
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
    for (const auto& [rank, index] : ranked) {
      all[index].used = true;
      out.push_back(all[index].text);
    }
    return out;
  }

  static std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : " ") + text;
    return out;
  }
};

}  // namespace studio
