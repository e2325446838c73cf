#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/embedded/detail/run_match.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<timestamp> time_of(const run& run, run_query::time by) {
  return by == run_query::time::queued    ? std::optional(run.queued_at)
         : by == run_query::time::started ? run.started_at
                                          : run.ended_at;
}

INNGEST_INLINE bool has_words(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                     [](char a, char b) { return detail::to_lower(a) == detail::to_lower(b); }) !=
             text.end() ||
         wanted.empty();
}

/// The value of a digit of an id; -1 for other characters.
INNGEST_INLINE int digit_of_id(char c) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const std::size_t found = digits.find(c);
  return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

INNGEST_INLINE bool is_id(std::string_view text) {
  return text.size() == 26 &&
         std::all_of(text.begin(), text.end(), [](char c) { return digit_of_id(c) >= 0; });
}

/// The time in an id.
INNGEST_INLINE timestamp time_of_id(std::string_view id) {
  constexpr std::size_t digits_of_time = 10;
  std::int64_t out = 0;
  for (const char c : id.substr(0, digits_of_time)) out = out * 32 + digit_of_id(c);
  return timestamp(std::chrono::milliseconds(out));
}

INNGEST_INLINE bool has_tags(const run& run, const std::vector<run_tag>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const run_tag& tag) {
    return std::find(run.tags.begin(), run.tags.end(), tag) != run.tags.end();
  });
}

INNGEST_INLINE bool has_keys(const run& run, const run_query& query) {
  const auto& all = run.concurrency_keys;
  const auto limits = [&](const std::string& key) {
    return std::find(all.begin(), all.end(), key) != all.end();
  };
  return (query.concurrency_key.empty() || limits(query.concurrency_key)) &&
         (query.idempotency_key.empty() || run.idempotency_key == query.idempotency_key) &&
         (query.key.empty() || limits(query.key) || run.idempotency_key == query.key);
}

/// Whether the id equals, or one of the texts contains, the searched text.
INNGEST_INLINE bool has_searched(const run& run, const std::string& wanted) {
  if (is_id(wanted)) return run.id == wanted || run.event_id == wanted;
  const auto has = [&](const std::string& text) { return text.find(wanted) != std::string::npos; };
  return wanted.empty() || has(run.id) || has(run.event_id) || has(run.event_name);
}

INNGEST_INLINE bool is_match(const run& run, const std::vector<run_event>& events, const run_query& query) {
  const auto one_of = [](const auto& all, const auto& value) {
    return std::find(all.begin(), all.end(), value) != all.end();
  };
  const auto time = time_of(run, query.by);
  const bool is_of_event = query.event_id.empty() ||
                           std::any_of(events.begin(), events.end(),
                                       [&](const run_event& event) { return event.id == query.event_id; });
  const bool has_error =
      query.error.empty() ||
      (run.error && (has_words(run.error->name, query.error) || has_words(run.error->message, query.error)));
  return (!query.status || run.status == *query.status) &&
         (query.statuses.empty() || one_of(query.statuses, run.status)) &&
         (query.function.empty() || run.function_slug == query.function) &&
         (!query.functions || one_of(*query.functions, run.function_slug)) &&
         (query.app.empty() || run.function_slug == detail::slug_of(query.app, run.function_id)) &&
         (!query.is_deferred || *query.is_deferred == (run.event_name == deferred_event)) && time &&
         (!query.from || *time >= *query.from) && (!query.until || *time < *query.until) &&
         (query.event_name.empty() || run.event_name == query.event_name) && is_of_event && has_error &&
         has_tags(run, query.tags) && has_keys(run, query) && has_searched(run, query.search);
}

INNGEST_INLINE const std::string& first_run_of(const run& run) {
  return run.original_run_id.empty() ? run.id : run.original_run_id;
}

INNGEST_INLINE bool is_later_repetition(std::string_view repetition_id, const run& run) {
  // every repetition is later than the first run, whatever its id: the clock may have been set back
  return run.original_run_id.empty() || repetition_id > run.id;
}

INNGEST_INLINE bool is_match(const event_record& event, const event_query& query) {
  const auto has = [&](const std::string& text) { return text.find(query.search) != std::string::npos; };
  return (query.name.empty() || event.name == query.name) && (query.id.empty() || event.id == query.id) &&
         (!query.from || event.received_at >= *query.from) &&
         (!query.until || event.received_at < *query.until) &&
         (query.search.empty() ||
          (is_id(query.search) ? event.id == query.search : has(event.id) || has(event.name)));
}

INNGEST_INLINE std::string cursor_of(const order_place& place) {
  return place.id + "@" + std::to_string(place.time.time_since_epoch().count());
}

INNGEST_INLINE std::optional<order_place> place_of_cursor(
    const std::string& before, bool ids_have_time,
    const std::function<std::optional<timestamp>(const std::string& id)>& time_of) {
  const std::size_t at = before.rfind('@');
  if (at != std::string::npos) {
    std::int64_t count = 0;
    const char* end = before.data() + before.size();
    const auto [last, problem] = std::from_chars(before.data() + at + 1, end, count);
    if (problem == std::errc() && last == end)
      return order_place{timestamp(std::chrono::milliseconds(count)), before.substr(0, at)};
  }
  if (const auto time = time_of(before)) return order_place{*time, before};
  if (ids_have_time && is_id(before)) return order_place{time_of_id(before), before};
  return std::nullopt;
}

INNGEST_INLINE run without_timeline(const run& from) {
  return {.id = from.id,
          .function_id = from.function_id,
          .function_slug = from.function_slug,
          .event_id = from.event_id,
          .event_name = from.event_name,
          .original_run_id = from.original_run_id,
          .status = from.status,
          .queued_at = from.queued_at,
          .started_at = from.started_at,
          .ended_at = from.ended_at,
          .output_text = from.output_text,
          .error = from.error,
          .tags = from.tags,
          .concurrency_keys = from.concurrency_keys,
          .idempotency_key = from.idempotency_key};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
