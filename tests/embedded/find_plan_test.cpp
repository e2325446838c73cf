#include <inngest/embedded/detail/sqlite_search.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "store_records.hpp"

using namespace store_records;
namespace sqlite = inngest::detail::sqlite;

namespace {

/// What SQLite says about how it reads the rows of a statement, a line for each table.
std::string plan_of(sqlite::database& file, const sqlite::sql_part& statement) {
  std::string out;
  auto rows = file.query_once("EXPLAIN QUERY PLAN " + statement.text, statement.values);
  while (rows.next()) {
    std::string line;
    rows.skip(3);  // numbers of the lines
    rows.read(line);
    out += line + "\n";
  }
  return out;
}

using change = std::function<void(run_query&)>;

}  // namespace

TEST_CASE("every filter that has an index is answered by it, in the order of the page", "[embedded][find]") {
  const folder kept;
  { const inngest::embedded::sqlite_store made({.path = kept.file}); }
  sqlite::database file(kept.file.string(), sqlite::access::reads);
  const auto filters = std::to_array<std::pair<const char*, change>>({
      {"runs_by_queue", [](run_query&) {}},
      {"runs_by_queue", [](run_query& query) { query.from = at(5), query.until = at(9); }},
      {"runs_by_start", [](run_query& query) { query.by = run_query::time::started; }},
      {"runs_by_end", [](run_query& query) { query.by = run_query::time::ended, query.from = at(5); }},
      {"runs_by_status", [](run_query& query) { query.status = run_status::failed; }},
      {"runs_by_function", [](run_query& query) { query.function = "shop-charge"; }},
      {"runs_by_function",
       [](run_query& query) { query.function = "shop-charge", query.status = run_status::failed; }},
      {"runs_by_event", [](run_query& query) { query.event_name = "shop/ordered"; }},
      {"run_tags", [](run_query& query) { query.tags = {{"customer", "acme"}}; }},
      {"run_keys", [](run_query& query) { query.concurrency_key = "k"; }},
      {"run_keys", [](run_query& query) { query.idempotency_key = "k"; }},
      {"run_keys", [](run_query& query) { query.key = "k"; }},
  });
  for (const bool oldest_first : {false, true}) {
    for (const auto& [index, filter] : filters) {
      run_query query{.oldest_first = oldest_first};
      filter(query);
      CAPTURE(index, oldest_first);
      // as in a file in which every filter selects many runs
      for (const auto& statement : sqlite::run_search(file, query, {.few = 0}).statements(true)) {
        CAPTURE(statement.text);
        const std::string plan = plan_of(file, statement);
        CAPTURE(plan);
        CHECK(plan.find(index) != std::string::npos);
        CHECK(plan.find("USE TEMP B-TREE FOR ORDER BY") == std::string::npos);
      }
    }
  }
}

TEST_CASE("whether a run was repeated is one look into an index", "[embedded][find]") {
  const folder kept;
  { const inngest::embedded::sqlite_store made({.path = kept.file}); }
  sqlite::database file(kept.file.string(), sqlite::access::reads);
  for (const bool is_repeated : {false, true}) {
    const run_query query{.status = run_status::failed, .is_repeated = is_repeated, .oldest_first = true};
    CAPTURE(is_repeated);
    for (const auto& statement : sqlite::run_search(file, query, {.few = 0}).statements(true)) {
      CAPTURE(statement.text);
      const std::string plan = plan_of(file, statement);
      CAPTURE(plan);
      CHECK(plan.find("SEARCH again USING COVERING INDEX runs_by_original (original_run_id=? AND id>?)") !=
            std::string::npos);
      CHECK(plan.find("SEARCH runs USING INDEX runs_by_status") != std::string::npos);
      CHECK(plan.find("USE TEMP B-TREE") == std::string::npos);
    }
  }
}

TEST_CASE("a filter that selects few runs reads only these", "[embedded][find]") {
  const folder kept;
  { const inngest::embedded::sqlite_store made({.path = kept.file}); }
  sqlite::database file(kept.file.string(), sqlite::access::reads);
  const std::string id = "01M89TPDS0F2HBQW0WB3ZVVKAZ";
  for (const auto& [name, filter] : std::to_array<std::pair<const char*, change>>({
           {"event id", [&](run_query& query) { query.event_id = id; }},
           {"whole id", [&](run_query& query) { query.search = id; }},
           {"tag",
            [](run_query& query) {
              query.tags = {{"customer", "acme"}};
            }},
           {"function", [](run_query& query) { query.function = "shop-charge"; }},
           {"status", [](run_query& query) { query.status = run_status::failed; }},
       })) {
    run_query query;
    filter(query);
    CAPTURE(name);
    for (const auto& statement : sqlite::run_search(file, query).statements(true)) {
      CAPTURE(statement.text);
      const std::string plan = plan_of(file, statement);
      CAPTURE(plan);
      CHECK(plan.find("SEARCH") != std::string::npos);
      CHECK(plan.find("SCAN runs") == std::string::npos);
    }
  }
}
