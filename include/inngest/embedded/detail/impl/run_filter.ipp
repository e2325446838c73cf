#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {
namespace filters {

/// A query parameter, or a value of a member of a JSON object.
struct parameter {
  std::string name{};
  std::string value{};
};

using parameters = std::vector<parameter>;

inline constexpr std::size_t max_parameters = 200, max_value_size = 4000;

/// Adds a parameter and limits the number and size of parameters. Omits empty ones.
INNGEST_INLINE void add(parameters& out, std::string name, std::string value) {
  if (value.empty()) return;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  if (!detail::is_utf8(name) || std::any_of(name.begin(), name.end(), is_control))
    throw payload_error("filter", "has a parameter whose name is no readable text");
  if (out.size() == max_parameters)
    throw payload_error(name, "there are more than " + std::to_string(max_parameters) + " values");
  if (value.size() > max_value_size)
    throw payload_error(name, "has more than " + std::to_string(max_value_size) + " bytes");
  if (!detail::is_utf8(value)) throw payload_error(name, "is not UTF-8");
  out.push_back({std::move(name), std::move(value)});
}

INNGEST_INLINE parameters parameters_of(const http::request& request) {
  parameters out;
  std::string_view rest = request.url;
  rest.remove_prefix((std::min)(rest.find('?'), rest.size()));
  if (!rest.empty()) rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix((std::min)(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    add(out, http::percent_decoded(part.substr(0, equals)),
        equals == std::string_view::npos ? std::string() : http::percent_decoded(part.substr(equals + 1)));
  }
  return out;
}

INNGEST_INLINE void add_member(parameters& out, const std::string& name, const json& value) {
  if (value.is_null()) return;
  if (value.is_string()) return add(out, name, value.get<std::string>());
  if (value.is_boolean() || value.is_number_integer()) return add(out, name, value.dump());
  throw payload_error(name, "must be a text");
}

INNGEST_INLINE parameters parameters_of(const json& filter) {
  if (!filter.is_object()) throw payload_error("filter", "must be a JSON object");
  parameters out;
  for (const auto& [name, value] : filter.items()) {
    if (!value.is_array()) {
      add_member(out, name, value);
      continue;
    }
    for (const json& item : value) add_member(out, name, item);
  }
  return out;
}

INNGEST_INLINE timestamp read_time(const parameter& from) {
  const auto out = parse_timestamp(from.value);
  if (!out)
    throw payload_error(from.name, "must be a time such as 2026-01-31T08:00:00Z, not \"" + from.value + "\"");
  return *out;
}

INNGEST_INLINE std::size_t read_number(const parameter& from, std::size_t least, std::size_t most) {
  std::size_t out = 0;
  const char* end = from.value.data() + from.value.size();
  const auto [last, problem] = std::from_chars(from.value.data(), end, out);
  if (problem != std::errc() || last != end || out < least || out > most)
    throw payload_error(from.name,
                        "must be a number from " + std::to_string(least) + " to " + std::to_string(most));
  return out;
}

/// The position of the value among the words.
template <std::size_t Count>
std::size_t read_word(const parameter& from, const std::array<std::string_view, Count>& words) {
  std::string known;
  for (std::size_t i = 0; i < Count; ++i) {
    if (from.value == words[i]) return i;
    known += (i == 0 ? "" : i + 1 == Count ? " or " : ", ") + std::string(words[i]);
  }
  throw payload_error(from.name, "must be " + known + ", not \"" + from.value + "\"");
}

INNGEST_INLINE run_status read_status(const parameter& from) {
  constexpr auto& known = detail::enumerators<run_status>;
  std::array<std::string_view, known.size()> words;
  std::transform(known.begin(), known.end(), words.begin(), [](const auto& status) { return status.name; });
  return known[read_word(from, words)].value;
}

INNGEST_INLINE run_tag read_tag(const parameter& from) {
  const std::size_t colon = from.value.find(':');
  if (colon == std::string::npos || colon == 0)
    throw payload_error(from.name, "must be a name, a colon and a value, not \"" + from.value + "\"");
  return {.name = from.value.substr(0, colon), .value = from.value.substr(colon + 1)};
}

INNGEST_INLINE std::string read_condition(const parameter& from) {
  try {
    return expression(from.value, expression_names::any).text();
  } catch (const expression_error& problem) {
    throw payload_error(from.name, problem.what());
  }
}

/// A parameter that is a text, and the member that it sets.
template <class Query>
struct text_parameter {
  std::string_view name;
  std::string Query::*member;
};

inline constexpr std::array<text_parameter<run_query>, 9> texts_of_runs{{
    {"app", &run_query::app},
    {"event", &run_query::event_name},
    {"event_id", &run_query::event_id},
    {"error", &run_query::error},
    {"key", &run_query::key},
    {"concurrency_key", &run_query::concurrency_key},
    {"idempotency_key", &run_query::idempotency_key},
    {"search", &run_query::search},
    {"before", &run_query::before},
}};

inline constexpr std::array<text_parameter<event_query>, 4> texts_of_events{{
    {"name", &event_query::name},
    {"id", &event_query::id},
    {"search", &event_query::search},
    {"before", &event_query::before},
}};

/// Sets a parameter that queries for runs and for events share. Returns false for other parameters.
template <class Query, std::size_t Count>
bool set_common(Query& out, const parameter& from, const std::array<text_parameter<Query>, Count>& texts) {
  for (const auto& [name, member] : texts) {
    if (from.name != name) continue;
    out.*member = from.value;
    return true;
  }
  if (from.name == "where")
    out.where = read_condition(from);
  else if (from.name == "from")
    out.from = read_time(from);
  else if (from.name == "until")
    out.until = read_time(from);
  else if (from.name == "limit")
    out.limit = read_number(from, 1, max_page_size);
  else
    return false;
  return true;
}

inline constexpr std::array<std::string_view, 3> times{"queued", "started", "ended"};
inline constexpr std::array<std::string_view, 2> orders{"desc", "asc"}, truths{"false", "true"};

/// Sets a parameter that may have several values. Returns false for other parameters.
INNGEST_INLINE bool set_listed(run_query& out, const parameter& from) {
  if (from.name == "status")
    out.statuses.push_back(read_status(from));
  else if (from.name == "function")
    (out.functions ? *out.functions : out.functions.emplace()).push_back(from.value);
  else if (from.name == "tag")
    out.tags.push_back(read_tag(from));
  else
    return false;
  return true;
}

INNGEST_INLINE bool set(run_query& out, const parameter& from) {
  if (from.name == "by")
    out.by = static_cast<run_query::time>(read_word(from, times));
  else if (from.name == "order")
    out.oldest_first = read_word(from, orders) == 1;
  else if (from.name == "deferred")
    out.is_deferred = read_word(from, truths) == 1;
  else if (from.name == "repeated")
    out.is_repeated = read_word(from, truths) == 1;
  else
    return set_common(out, from, texts_of_runs);
  return true;
}

[[noreturn]] INNGEST_INLINE void refuse(const parameter& unknown) {
  throw payload_error(detail::to_printable(unknown.name), "is not a parameter of this route");
}

/// \throws payload_error for a second value of a parameter that may have only one.
INNGEST_INLINE void check_single(const parameters& all, const parameter& given) {
  const auto has_name = [&](const parameter& candidate) { return candidate.name == given.name; };
  if (std::count_if(all.begin(), all.end(), has_name) > 1) throw payload_error(given.name, "is given twice");
}

template <class Query>
void check_times(const Query& query) {
  if (query.from && query.until && *query.from >= *query.until)
    throw payload_error("from", "must be before until");
}

INNGEST_INLINE run_query read_runs(const parameters& all, std::span<const std::string_view> others) {
  run_query out;
  for (const parameter& given : all) {
    if (set_listed(out, given)) continue;
    check_single(all, given);
    const bool is_other = std::find(others.begin(), others.end(), given.name) != others.end();
    if (!is_other && !set(out, given)) refuse(given);
  }
  check_times(out);
  return out;
}

}  // namespace filters

INNGEST_INLINE run_query read_run_filter(const http::request& request,
                                         std::span<const std::string_view> others) {
  return filters::read_runs(filters::parameters_of(request), others);
}

INNGEST_INLINE run_query read_run_filter(const json& filter) {
  run_query out = filters::read_runs(filters::parameters_of(filter), {});
  // an empty list of functions selects nothing
  if (filter.contains("function") && filter["function"].is_array() && !out.functions) out.functions.emplace();
  return out;
}

INNGEST_INLINE event_query read_event_filter(const http::request& request) {
  event_query out;
  const filters::parameters all = filters::parameters_of(request);
  for (const filters::parameter& given : all) {
    filters::check_single(all, given);
    if (!filters::set_common(out, given, filters::texts_of_events)) filters::refuse(given);
  }
  filters::check_times(out);
  return out;
}

INNGEST_INLINE std::map<std::string, std::string> read_parameters(
    const http::request& request, std::initializer_list<std::string_view> names) {
  std::map<std::string, std::string> out;
  const filters::parameters all = filters::parameters_of(request);
  for (const filters::parameter& given : all) {
    filters::check_single(all, given);
    if (std::find(names.begin(), names.end(), given.name) == names.end()) filters::refuse(given);
    out.emplace(given.name, given.value);
  }
  return out;
}

INNGEST_INLINE std::size_t read_limit(const std::string& text) {
  return filters::read_number({.name = "limit", .value = text}, 1, max_page_size);
}

INNGEST_INLINE function_query read_function_filter(const http::request& request) {
  auto all = read_parameters(request, {"search", "app"});
  return {.search = std::move(all["search"]), .app = std::move(all["app"])};
}

INNGEST_INLINE json to_json(const run_query& query) {
  json out = json::object();
  for (const auto& [name, member] : filters::texts_of_runs) {
    if (!(query.*member).empty()) out[std::string(name)] = query.*member;
  }
  if (!query.where.empty()) out["where"] = query.where;
  const auto has = [](const auto& all, const auto& value) {
    return all.empty() || std::find(all.begin(), all.end(), value) != all.end();
  };
  bool is_impossible = query.status && !has(query.statuses, *query.status);
  for (const run_status status : query.status ? std::vector{*query.status} : query.statuses)
    out["status"].push_back(std::string(to_string(status)));
  if (query.functions) out["function"] = *query.functions;
  if (!query.function.empty()) {
    is_impossible |= query.functions && (query.functions->empty() || !has(*query.functions, query.function));
    out["function"] = query.function;
  }
  if (is_impossible) out["function"] = json::array();  // no run fulfils the query
  for (const run_tag& tag : query.tags) out["tag"].push_back(tag.name + ":" + tag.value);
  if (query.is_deferred) out["deferred"] = *query.is_deferred ? "true" : "false";
  if (query.is_repeated) out["repeated"] = *query.is_repeated ? "true" : "false";
  if (query.by != run_query::time::queued)
    out["by"] = std::string(filters::times[static_cast<std::size_t>(query.by)]);
  if (query.from) out["from"] = to_text(*query.from);
  if (query.until) out["until"] = to_text(*query.until);
  if (query.oldest_first) out["order"] = "asc";
  if (query.limit != run_query().limit && query.limit <= max_page_size) out["limit"] = query.limit;
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
