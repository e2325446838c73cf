// How long a page of each filter takes with a million runs in a file. Usage: search_benchmark [runs] [file].
// The file is made anew, and removed afterwards unless it is named.
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace inngest::embedded;
using inngest::timestamp;
using std::chrono::milliseconds;

constexpr std::int64_t between = 250;  // milliseconds: about three days for a million
std::int64_t first_time = 0;           // of the runs, which are not so old that the engine forgets them

std::string id_of(std::int64_t time, int number) {
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  for (std::size_t i = 10; i-- > 0; time /= 32) out[i] = digits[static_cast<std::size_t>(time % 32)];
  for (std::size_t i = 26; i-- > 18; number /= 32) out[i] = digits[static_cast<std::size_t>(number % 32)];
  return out;
}

/// Every fiftieth run failed, every thousandth has not ended; a customer has about 100 runs, a plan half of
/// them.
run_record make_run(int number, std::mt19937& chance) {
  const std::int64_t time = first_time + number * between;
  const std::string event_id = id_of(time, number), function = "f" + std::to_string(chance() % 6);
  run_record out;
  out.run = {.id = id_of(time, number),
             .function_id = function,
             .function_slug = "shop-" + function,
             .event_id = event_id,
             .event_name = "shop/event" + std::to_string(chance() % 20),
             .status = run_status::completed,
             .queued_at = timestamp(milliseconds(time)),
             .started_at = timestamp(milliseconds(time + 5)),
             .ended_at = timestamp(milliseconds(time + 20 + static_cast<int>(chance() % 5000))),
             .output_text = R"({"receipt":")" + std::to_string(number) + R"(","amount":12})"};
  if (number % 50 == 0) {
    out.run.status = run_status::failed;
    out.run.output_text.clear();
    out.run.error = run_error{.name = "Error", .message = number % 1000 == 0 ? "card expired" : "no money"};
  }
  if (number % 1000 == 1) {
    out.run.status = run_status::running;
    out.run.ended_at.reset();
    out.run.output_text.clear();
  }
  const std::string customer = "c" + std::to_string(chance() % 10'000);
  out.run.tags = {{"customer", customer}, {"plan", chance() % 2 ? "free" : "paid"}};
  out.run.concurrency_keys = {customer};
  out.run.idempotency_key = "order-" + std::to_string(number);
  out.events = {{.id = event_id,
                 .text = R"({"name":"shop/event","data":{"amount":)" + std::to_string(number % 100) + "}}"}};
  return out;
}

void fill(store& into, int runs) {
  std::mt19937 chance(1);
  for (int number = 0; number < runs;) {
    changes all;
    for (int i = 0; i < 5'000 && number < runs; ++i, ++number) all.runs.push_back(make_run(number, chance));
    into.commit({&all, 1});
  }
}

/// Milliseconds, the median of several.
double took(const std::function<void()>& work) {
  std::vector<double> all;
  for (int i = 0; i < 5; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    all.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
  }
  std::sort(all.begin(), all.end());
  return all[2];
}

void measure(const engine& searching, const char* name, const run_query& query) {
  std::size_t found = 0;
  std::string next;
  const double page = took([&] {
    const run_page got = searching.find_run_page(query);
    found = got.runs.size();
    next = got.next;
  });
  run_count counted;
  const double count = took([&] { counted = searching.count_runs(query, std::chrono::seconds(5)); });
  std::printf("%-44s %7.1f ms %3zu runs%-9s %8.1f ms %8zu\n", name, page, found, next.empty() ? "" : ", more",
              count, counted.count);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  const int runs = count > 1 ? std::atoi(arguments[1]) : 1'000'000;
  const bool is_named = count > 2;
  first_time = std::chrono::floor<milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count() -
               runs * between;
  const std::filesystem::path file = is_named
                                         ? std::filesystem::path(arguments[2])
                                         : std::filesystem::temp_directory_path() / "search_benchmark.db";
  const auto kept = std::make_shared<sqlite_store>(
      sqlite_options{.path = file, .sync = sqlite_options::synchronous::normal});
  const auto oldest = kept->find_runs({.limit = 1, .oldest_first = true});
  if (oldest.empty()) fill(*kept, runs);
  if (!oldest.empty()) first_time = oldest.front().queued_at.time_since_epoch().count();
  std::printf("%d runs, %.0f MB\n", runs, static_cast<double>(kept->size_in_bytes()) / 1e6);
  const inngest::client app(
      {.id = "shop", .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off)});
  const engine searching(app, {}, {.workers = 1, .store = kept});
  const auto at = [&](double share) {
    return timestamp(milliseconds(first_time + static_cast<std::int64_t>(share * runs) * between));
  };
  std::printf("%-44s %10s %18s %11s %8s\n", "filter", "a page", "", "the count", "");
  measure(searching, "none", {});
  measure(searching, "status: failed", {.status = run_status::failed});
  measure(searching, "status: failed or completed",
          {.statuses = {run_status::failed, run_status::completed}});
  measure(searching, "status: waiting (the engine's)", {.status = run_status::waiting});
  measure(searching, "function", {.function = "shop-f3"});
  measure(searching, "app", {.app = "shop"});
  measure(searching, "function and status", {.status = run_status::failed, .function = "shop-f3"});
  measure(searching, "event name", {.event_name = "shop/event7"});
  measure(searching, "event id", {.event_id = id_of(first_time + runs / 3 * between, runs / 3)});
  measure(searching, "tag of few", {.tags = {{"customer", "c77"}}});
  measure(searching, "tag of many", {.tags = {{"plan", "paid"}}});
  measure(searching, "tags of few and many, failed",
          {.status = run_status::failed, .tags = {{"plan", "paid"}, {"customer", "c77"}}});
  measure(searching, "concurrency key", {.concurrency_key = "c77"});
  measure(searching, "idempotency key", {.idempotency_key = "order-4711"});
  measure(searching, "queued in an old hour", {.from = at(0.30), .until = at(0.31)});
  measure(searching, "started in an old hour",
          {.by = run_query::time::started, .from = at(0.30), .until = at(0.31)});
  measure(searching, "ended in an old day, failed",
          {.status = run_status::failed, .by = run_query::time::ended, .from = at(0.30), .until = at(0.60)});
  measure(searching, "ended first", {.by = run_query::time::ended, .oldest_first = true});
  measure(searching, "tag of few, by end", {.by = run_query::time::ended, .tags = {{"customer", "c77"}}});
  measure(searching, "id", {.search = id_of(first_time + runs / 3 * between, runs / 3)});
  measure(searching, "error: card expired", {.error = "Card Expired"});
  measure(searching, "error: no run has it", {.error = "no such error"});
  measure(searching, "part of a name: no run has it", {.search = "nothing"});
  measure(searching, "condition: half of the runs", {.where = "event.data.amount < 50"});
  measure(searching, "condition: no run", {.where = "event.data.amount > 1000"});
  std::printf("%-44s %7.1f ms\n", "histogram of all", took([&] { searching.histogram({}); }));
  std::printf("%-44s %7.1f ms\n", "histogram of a function",
              took([&] { searching.histogram({.function = "shop-f3"}, 60, std::chrono::seconds(10)); }));
  std::printf("%-44s %7.1f ms\n", "histogram of a tag of few", took([&] {
                searching.histogram({.tags = {{"customer", "c77"}}});
              }));
  if (!is_named) {
    for (const char* end : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(file.string() + end);
  }
}
