// The filters of runs, events and functions, as the parameters of a query and as a JSON object: each is
// refused with a parameter's name, or read. What was read is written so that it is read again alike, and a
// run that no filter wants is compared without harm.
#include <inngest/embedded/detail/bulk_api.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/time/timestamp.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

using namespace inngest::embedded;

/// Calls what may refuse its input. Returns whether it did not.
template <class Call>
bool is_taken(const Call& call) {
  try {
    call();
    return true;
  } catch (const inngest::payload_error& refused) {
    FUZZ_CHECK(*refused.what() != '\0');
  } catch (const inngest::configuration_error& refused) {
    FUZZ_CHECK(*refused.what() != '\0');
  }
  return false;
}

/// An offset may lead to a time beyond the years that a text can say.
bool has_text(const std::optional<inngest::timestamp>& time) {
  return !time || inngest::parse_timestamp(inngest::to_text(*time)) == time;
}

void check_query(const run_query& query) {
  FUZZ_CHECK(query.limit >= 1 && query.limit <= max_page_size);
  FUZZ_CHECK(!query.from || !query.until || *query.from < *query.until);
  if (!has_text(query.from) || !has_text(query.until)) return;
  const inngest::json written = to_json(query);
  run_query again;
  FUZZ_CHECK(is_taken([&] { again = read_run_filter(written); }));
  FUZZ_CHECK(to_json(again) == written);
  const inngest::embedded::run no_run{.id = "R", .event_id = "E", .event_name = "n"};
  const bool fits = is_match(no_run, {{.id = "E", .text = "{}"}}, query);
  FUZZ_CHECK(is_match(no_run, {{.id = "E", .text = "{}"}}, again) == fits);
  if (query.before.empty()) return;
  const auto place = place_of_cursor(query.before, true, [](const auto&) { return std::nullopt; });
  if (place)
    FUZZ_CHECK(place_of_cursor(cursor_of(*place), true, [](const auto&) { return std::nullopt; }) == place);
}

}  // namespace

void targets::fuzz_run_filter(std::string_view text) {
  const inngest::http::request request{.method = "GET", .url = "/api/runs?" + std::string(text)};
  run_query query;
  if (is_taken([&] { query = read_run_filter(request); })) check_query(query);
  is_taken([&] { read_event_filter(request); });
  is_taken([&] { read_function_filter(request); });
  is_taken([&] {
    query = read_run_filter(inngest::detail::parse_dom(text));
    check_query(query);
  });
  is_taken([&] {
    bool dry_run = false;
    const bulk_request wanted = read_bulk_request(std::string(text), dry_run);
    const bulk_operation operation = new_bulk_operation(wanted);
    check_query(query_of(operation));
  });
}
