#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// The filters of runs and events as query parameters and as JSON. Both have the same names:
//
//   status           one of to_string(run_status); several select runs of any of them
//   function         a slug; several select runs of any of them
//   app, event, event_id, error, key, concurrency_key, idempotency_key, where, search
//   tag              "name:value"; several select runs that have all of them
//   deferred         "true" or "false"
//   repeated         "true" or "false"
//   from, until      RFC 3339
//   by               "queued", "started" or "ended": the time of from, until and the order
//   order            "desc" (newest first) or "asc"
//   before, limit    the page
//
// In JSON a parameter with several values is an array, and limit may be a number.

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum page size of a request.
inline constexpr std::size_t max_page_size = 200;

/// The query described by a request's parameters; its statuses and functions are in `statuses` and
/// `functions`. An empty parameter counts as absent. `others` are names that the caller reads itself.
/// \throws payload_error that names the unknown or invalid parameter.
run_query read_run_filter(const http::request& request, std::span<const std::string_view> others = {});

/// Reads the query from a JSON object, which bulk operations use.
/// \throws payload_error
run_query read_run_filter(const json& filter);

/// The query as such a JSON object: read_run_filter() returns an equal query.
json to_json(const run_query& query);

/// Like read_run_filter(), for events, whose parameters are name, id, search, where, from, until, before and
/// limit.
/// \throws payload_error that names the unknown or invalid parameter.
event_query read_event_filter(const http::request& request);

/// The parameters of a request, by name, if it has no others than these. An empty parameter counts as absent.
/// \throws payload_error that names a parameter which is unknown or occurs twice.
std::map<std::string, std::string> read_parameters(const http::request& request,
                                                   std::initializer_list<std::string_view> names);

/// The parameter `limit` of a page: a number from 1 to max_page_size.
/// \throws payload_error
std::size_t read_limit(const std::string& text);

/// Selects functions.
struct function_query {
  std::string search{};  ///< a part of the slug or the name; ignores the case of ASCII letters
  std::string app{};     ///< the app's id
};

/// Like read_run_filter(), for functions.
/// \throws payload_error that names the unknown or invalid parameter.
function_query read_function_filter(const http::request& request);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_filter.ipp>
#endif
