#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/json/variant.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE unsigned set_of(json_type type) {
  switch (type) {
    case json_type::null:
      return json_types::null;
    case json_type::boolean:
      return json_types::boolean;
    case json_type::number:
      return json_types::number;
    case json_type::string:
      return json_types::string;
    case json_type::array:
      return json_types::array;
    case json_type::object:
      return json_types::object;
    case json_type::unknown:
      break;
  }
  return 0;
}

INNGEST_INLINE std::string names_of(unsigned types) {
  constexpr std::string_view names[] = {"null", "boolean", "number", "string", "array", "object"};
  std::string out;
  for (unsigned i = 0; i < std::size(names); ++i) {
    if ((types >> i & 1U) == 0) continue;
    if (!out.empty()) out += " or ";
    out += names[i];
  }
  return out;
}

INNGEST_INLINE std::string find_discriminator(json_slice object, std::string_view member,
                                              const json_path& at) {
  const json_path here(at, member);
  json_document document(object, at);
  json_object members = document.object(at);
  for (auto item : members) {
    json_field field = take(item, at);
    if (field.key == member) return detail::read<std::string>(field.value, here);
  }
  fail_at(here, "expected string, found nothing");
}

INNGEST_INLINE std::vector<std::string> member_names(json_slice text, const json_path& at) {
  std::vector<std::string> out;
  if (!text.starts_with('{')) return out;
  json_document document(text, at);
  for (auto& item : document.object(at)) out.emplace_back(take(item, at).key);
  return out;
}

/// What this thread may still read to find out which alternatives fit.
struct shape_reading {
  static shape_reading& of_thread() {
    thread_local shape_reading all;
    return all;
  }

  /// Returns false when nothing is left.
  bool spend(std::size_t bytes) {
    allowance -= (std::min)(bytes, allowance);
    return allowance > 0;
  }

  std::size_t depth = 0;      // of variants in variants
  std::size_t allowance = 0;  // bytes
};

INNGEST_INLINE shape_search::shape_search(std::size_t size) {
  shape_reading& all = shape_reading::of_thread();
  constexpr std::size_t least = 1024 * 1024, times = 64;
  if (all.depth++ == 0) all.allowance = least + times * size;
}

INNGEST_INLINE shape_search::~shape_search() { --shape_reading::of_thread().depth; }

INNGEST_INLINE void shape_search::begin_reading(std::size_t size, const json_path& at) {
  if (!shape_reading::of_thread().spend(size))
    fail_at(at, "the variants in it fit in too many ways to try all: use INNGEST_VARIANT for them");
}

INNGEST_INLINE void shape_search::note(const payload_error& problem) {
  constexpr std::size_t longest = 300, cost = 256;  // bytes; an exception takes time, too
  shape_reading::of_thread().spend(cost);
  const std::string_view text = problem.what();
  problems_ += "\n  " + std::string(text.substr(0, longest));  // it may list the problems of more variants
  if (text.size() > longest) problems_ += "...";
}

INNGEST_INLINE void shape_search::fail(const json_path& at) {
  fail_at(at, "fits none of the variant's alternatives:" + problems_);
}

INNGEST_INLINE std::string without_member(json_slice object, std::string_view member, const json_path& at) {
  std::string out = "{";
  json_document document(object, at);
  for (auto item : document.object(at)) {
    json_field field = take(item, at);
    const std::string key(field.key);
    const std::string_view text = raw_text(field.value, at);
    if (key == member) continue;
    if (out.size() > 1) out += ',';
    write_quoted(out, key, at);
    out += ':';
    out += text;
  }
  return out + "}";
}

INNGEST_INLINE void refuse_member(std::string_view object, std::string_view member, const json_path& at) {
  if (!object.starts_with('{')) return;  // insert_first_member() says so
  const json_buffer copy{std::string(object)};
  json_document document(copy.text(), at);
  for (auto item : document.object(at)) {
    json_field field = take(item, at);
    if (field.key == member)
      fail_at(json_path(at, member),
              "INNGEST_VARIANT writes this member, so the value must not have it, too");
  }
}

INNGEST_INLINE void fail_discriminator(const json_path& at, std::string_view member,
                                       const std::string_view* values, std::size_t count,
                                       const std::string& found) {
  std::string known;
  for (std::size_t i = 0; i < count; ++i) known += (i > 0 ? ", \"" : "\"") + std::string(values[i]) + "\"";
  fail_at(json_path(at, member), "expected one of " + known + ", found \"" + found + "\"");
}

INNGEST_INLINE void insert_first_member(std::string& out, std::size_t begin, std::string_view name,
                                        std::string_view value, const json_path& at) {
  if (out.size() < begin + 2 || out[begin] != '{')
    fail_at(at, "an alternative of a variant with INNGEST_VARIANT must be a JSON object");
  const bool is_empty = out[begin + 1] == '}';
  const std::string first =
      "\"" + std::string(name) + "\":\"" + std::string(value) + (is_empty ? "\"" : "\",");
  out.insert(begin + 1, first);
}

}  // namespace inngest::inline INNGEST_ABI::detail
