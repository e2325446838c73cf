#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "store_records.hpp"

using namespace store_records;

namespace {

/// Runs with random members, each of which many share.
class random_runs {
 public:
  explicit random_runs(unsigned seed) : chance_(seed) {}

  int number(int below) { return static_cast<int>(chance_() % static_cast<unsigned>(below)); }
  bool one_in(int count) { return number(count) == 0; }
  std::string word(const char* stem, int count) { return stem + std::to_string(number(count)); }
  timestamp time() { return at(1'000'000 + number(60)); }

  run_record run(int count) {
    const bool is_batch = one_in(5);
    run_record out;
    struct run& run = out.run;
    run.id = padded(number(1000)) + "-" + std::to_string(count);
    run.function_id = word("f", 3);
    run.function_slug = (one_in(4) ? "other-" : "app-") + run.function_id;
    for (int i = 0; i < (is_batch ? 3 : 1); ++i) out.events.push_back({.id = word("e", 40), .text = "{}"});
    run.event_id = out.events.front().id;
    run.event_name = one_in(10) ? std::string(deferred_event) : word("shop/order", 3);
    run.queued_at = time();
    run.status = static_cast<run_status>(number(6));
    if (run.status != run_status::queued) run.started_at = time();
    if (is_end(run.status)) run.ended_at = time();
    if (run.status == run_status::failed)
      run.error = run_error{.name = one_in(2) ? "TypeError" : "Error", .message = "no money " + word("", 5)};
    if (one_in(2)) run.tags.push_back({"customer", word("c", 5)});
    if (one_in(3)) run.tags.push_back({"plan", word("p", 2)});
    for (int i = number(3); i > 0; --i) run.concurrency_keys.push_back("k" + std::to_string(i));
    std::sort(run.concurrency_keys.begin(), run.concurrency_keys.end());
    if (one_in(3)) run.idempotency_key = word("k", 4);
    if (!first_runs_.empty() && one_in(3))
      run.original_run_id =
          first_runs_[static_cast<std::size_t>(number(static_cast<int>(first_runs_.size())))];
    else if (one_in(3))
      first_runs_.push_back(run.id);
    return out;
  }

  run_query query() {
    run_query out;
    if (one_in(6)) out.status = static_cast<run_status>(number(8));
    if (one_in(6)) out.statuses = {run_status::failed, run_status::completed};
    if (one_in(6)) out.function = word("app-f", 4);
    if (one_in(6)) out.functions = std::vector<std::string>{"app-f0", "other-f1", "app-f0"};
    if (one_in(40)) out.functions = std::vector<std::string>{};
    if (one_in(6)) out.app = one_in(5) ? "none" : one_in(2) ? "app" : "other";
    if (one_in(8)) out.is_deferred = one_in(2);
    if (one_in(4)) out.is_repeated = one_in(2);
    if (one_in(6)) out.event_name = word("shop/order", 4);
    if (one_in(8)) out.event_id = word("e", 41);
    if (one_in(8)) out.error = one_in(2) ? "typeerror" : "Money 3";
    if (one_in(8)) out.tags.push_back({"customer", word("c", 6)});
    if (one_in(8)) out.tags.push_back({"plan", word("p", 3)});
    if (one_in(10)) out.key = word("k", 5);
    if (one_in(10)) out.concurrency_key = word("k", 4);
    if (one_in(10)) out.idempotency_key = word("k", 5);
    if (one_in(10)) out.search = one_in(2) ? "r1" : "-7";
    if (one_in(4)) out.from = time();
    if (one_in(4)) out.until = time();
    out.by = static_cast<run_query::time>(number(3));
    out.oldest_first = one_in(2);
    out.limit = static_cast<std::size_t>(1 + number(30));
    return out;
  }

 private:
  std::mt19937 chance_;
  strings first_runs_{};  // that others repeat
};

/// The ids of all runs, page by page.
strings pages_of(const store& from, run_query query) {
  strings out;
  for (int pages = 0; pages < 10'000; ++pages) {
    const run_page page = from.find_page(query);
    if (page.runs.size() > query.limit) return {"a page is too long"};
    for (const run& each : page.runs) out.push_back(each.id);
    if (page.next.empty()) return out;
    query.before = page.next;
  }
  return {"there is no last page"};
}

strings visited_in(const store& from, run_query query) {
  strings out;
  do {
    query.before = from.visit_page(query, [&](const run_point& point) { out.push_back(point.id); });
  } while (!query.before.empty());
  return out;
}

/// The ids of all runs as SQLite finds them with other limits.
strings searched_in(const std::filesystem::path& file, run_query query,
                    const inngest::detail::sqlite::search_limits& limits) {
  inngest::detail::sqlite::database reading(file.string(), inngest::detail::sqlite::access::reads);
  strings out;
  do {
    std::size_t size = 0;
    query.before =
        inngest::detail::sqlite::run_search(reading, query, limits).visit(false, [&](const auto& hit) {
          out.push_back(hit.place.id);
          return ++size < query.limit;
        });
  } while (!query.before.empty());
  return out;
}

/// Whether a run that repeats the same work came after the run.
bool is_repeated(const run& one, const std::vector<run_record>& all) {
  return std::any_of(all.begin(), all.end(), [&](const run_record& other) {
    const std::string& first = other.run.original_run_id;
    if (one.original_run_id.empty()) return first == one.id;
    return first == one.original_run_id && other.run.id > one.id;
  });
}

/// What the query means, without any store.
strings expected(const std::vector<run_record>& every, const run_query& query) {
  std::vector<run_record> all = every;
  std::erase_if(all, [&](const run_record& each) {
    return !is_match(each.run, each.events, query) ||
           (query.is_repeated && *query.is_repeated != is_repeated(each.run, every));
  });
  std::sort(all.begin(), all.end(), [&](const run_record& a, const run_record& b) {
    const order_place first{*time_of(a.run, query.by), a.run.id}, second{*time_of(b.run, query.by), b.run.id};
    return query.oldest_first ? first < second : second < first;
  });
  strings out;
  for (const run_record& each : all) out.push_back(each.run.id);
  return out;
}

/// A store of a user, which has only what every store must have.
class plain_store final : public store {
 public:
  explicit plain_store(memory_store& kept) : kept_(kept) {}
  void commit(std::span<const changes> all) override { kept_.commit(all); }
  unfinished_work load() override { return kept_.load(); }
  void forget_before(timestamp time) override { kept_.forget_before(time); }
  std::optional<event_record> find_event(std::string_view id) const override { return kept_.find_event(id); }
  std::vector<event_record> find_events(const event_query& query) const override {
    return kept_.find_events({.before = query.before, .limit = query.limit});
  }
  std::optional<run_record> find_run(std::string_view id) const override { return kept_.find_run(id); }
  std::vector<run> find_runs(const run_query& query) const override {
    return kept_.find_runs({.before = query.before,
                            .limit = query.limit,
                            .by = query.by,
                            .from = query.from,
                            .until = query.until,
                            .oldest_first = query.oldest_first});
  }
  std::vector<run> runs_of(std::string_view id) const override { return kept_.runs_of(id); }
  std::vector<run> runs() const override { return kept_.runs(); }
  std::vector<memo_record> memos_of(std::string_view id) const override { return kept_.memos_of(id); }
  run_counts count_runs() const override { return kept_.count_runs(); }

 private:
  memory_store& kept_;
};

}  // namespace

TEST_CASE("memory, SQLite, a plain store and a comparison of all runs find the same", "[embedded]") {
  const unsigned seed = GENERATE(1U, 2U);
  random_runs random(seed);
  const folder place;
  memory_store memory;
  sqlite_store file({.path = place.file, .sync = sqlite_options::synchronous::normal});
  const plain_store plain(memory);
  changes all;
  for (int i = 0; i < 250; ++i) all.runs.push_back(random.run(i));
  memory.commit({&all, 1});
  file.commit({&all, 1});
  for (int i = 0; i < 150; ++i) {
    const run_query query = random.query();
    INFO("seed " << seed << ", query " << i);
    const strings wanted = expected(all.runs, query);
    REQUIRE(pages_of(memory, query) == wanted);
    REQUIRE(pages_of(file, query) == wanted);
    if (i % 3 == 0) REQUIRE(pages_of(plain, query) == wanted);  // it reads all runs for each page
    REQUIRE(visited_in(memory, query) == wanted);
    REQUIRE(visited_in(file, query) == wanted);
    if (i % 3 == 0) REQUIRE(visited_in(plain, query) == wanted);
    REQUIRE(searched_in(place.file, query, {.few = 0, .most = 7}) == wanted);
    REQUIRE(searched_in(place.file, query, {.few = 30, .most = 1'000}) == wanted);
    if (const auto count = file.quick_count(query)) REQUIRE(*count == wanted.size());
  }
}
