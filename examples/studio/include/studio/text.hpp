#pragma once

#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace studio {

inline std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin));
}

/// The paragraphs of a text, separated by empty lines.
inline std::vector<std::string> paragraphs(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    if (auto part = trimmed(text.substr(0, end)); !part.empty()) out.push_back(std::move(part));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

/// The sentences of a text, each on one line.
inline std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> out;
  std::string current;
  for (std::size_t i = 0; i < text.size(); ++i) {
    current += text[i] == '\n' ? ' ' : text[i];
    const bool ends = text[i] == '.' || text[i] == '!' || text[i] == '?';
    const bool at_gap = i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == '\n';
    if ((ends && at_gap) || i + 1 == text.size()) {
      if (auto part = trimmed(current); !part.empty()) out.push_back(std::move(part));
      current.clear();
    }
  }
  return out;
}

/// The significant words of a text, reduced to stems: lower case, the first five letters, only words of four
/// or more letters.
inline std::set<std::string> stems(std::string_view text) {
  std::set<std::string> out;
  std::string word;
  const auto end_word = [&] {
    if (word.size() > 3) out.insert(word.substr(0, 5));
    word.clear();
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80)
      word += static_cast<char>(std::tolower(byte));
    else
      end_word();
  }
  end_word();
  return out;
}

}  // namespace studio
