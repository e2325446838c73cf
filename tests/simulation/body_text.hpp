#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "body.hpp"

namespace simulated {

namespace text_of_body {

/// A C++ string literal. What is not ASCII is written in octal, which ends after three digits.
inline std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      out += c;
    }
  }
  return out += '"';
}

inline std::string of(const sequence& nodes, std::size_t indent);

inline std::string of(const node& from, std::size_t indent) {
  const node plain;
  std::string out = "{.kind = node_kind::" + std::string(to_string(from.kind));
  const auto add = [&](const char* name, const std::string& value) {
    out += std::string(", .") + name + " = " + value;
  };
  if (from.id != plain.id) add("id", literal(from.id));
  if (from.failures != plain.failures) add("failures", std::to_string(from.failures));
  if (from.is_final) add("is_final", "true");
  if (from.retries != plain.retries) add("retries", std::to_string(from.retries));
  if (from.ms != plain.ms) add("ms", std::to_string(from.ms));
  if (from.target != plain.target) add("target", literal(from.target));
  if (from.match != plain.match) add("match", literal(from.match));
  if (from.replaces) add("replaces", "true");
  if (from.swallows) add("swallows", "true");
  if (from.count != plain.count) add("count", std::to_string(from.count));
  if (from.unasked != plain.unasked) add("unasked", std::to_string(from.unasked));
  if (!from.branches.empty()) {
    std::string branches;
    for (const sequence& branch : from.branches) {
      if (!branches.empty()) branches += ",";
      branches += "\n" + std::string(indent + 4, ' ') + "sequence" + of(branch, indent + 4);
    }
    add("branches", "{" + branches + "}");
  }
  return out += '}';
}

inline std::string of(const sequence& nodes, std::size_t indent) {
  std::string out = "{";
  for (const node& child : nodes) {
    if (out.size() > 1) out += ',';
    out += "\n" + std::string(indent + 2, ' ') + of(child, indent + 2);
  }
  return out += '}';
}

}  // namespace text_of_body

/// C++ that makes the same body where namespace simulated is used: `body{sequence{...}}`.
inline std::string to_cpp(const body& from, std::size_t indent = 0) {
  return "body{sequence" + text_of_body::of(from.nodes, indent) + "}";
}

}  // namespace simulated
