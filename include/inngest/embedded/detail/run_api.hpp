#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

// The JSON of runs in version 2 of a server's REST API. Like a server's, it omits empty and false members.

namespace inngest::inline INNGEST_ABI::embedded::run_api {

/// An error in the format of version 2.
http::response refusal(int status, const char* code, const std::string& message);

/// An answer with data. The members of `more` are added next to the data.
http::response answer(json data, json more = json::object(), int status = 200);

/// An object is returned unchanged; any other value is wrapped: {"data": value}.
json as_object(json value);

/// A run as an element of a list. `events` are the run's, or empty when they are not known.
json described(const run& run, std::span<const function_definition> functions, bool with_output,
               std::span<const run_event> events = {});

/// The status in a server's words. `queued` is the word for a run or span that has not begun.
std::string status_text(run_status status, const char* queued);

/// Adds when something was queued, began and ended, and how long it took.
void add_times(json& out, timestamp queued, std::optional<timestamp> started, std::optional<timestamp> ended);

/// The function's result or error; `nullopt` while there is none.
std::optional<json> output_of(const run& run);

/// A request for a page of runs.
struct page_request {
  run_query query{};
  bool with_output = false;
};

/// Reads the parameters of a request for runs. \throws payload_error with a server's message
page_request read_page_request(const http::request& request, std::span<const function_definition> functions,
                               std::size_t most, const std::optional<std::string>& app_id = std::nullopt,
                               const std::optional<std::string>& function_id = std::nullopt);

/// The body of a request: an object, or nothing. \throws payload_error
json read_body(const std::string& body);

/// Reads the step of a request to repeat a run; `nullopt` when it has none. \throws payload_error
std::optional<rerun_step> read_rerun_step(const std::string& body);

/// A page of runs. One more run was requested than the page contains.
http::response page_of(std::vector<run> runs, const page_request& asked,
                       std::span<const function_definition> functions);

/// Whether the text has the form of a run's or an event's id.
bool is_ulid(std::string_view text);

/// The function of the app: by its id within the app, or by its slug. Null when there is none.
const function_definition* find_function(std::span<const function_definition> functions,
                                         const std::string& app_id, const std::string& function_id);

}  // namespace inngest::inline INNGEST_ABI::embedded::run_api

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_api.ipp>
#endif
