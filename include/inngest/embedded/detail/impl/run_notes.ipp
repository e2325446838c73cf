#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/options.hpp>

namespace inngest::inline INNGEST_ABI::embedded {
namespace notes {

/// The kinds with the prefix "inngest." that apps may set.
inline constexpr std::array<std::string_view, 7> kinds_of_apps{
    "inngest.ai",       "inngest.http",       "inngest.http.timing", "inngest.response_headers",
    "inngest.warnings", "inngest.experiment", "inngest.score"};

INNGEST_INLINE std::string text_member(const json& object, const char* name, const std::string& at) {
  if (!object.contains(name) || !object[name].is_string())
    throw payload_error(at + "." + name, "must be a text");
  return object[name].get<std::string>();
}

INNGEST_INLINE std::string too_many_bytes() {
  return "is larger than " + std::to_string(max_metadata_size) + " bytes";
}

INNGEST_INLINE std::string too_many_changes(const char* whose) {
  return std::string(whose) + " has at most " + std::to_string(max_metadata_changes) + " changes";
}

INNGEST_INLINE void check_kind(const std::string& kind, const std::string& at) {
  constexpr std::size_t longest = 128;
  if (kind.empty() || kind.size() > longest)
    throw payload_error(at + ".kind", "must have 1 to " + std::to_string(longest) + " bytes");
  const bool is_reserved = kind.starts_with("inngest.");
  if (is_reserved && std::find(kinds_of_apps.begin(), kinds_of_apps.end(), kind) == kinds_of_apps.end())
    throw payload_error(at + ".kind", "\"" + kind + "\" is reserved: use \"userland.\" and a name");
}

INNGEST_INLINE void check_score(const std::string& name, const json& score, const std::string& at) {
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == '\'';
  });
  if (name.size() > 128 || has_control)
    throw payload_error(at, "a score's name has at most 128 bytes, and no quotes or control characters");
  const bool is_score = score.is_object() && score.size() == 1 && score.contains("value") &&
                        (score["value"].is_number() || score["value"].is_boolean());
  if (!is_score) throw payload_error(at + "." + name, R"(must be {"value": a number or a boolean})");
}

/// The target as text; empty for the run itself.
INNGEST_INLINE std::string read_target(const json& body) {
  if (!body.contains("target") || body["target"].is_null()) return {};
  const json& target = body["target"];
  if (!target.is_object()) throw payload_error("target", "must be an object");
  const auto has = [&](const char* name) { return target.contains(name) && !target[name].is_null(); };
  json out = json::object();
  for (const char* name : {"step_id", "span_id"}) {
    if (has(name)) out[name] = text_member(target, name, "target");
  }
  for (const char* name : {"step_index", "step_attempt"}) {
    if (!has(name)) continue;
    if (!target[name].is_number_integer())
      throw payload_error(std::string("target.") + name, "must be an integer");
    out[name] = target[name];
  }
  if (out.empty()) return {};
  if (!out.contains("step_id"))
    throw payload_error("target.step_id", "is needed with the other members of a target");
  std::string text = encode(out);
  if (text.size() > max_metadata_size) throw metadata_too_large("target", too_many_bytes());
  return text;
}

INNGEST_INLINE run_note read_change(const json& change, const std::string& target, const std::string& at) {
  if (!change.is_object()) throw payload_error(at, "must be an object");
  run_note out{.what = run_note::kind::metadata, .target = target};
  out.subject = text_member(change, "kind", at);
  out.name = text_member(change, "op", at);
  check_kind(out.subject, at);
  constexpr std::array<std::string_view, 4> known{"merge", "set", "delete", "add"};
  if (std::find(known.begin(), known.end(), out.name) == known.end())
    throw payload_error(at + ".op", "must be merge, set, delete or add");
  if (!change.contains("values") || !change["values"].is_object())
    throw payload_error(at + ".values", "must be an object");
  const json& values = change["values"];
  if (out.subject == "inngest.score") {
    for (const auto& [name, score] : values.items()) check_score(name, score, at + ".values");
  }
  out.text = encode(values);
  if (metadata_size(out) > max_metadata_size) throw metadata_too_large(at + ".values", too_many_bytes());
  return out;
}

/// The beginning of a text, cut between characters.
INNGEST_INLINE std::string shortened(std::string_view text, std::size_t size) {
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

/// The number as an integer of 64 bits; `nullopt` when it is none.
INNGEST_INLINE std::optional<std::int64_t> integer_of(const json& number) {
  constexpr auto largest = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
  if (!number.is_number_integer()) return std::nullopt;
  if (number.is_number_unsigned() && number.get<std::uint64_t>() > largest) return std::nullopt;
  return number.get<std::int64_t>();
}

/// The sum of two numbers: an integer if both are and it fits.
INNGEST_INLINE json sum_of(const json& first, const json& second) {
  using limits = std::numeric_limits<std::int64_t>;
  const auto a = integer_of(first), b = integer_of(second);
  const bool fits = a && b && (*a > 0 ? *b <= (limits::max)() - *a : *b >= (limits::min)() - *a);
  if (fits) return *a + *b;
  return first.get<double>() + second.get<double>();
}

INNGEST_INLINE void combine(json& values, const std::string& op, const json& change) {
  if (op == "set") values = json::object();
  for (const auto& [name, value] : change.items()) {
    const bool adds = op == "add" && values.contains(name) && values[name].is_number();
    if (op == "delete")
      values.erase(name);
    else if (!adds)
      values[name] = value;
    else if (value.is_number())
      values[name] = sum_of(values[name], value);
  }
}

/// The kind of a change that may be invalid.
INNGEST_INLINE std::string kind_of_change(const json& change) {
  const bool has_kind = change.is_object() && change.contains("kind") && change["kind"].is_string();
  return has_kind ? change["kind"].get<std::string>() : std::string();
}

/// Removes the changes of a target that a later one replaces.
INNGEST_INLINE void remove_replaced(std::vector<run_note>& changes) {
  std::map<std::string, std::size_t> sets;  // the place of the last `set` of a kind
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].sets_metadata()) sets[changes[i].subject] = i;
  }
  std::vector<run_note> kept;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto set = sets.find(changes[i].subject);
    if (set == sets.end() || i >= set->second) kept.push_back(std::move(changes[i]));
  }
  changes = std::move(kept);
}

}  // namespace notes

INNGEST_INLINE std::size_t metadata_size(const run_note& note) { return note.text.size(); }

INNGEST_INLINE void left_out_metadata::add(const std::string& kind, const std::string& why) {
  if (++count_ > 1) return;
  first_ = detail::to_printable("metadata of kind \"" + kind.substr(0, 128) + "\" is not stored: " + why);
}

INNGEST_INLINE std::string left_out_metadata::text() const {
  return count_ < 2 ? first_ : first_ + " (and " + std::to_string(count_ - 1) + " more)";
}

INNGEST_INLINE void metadata_usage::add(const run_note& note) {
  if (note.what != run_note::kind::metadata) return;
  all_ = with(note);
  amount& part = parts_[{note.subject, note.target}];
  if (note.sets_metadata()) part = {};
  ++part.changes;
  part.bytes += metadata_size(note) + note.target.size();
}

INNGEST_INLINE void metadata_usage::add(const metadata_amount& stored) {
  for (amount* counted : {&all_, &parts_[{stored.subject, stored.target}]}) {
    counted->changes += stored.changes;
    counted->bytes += stored.bytes;
  }
}

INNGEST_INLINE std::vector<metadata_amount> metadata_usage::amounts() const {
  std::vector<metadata_amount> out;
  for (const auto& [part, counted] : parts_) {
    out.push_back(
        {.subject = part.first, .target = part.second, .changes = counted.changes, .bytes = counted.bytes});
  }
  return out;
}

INNGEST_INLINE metadata_usage::amount metadata_usage::with(const run_note& change) const {
  amount out = all_;
  const auto replaced = parts_.find({change.subject, change.target});
  if (change.sets_metadata() && replaced != parts_.end()) {
    out.changes -= replaced->second.changes;
    out.bytes -= replaced->second.bytes;
  }
  ++out.changes;
  out.bytes += metadata_size(change) + change.target.size();
  return out;
}

INNGEST_INLINE std::string metadata_usage::exceeded_by(const amount& wanted) {
  if (wanted.bytes > max_metadata_of_run) return "more than 1 MB";
  if (wanted.changes <= max_metadata_changes_of_run) return {};
  return "more than " + std::to_string(max_metadata_changes_of_run) + " changes";
}

INNGEST_INLINE std::vector<run_note> read_metadata(std::string_view body) {
  const std::string text(body);
  check_received_json(text, detail::json_path("body"));
  const json whole = detail::parse_dom(text);
  if (!whole.is_object()) throw payload_error("body", "must be an object");
  const std::string target = notes::read_target(whole);
  if (!whole.contains("metadata") || !whole["metadata"].is_array())
    throw payload_error("metadata", "must be an array");
  if (whole["metadata"].size() > max_metadata_changes)
    throw metadata_too_large("metadata", notes::too_many_changes("a request"));
  std::vector<run_note> out;
  for (const json& change : whole["metadata"])
    out.push_back(notes::read_change(change, target, "metadata[" + std::to_string(out.size()) + "]"));
  return out;
}

INNGEST_INLINE step_metadata read_step_metadata(const json& changes) {
  step_metadata out;
  for (const json& change : changes) {
    try {
      out.changes.push_back(notes::read_change(change, {}, "metadata"));
    } catch (const payload_error& problem) {
      out.left_out.add(notes::kind_of_change(change), problem.what());
    }
  }
  notes::remove_replaced(out.changes);
  for (std::size_t i = max_metadata_changes; i < out.changes.size(); ++i)
    out.left_out.add(out.changes[i].subject, notes::too_many_changes("a step"));
  if (out.changes.size() > max_metadata_changes) out.changes.resize(max_metadata_changes);
  return out;
}

INNGEST_INLINE run_note note_of(const realtime::message& message) {
  run_note out{.run_id = message.run_id, .what = run_note::kind::message};
  out.subject = message.channel;
  out.name = message.topic;
  out.text = message.text;
  if (out.text.size() > max_kept_message)
    out.text = encode(notes::shortened(message.text, max_kept_message / 2), "data");
  return out;
}

INNGEST_INLINE json combined_metadata(const std::vector<run_note>& notes) {
  json out = json::array();
  std::map<std::pair<std::string, std::string>, std::size_t> places;  // by kind and target
  for (const run_note& note : notes) {
    if (note.what != run_note::kind::metadata) continue;
    const json target = note.target.empty() ? json() : received_json_value(note.target);
    const std::string kind = detail::to_printable(note.subject);
    const auto [place, is_new] = places.try_emplace({kind, target.dump()}, out.size());
    if (is_new) out.push_back({{"kind", kind}, {"target", target}, {"values", json::object()}});
    const json change = received_json_value(note.text);
    if (change.is_object()) notes::combine(out[place->second]["values"], note.name, change);
  }
  return out;
}

namespace notes {

INNGEST_INLINE void add_tag_changes(const run_note& note, std::vector<tag_change>& out) {
  if (note.what != run_note::kind::metadata || note.subject != tags_kind || !note.target.empty()) return;
  if (note.name == "set") out.push_back({.run_id = note.run_id});  // removes all
  const json values = received_json_value(note.text);
  if (!values.is_object()) return;
  for (const auto& [name, value] : values.items()) {
    if (!detail::problem_of_tag_name(name).empty()) continue;
    const bool removes = note.name == "delete";
    auto text = removes ? std::nullopt : tag_value_of(value);
    if (removes || text) out.push_back({.run_id = note.run_id, .name = name, .value = std::move(text)});
  }
}

}  // namespace notes

INNGEST_INLINE std::vector<tag_change> tag_changes_of(const std::vector<run_note>& notes) {
  std::vector<tag_change> out;
  for (const run_note& note : notes) embedded::notes::add_tag_changes(note, out);
  return out;
}

INNGEST_INLINE std::string plain_text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  constexpr double largest = 9'007'199'254'740'992;  // all integers up to it are exact
  if (value.is_number_float()) {
    const double number = value.get<double>();
    const bool is_small = number >= -largest && number <= largest;
    if (is_small && number == std::trunc(number)) return std::to_string(static_cast<std::int64_t>(number));
  }
  return value.dump();
}

INNGEST_INLINE std::optional<std::string> tag_value_of(const json& value) {
  if (!value.is_string() && !value.is_number() && !value.is_boolean()) return std::nullopt;
  std::string out = plain_text_of(value);
  if (out.size() > detail::max_tag_value_size) return std::nullopt;
  return out;
}

INNGEST_INLINE std::string message_data(std::string_view body) {
  try {
    check_received_json(body, detail::json_path("body"));
    return std::string(body);
  } catch (const payload_error&) {
    return encode(detail::to_printable(body), "body");
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
