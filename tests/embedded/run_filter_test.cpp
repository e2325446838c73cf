#include <inngest/embedded/detail/run_filter.hpp>

#include <array>
#include <string>

#include "../catch.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::read_event_filter;
using inngest::embedded::read_run_filter;
using inngest::embedded::run_query;
using inngest::embedded::run_status;
using inngest::embedded::run_tag;
using inngest::embedded::to_json;

namespace {

run_query read(const std::string& parameters) {
  return read_run_filter(inngest::http::request{.url = "/api/runs?" + parameters});
}

std::string problem_of(const std::string& parameters) {
  try {
    read(parameters);
  } catch (const inngest::payload_error& problem) {
    return problem.what();
  }
  return "";
}

inngest::timestamp at(const char* text) { return *inngest::parse_timestamp(text); }

}  // namespace

TEST_CASE("parameters select runs by everything that is known about them", "[embedded]") {
  const run_query found = read(
      "status=failed&status=waiting&app=shop&function=shop-pay&event=shop%2Forder&event_id=01E&"
      "error=no+money&tag=customer:c:7&tag=plan:&key=k&concurrency_key=c&idempotency_key=i&"
      "where=event.data.n%20%3E%201&from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&by=ended&order=asc&"
      "search=01&before=01R&limit=7&deferred=false&repeated=true");
  CHECK(found.statuses == std::vector{run_status::failed, run_status::waiting});
  CHECK(found.app == "shop");
  CHECK(found.functions == std::vector<std::string>{"shop-pay"});
  CHECK(found.event_name == "shop/order");
  CHECK(found.event_id == "01E");
  CHECK(found.error == "no money");
  CHECK(found.tags == std::vector<run_tag>{{"customer", "c:7"}, {"plan", ""}});
  CHECK(found.key == "k");
  CHECK(found.concurrency_key == "c");
  CHECK(found.idempotency_key == "i");
  CHECK(found.where == "event.data.n > 1");
  CHECK(found.from == at("2026-01-01T00:00:00Z"));
  CHECK(found.until == at("2026-01-02T00:00:00Z"));
  CHECK(found.by == run_query::time::ended);
  CHECK(found.oldest_first);
  CHECK(found.search == "01");
  CHECK(found.before == "01R");
  CHECK(found.limit == 7);
  CHECK(found.is_deferred == false);
  CHECK(found.is_repeated == true);
}

TEST_CASE("a filter in JSON has the names of the parameters, and comes back from its own JSON",
          "[embedded]") {
  const json filter{{"status", {"failed", "cancelled"}},
                    {"app", "shop"},
                    {"function", {"shop-pay", "shop-pack"}},
                    {"event", "shop/order"},
                    {"event_id", "01E"},
                    {"error", "no money"},
                    {"tag", {"customer:c-7"}},
                    {"key", "k"},
                    {"concurrency_key", "c"},
                    {"idempotency_key", "i"},
                    {"where", "event.data.n > 1"},
                    {"from", "2026-01-01T00:00:00.000Z"},
                    {"until", "2026-01-02T00:00:00.000Z"},
                    {"by", "started"},
                    {"order", "asc"},
                    {"search", "01"},
                    {"before", "01R"},
                    {"limit", 7},
                    {"deferred", "true"},
                    {"repeated", "false"}};
  CHECK(to_json(read_run_filter(filter)) == filter);
  CHECK(to_json(run_query()) == json::object());
  CHECK(read_run_filter(json{{"status", "failed"}, {"deferred", true}}).statuses ==
        std::vector{run_status::failed});
}

TEST_CASE("a filter by no function, or by contradicting statuses, selects nothing in JSON, too",
          "[embedded]") {
  CHECK(read_run_filter(json{{"function", json::array()}}).functions == std::vector<std::string>{});
  run_query contradiction{.status = run_status::failed, .statuses = {run_status::completed}};
  CHECK(read_run_filter(to_json(contradiction)).functions == std::vector<std::string>{});
  run_query same{
      .status = run_status::failed, .function = "a", .functions = std::vector<std::string>{"a", "b"}};
  CHECK(to_json(same) == json{{"status", {"failed"}}, {"function", "a"}});
}

TEST_CASE("a parameter that is unknown or wrong is refused by its name", "[embedded]") {
  CHECK_THAT(problem_of("statsu=failed"), ContainsSubstring("statsu: is not a parameter"));
  CHECK_THAT(problem_of("status=broken"), ContainsSubstring("status: must be queued, running"));
  CHECK_THAT(problem_of("tag=customer"), ContainsSubstring("tag: must be a name, a colon and a value"));
  CHECK_THAT(problem_of("from=yesterday"), ContainsSubstring("from: must be a time"));
  CHECK_THAT(problem_of("from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z"),
             ContainsSubstring("from: must be before until"));
  CHECK_THAT(problem_of("limit=0"), ContainsSubstring("limit: must be a number from 1 to 200"));
  CHECK_THAT(problem_of("limit=7x"), ContainsSubstring("limit: must be a number"));
  CHECK_THAT(problem_of("by=end"), ContainsSubstring("by: must be queued, started or ended"));
  CHECK_THAT(problem_of("order=up"), ContainsSubstring("order: must be desc or asc"));
  CHECK_THAT(problem_of("where=event.data.n+%3E"), ContainsSubstring("where: "));
  CHECK_THAT(problem_of("app=a&app=b"), ContainsSubstring("app: is given twice"));
  CHECK_THAT(problem_of("error=%ff"), ContainsSubstring("error: is not UTF-8"));
  CHECK_THAT(problem_of("%00=1"), ContainsSubstring("whose name is no readable text"));
  CHECK_THAT(problem_of("%ff=1"), ContainsSubstring("whose name is no readable text"));
  CHECK_THAT(problem_of("error=" + std::string(5000, 'x')), ContainsSubstring("error: has more than"));
  CHECK(problem_of("status=&app=&function=&limit=") == "");
  CHECK_THROWS_AS(read_run_filter(json::array()), inngest::payload_error);
  CHECK_THROWS_AS(read_run_filter(json{{"app", json::object()}}), inngest::payload_error);
  CHECK_THROWS_AS(read_run_filter(json{{"page", 1}}), inngest::payload_error);
}

TEST_CASE("a route may have parameters of its own", "[embedded]") {
  const inngest::http::request request{.url = "/api/runs/histogram?app=a&buckets=7"};
  constexpr std::array<std::string_view, 1> others{"buckets"};
  CHECK(read_run_filter(request, others).app == "a");
  CHECK_THROWS_AS(read_run_filter(request), inngest::payload_error);
}

TEST_CASE("parameters select events", "[embedded]") {
  const auto found = read_event_filter({.url = "/api/"
                                               "events?name=a&id=b&search=c&where=event.data.n%3D%3D1&from="
                                               "2026-01-01T00:00:00Z&limit=3&before=x"});
  CHECK(found.name == "a");
  CHECK(found.id == "b");
  CHECK(found.search == "c");
  CHECK(found.where == "event.data.n==1");
  CHECK(found.from == at("2026-01-01T00:00:00Z"));
  CHECK(found.limit == 3);
  CHECK(found.before == "x");
  CHECK_THROWS_AS(read_event_filter({.url = "/api/events?status=failed"}), inngest::payload_error);
}
