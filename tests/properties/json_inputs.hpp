#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "simulation/chance.hpp"

// Random documents, and texts of them as strangers write JSON.

namespace property {

using nlohmann::json;
using simulated::chance;

inline std::string random_text(chance& any) {
  static const std::vector<std::string> pieces = {"a",
                                                  "b",
                                                  "Z",
                                                  "7",
                                                  " ",
                                                  "~",
                                                  "\"",
                                                  "\\",
                                                  "/",
                                                  "\n",
                                                  "\b",
                                                  "\t",
                                                  "\x1f",
                                                  "\x7f",
                                                  "ö",
                                                  "€",
                                                  "{}",
                                                  ":",
                                                  "\\u",
                                                  "\u2028",
                                                  "\ufeff",
                                                  "\uffff",
                                                  "\U0001f602",
                                                  "[",
                                                  "\U0010ffff",
                                                  "\ud7ff",
                                                  "\r",
                                                  "\f",
                                                  std::string(1, '\0')};
  std::string out;
  for (std::size_t i = any.below(6); i > 0; --i) out += any.pick(pieces);
  if (any.one_in(50)) out += std::string(any.below(200), 'x');  // longer than simdjson's blocks
  return out;
}

/// A finite number: often of those at which something changes.
inline double random_double(chance& any) {
  static const std::vector<double> odd = {0.0,
                                          -0.0,
                                          0.1,
                                          -1.5,
                                          1e21,
                                          1e-7,
                                          5e-324,
                                          2.2250738585072014e-308,
                                          2.2250738585072009e-308,
                                          1.7976931348623157e308,
                                          9007199254740991.0,
                                          9007199254740992.0,
                                          -9007199254740994.0,
                                          9223372036854775808.0,
                                          -9223372036854775808.0,
                                          18446744073709551616.0,
                                          3.4028234663852886e38,
                                          1.401298464324817e-45};
  if (any.one_in(3)) return any.pick(odd);
  if (any.one_in(3)) return static_cast<double>(any.between(-2000, 2000)) / 8;
  for (;;) {
    const double out = std::bit_cast<double>(any.next());
    if (std::isfinite(out)) return out;
  }
}

/// An integer from low to high: often at their ends, at zero, or beside a power of two.
inline std::int64_t random_integer(chance& any, std::int64_t low, std::int64_t high) {
  const auto within = [&](std::int64_t value) { return value < low ? low : value > high ? high : value; };
  if (any.one_in(4)) return any.pick(std::vector<std::int64_t>{low, high, within(0), within(-1), within(1)});
  if (any.one_in(2)) {
    const std::int64_t power = std::int64_t{1} << any.below(63);
    return within(any.pick(std::vector<std::int64_t>{power, power - 1, -power, -power - 1, power + 1}));
  }
  const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t step =
      width == std::numeric_limits<std::uint64_t>::max() ? any.next() : any.next() % (width + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + step);
}

inline json random_document(chance& any, int depth) {
  switch (any.below(depth > 0 ? 9 : 6)) {
    case 0:
      return json(nullptr);
    case 1:
      return json(any.one_in(2));
    case 2:
      return json(random_text(any));
    case 3:
      return json(random_integer(any, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max()));
    case 4:
      return json(random_double(any));
    case 5:
      return json(std::numeric_limits<std::uint64_t>::max() - any.below(3));
    case 6:
    case 7: {
      json out = json::object();
      for (std::size_t i = any.below(5); i > 0; --i) out[random_text(any)] = random_document(any, depth - 1);
      return out;
    }
    default: {
      json out = json::array();
      for (std::size_t i = any.below(4); i > 0; --i) out.push_back(random_document(any, depth - 1));
      return out;
    }
  }
}

/// Writes a document as strangers do: white space, members in any order, escapes that nothing requires.
class stranger {
 public:
  struct habits {
    bool odd_numbers = false;       ///< 3 may be 3.0 or 30e-1
    bool repeated_members = false;  ///< a number may come twice in an object: the last one counts
    std::function<bool(const json& object)> unknown_members = nullptr;  ///< who may have members of any name
  };

  explicit stranger(chance any) : any_(any), habits_() {}
  stranger(chance any, habits how) : any_(any), habits_(std::move(how)) {}

  std::string write(const json& value) { return space() + put(value) + space(); }

  std::string quoted(const std::string& text) {
    if (!any_.one_in(4)) return json(text).dump(-1, ' ', any_.one_in(3));
    std::string out = "\"";
    for (std::size_t at = 0; at < text.size();) out += escaped(text, at);
    return out + "\"";
  }

 private:
  std::string space() {
    static const std::vector<std::string> spaces = {"", "", "", " ", "\n", "\t \r\n"};
    return any_.pick(spaces);
  }

  /// A character as one or two \uXXXX.
  std::string escaped(const std::string& text, std::size_t& at) {
    const auto byte = [&](std::size_t place) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(text[place]));
    };
    const std::uint32_t first = byte(at);
    const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = size == 1 ? first : first & (0xFFu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) code = code << 6 | (byte(at + i) & 0x3F);
    at += size;
    if (code < 0x10000) return unit(code);
    return unit(0xD800 + ((code - 0x10000) >> 10)) + unit(0xDC00 + ((code - 0x10000) & 0x3FF));
  }
  std::string unit(std::uint32_t code) {
    char out[8];
    std::snprintf(out, sizeof out, any_.one_in(2) ? "\\u%04x" : "\\u%04X", code);
    return out;
  }

  std::string number(const json& value) {
    const std::string plain = value.dump();
    if (!habits_.odd_numbers || !any_.one_in(3)) return plain;
    if (value.is_number_float()) {  // the same digits, which a float may need
      const std::size_t e = std::min(plain.find('e'), plain.size());
      const std::string digits = plain.substr(0, e) + (plain.find('.') < e ? "000" : ".0");
      if (e == plain.size()) return digits + any_.pick(std::vector<std::string>{"", "e0", "E-00"});
      const bool is_signed = plain[e + 1] == '-' || plain[e + 1] == '+';
      return digits + "E" + (is_signed ? plain.substr(e + 1, 1) : "+") + "00" +
             plain.substr(e + (is_signed ? 2 : 1));
    }
    if (std::abs(value.get<double>()) > 9007199254740990.0) return plain;
    const std::string last = plain == "0" ? "e-7" : "0e-1";
    return plain + any_.pick(std::vector<std::string>{".0", "e0", "E+00", last, ".000e0"});
  }

  std::string put(const json& value) {
    if (value.is_string()) return quoted(value.get<std::string>());
    if (value.is_number()) return number(value);
    if (value.is_array()) {
      std::string out;
      for (const json& element : value) out += (out.empty() ? "" : ",") + space() + put(element) + space();
      return "[" + (out.empty() ? space() : out) + "]";
    }
    return value.is_object() ? object(value) : value.dump();
  }

  std::string member(const std::string& name, const std::string& value) {
    return space() + quoted(name) + space() + ":" + space() + value + space();
  }

  std::string object(const json& value) {
    std::vector<std::string> members;
    const auto insert = [&](std::string text) {
      members.insert(members.begin() + static_cast<std::ptrdiff_t>(any_.below(members.size() + 1)),
                     std::move(text));
    };
    for (const auto& [name, element] : value.items()) {
      std::string written = member(name, put(element));
      if (habits_.repeated_members && element.is_number_integer() && any_.one_in(8))
        written = member(name, "0") + "," + written;
      insert(std::move(written));
    }
    if (habits_.unknown_members && habits_.unknown_members(value) && any_.one_in(2)) {
      chance part = any_.part();
      insert(member("unknown\"" + std::to_string(any_.below(10)), put(random_document(part, 2))));
    }
    std::string out;
    for (const std::string& text : members) out += (out.empty() ? "" : ",") + text;
    return "{" + (out.empty() ? space() : out) + "}";
  }

  chance any_;
  habits habits_;
};

/// Documents that lack a part of this one.
inline std::vector<json> smaller_documents(const json& value) {
  std::vector<json> out;
  if (!value.is_structured()) return out;
  for (const json& element : value) out.push_back(element);
  for (auto at = value.begin(); at != value.end(); ++at) {
    json without = value;
    if (value.is_array())
      without.erase(without.begin() + (at - value.begin()));
    else
      without.erase(at.key());
    out.push_back(std::move(without));
  }
  for (auto at = value.begin(); at != value.end(); ++at) {
    for (json& part : smaller_documents(*at)) {
      json with = value;
      if (value.is_array())
        with[static_cast<std::size_t>(at - value.begin())] = std::move(part);
      else
        with[at.key()] = std::move(part);
      out.push_back(std::move(with));
    }
  }
  return out;
}

/// A text with one byte removed, changed, doubled or put in.
inline std::string damaged(chance& any, std::string text) {
  static const std::vector<std::string> pieces = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "\\",
                                                  "\\u",
                                                  "\\ud83d",
                                                  "\\ude02",
                                                  "0",
                                                  "-",
                                                  "1",
                                                  ".",
                                                  "e",
                                                  "E+",
                                                  "9999",
                                                  "null",
                                                  "true",
                                                  "fals",
                                                  "\x01",
                                                  "\x7f",
                                                  "\xff",
                                                  "\xed\xa0\x80",
                                                  "\xef\xbb\xbf",
                                                  "/**/",
                                                  " ",
                                                  "\n",
                                                  "\v",
                                                  "\xc2",
                                                  "'",
                                                  "NaN",
                                                  "Infinity",
                                                  std::string(1, '\0')};
  const std::size_t at = any.below(text.size() + 1);
  switch (any.below(4)) {
    case 0:
      if (at < text.size()) text.erase(at, 1 + any.below(3));
      break;
    case 1:
      if (at < text.size()) text.replace(at, 1, any.pick(pieces));
      break;
    case 2:
      text.resize(at);
      break;
    default:
      text.insert(at, any.pick(pieces));
  }
  return text;
}

}  // namespace property
