#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/query.hpp>
#include <inngest/time/timestamp.hpp>

// Searching code that stores share: which runs and events a query selects, and where a page begins.

namespace inngest::inline INNGEST_ABI::embedded {

/// Whether the text has the form of an engine's id.
bool is_id(std::string_view text);

/// Whether the run matches the query, ignoring `where`, `is_repeated` and its position in the order. `events`
/// are the run's.
bool is_match(const run& run, const std::vector<run_event>& events, const run_query& query);

/// The id of the run that this one repeats, or its own.
const std::string& first_run_of(const run& run);

/// Whether a rerun of the run's first run came after the run: see run_query::is_repeated.
bool is_later_repetition(std::string_view repetition_id, const run& run);

/// Whether the event matches the query, ignoring `where` and its position in the order.
bool is_match(const event_record& event, const event_query& query);

/// The time of the run by which a query orders; `nullopt` when the run has none.
std::optional<timestamp> time_of(const run& run, run_query::time by);

/// Whether a text contains the other one, ignoring the case of ASCII letters.
bool has_words(std::string_view text, std::string_view wanted);

/// A position in the order of a query.
struct order_place {
  timestamp time{};
  std::string id{};

  bool operator==(const order_place&) const = default;
  bool operator<(const order_place& other) const {
    return std::tie(time, id) < std::tie(other.time, other.id);
  }
};

/// The position in the form of run_query::before and event_query::before.
std::string cursor_of(const order_place& place);

/// Where a page begins: after the record that `before` names. `time_of` returns the time of a record,
/// `nullopt` when it does not exist; then, if `ids_have_time`, the time in the id is used. `nullopt` when
/// there is no time, and so the page is empty. Do not call it with an empty text.
std::optional<order_place> place_of_cursor(
    const std::string& before, bool ids_have_time,
    const std::function<std::optional<timestamp>(const std::string& id)>& time_of);

/// A copy of the run without its timeline.
run without_timeline(const run& from);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_match.ipp>
#endif
