#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::string memo_of_data(std::string_view data) {
  constexpr std::string_view begin = "{\"data\":";
  if (data.empty()) data = "null";
  std::string out;
  out.reserve(begin.size() + data.size() + 1);
  out.append(begin).append(data) += '}';
  return out;
}

INNGEST_INLINE std::uint64_t first_bytes(const step_hash& id) {
  const auto byte = [&](std::size_t at) { return std::uint64_t{id[at]} << (56 - 8 * at); };
  // spelled out, so that GCC compiles it to one instruction
  return byte(0) | byte(1) | byte(2) | byte(3) | byte(4) | byte(5) | byte(6) | byte(7);
}

INNGEST_INLINE bool comes_before(const step_hash& a, const step_hash& b) {
  const std::uint64_t first_of_a = first_bytes(a), first_of_b = first_bytes(b);
  return first_of_a != first_of_b ? first_of_a < first_of_b : a < b;
}

INNGEST_INLINE memo_reader::memo_reader(const memo& memo)
    : memo_(memo), is_in_place_(memo.document && memo.document->begin_reading(memo.text.size())) {}

INNGEST_INLINE memo_reader::~memo_reader() {
  if (is_in_place_) memo_.document->end_reading(is_at_end_);
}

INNGEST_INLINE detail::json_object memo_reader::object() {
  if (is_in_place_) return detail::json_object(memo_.place);
  return own_.emplace(memo_.text).object();
}

INNGEST_INLINE bool holds_only(const memo& memo, std::string_view wanted) {
  if (!memo.is_object()) return false;
  if (memo.begins_with_data() && wanted != "data") return false;  // most memos
  const std::size_t first_key = (std::min)(memo.text.find('"'), memo.text.size());
  const std::string_view rest = memo.text.substr(first_key + (first_key < memo.text.size() ? 1 : 0));
  const bool has_escapes = rest.substr(0, rest.find('"')).find('\\') != std::string_view::npos;
  const bool may_be = rest.starts_with(wanted) || rest.starts_with("type") || has_escapes;
  if (!may_be) return false;  // most memos: not worth parsing
  detail::json_document document(memo.text);
  bool found = false;
  for (auto item : document.object()) {
    detail::json_field field = detail::take(item, {});
    const std::string_view key = field.key;
    if (key == wanted)
      found = true;
    else if (key != "type")
      return false;
  }
  return found;
}

INNGEST_INLINE std::string text_member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

INNGEST_INLINE step_error read_step_error(std::string_view text, std::string_view id) {
  const json memo = detail::parse_dom(text);
  const json& error = memo.at("error");
  if (!error.is_object()) return step_error(std::string(id), "Error", error.dump());
  constexpr std::size_t max_causes = 5;
  std::vector<step_error::cause> causes;
  const json* outer = &error;
  while (causes.size() < max_causes && outer->contains("cause") && (*outer)["cause"].is_object()) {
    outer = &(*outer)["cause"];
    causes.push_back({text_member(*outer, "name"), text_member(*outer, "message")});
  }
  const std::string name = text_member(error, "name");
  return step_error(std::string(id), name.empty() ? "Error" : name, text_member(error, "message"),
                    std::move(causes));
}

INNGEST_INLINE void throw_if_failed(const memo& memo, std::string_view id) {
  if (holds_only(memo, "error")) throw read_step_error(memo.text, id);
}

INNGEST_INLINE std::string_view result_text(const memo& memo, std::string_view id) {
  throw_if_failed(memo, id);
  if (holds_only(memo, "data")) {
    detail::json_document document(memo.text);
    for (auto item : document.object()) {
      detail::json_field field = detail::take(item, {});
      if (field.key == "data") return detail::raw_text(field.value, {});
    }
  }
  return memo.text;
}

}  // namespace inngest::inline INNGEST_ABI::protocol
