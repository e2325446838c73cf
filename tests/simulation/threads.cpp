// The engine with its threads, with functions by chance and others who send, cancel and signal meanwhile.
// What happens when is not decided by a seed here; what has to be true is the same. For ThreadSanitizer.
//
//     threads [--seconds N] [--seed S] [--patience SECONDS]
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "chance.hpp"
#include "checks.hpp"
#include "disk.hpp"
#include "functions.hpp"
#include "support/forwarding_store.hpp"
#include "support/watchdog.hpp"

namespace {

using namespace simulated;
using namespace std::chrono_literals;
using inngest::embedded::engine;

/// What was found, whichever thread found it.
class findings {
 public:
  void add(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    if (problem_.empty()) problem_ = problem;
  }
  std::string first() const {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

 private:
  mutable std::mutex mutex_;
  std::string problem_;
};

/// Looks at each commit. Sometimes it takes its time, as a disk does, or fails.
class checked_store final : public support::forwarding_store {
 public:
  checked_store(std::uint64_t seed, findings& found)
      : is_on_disk_(seed % 3 != 0), by_(seed), found_(found), checks_(memory) {}

  void use(std::vector<known_function> functions) { checks_.use(std::move(functions)); }
  void accepted(const std::vector<std::string>& ids) {
    const std::lock_guard lock(mutex_);
    checks_.accepted(ids);
  }
  /// One that is not may fail as well.
  bool is_on_disk() const override { return is_on_disk_; }
  void commit(std::span<const changes> all) override {
    const std::lock_guard lock(mutex_);
    if (by_.one_in(3)) std::this_thread::sleep_for(std::chrono::microseconds(by_.below(2'000)));
    const bool fails = !is_calm && by_.one_in(60);
    if (fails && by_.one_in(2)) throw inngest::store_error("simulated", "it takes nothing");
    memory.commit(all);
    try {
      checks_.committed(all);
    } catch (const violation& problem) {
      found_.add(problem.what());
    }
    if (fails) throw inngest::store_error("simulated", "it is not known whether it took it");
  }
  void at_rest() {
    const std::lock_guard lock(mutex_);
    checks_.at_rest();
  }
  std::string some_run(chance& by) {
    const std::lock_guard lock(mutex_);
    const auto& active = checks_.active();
    if (active.empty()) return "";
    return *std::next(active.begin(), static_cast<std::ptrdiff_t>(by.below(active.size())));
  }

  std::atomic<bool> is_calm{false};

 private:
  const bool is_on_disk_;
  std::mutex mutex_;
  chance by_;
  findings& found_;
  commit_checks checks_;
};

/// A step that has its result does not run again.
class watching final : public observer {
 public:
  explicit watching(findings& found) : found_(found) {}
  void step_began(const std::string& run_id, const std::string& step_id, int) override {
    const std::lock_guard lock(mutex_);
    if (has_result_[run_id + '/' + step_id])
      found_.add("step " + step_id + " of run " + run_id + " runs again");
  }
  void step_ended(const std::string& run_id, const std::string& step_id, int, bool succeeded) override {
    const std::lock_guard lock(mutex_);
    has_result_[run_id + '/' + step_id] = succeeded;
  }
  void slow(std::int64_t ms) override { std::this_thread::sleep_for(std::chrono::microseconds(ms % 5'000)); }
  void read(const std::string&, const std::string&) override {}

 private:
  std::mutex mutex_;
  findings& found_;
  std::unordered_map<std::string, bool> has_result_;
};

/// The answers to fetches.
class elsewhere final : public inngest::http::transport {
 public:
  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    return {.status = 200, .headers = {{"content-type", "text/plain"}}, .body = "from " + request.url};
  }
};

std::string event_of(chance& by) {
  return "{\"name\":\"" + std::string(by.pick(event_names)) + "\",\"data\":{\"k\":\"" + by.pick(key_values) +
         "\",\"n\":" + std::to_string(by.below(10)) + "}}";
}

/// Repeats the run, unless its function is a singleton that is running.
void rerun(engine& engine, const std::string& run) {
  try {
    engine.rerun(run);
  } catch (const inngest::configuration_error& problem) {
    if (std::string(problem.what()).find("singleton") == std::string::npos) throw;
  }
}

/// Questions, whose answers change meanwhile.
void look(const engine& engine, chance& by) {
  using inngest::embedded::run_query;
  run_query query{.limit = 1 + by.below(20), .oldest_first = by.one_in(2)};
  query.by = static_cast<run_query::time>(by.below(3));
  if (by.one_in(2)) query.status = static_cast<run_status>(by.below(9));
  if (by.one_in(3)) query.where = "event.data.n > 4";
  std::set<std::string> seen;
  for (const auto& run : engine.find_runs(query)) {
    if (!seen.insert(run.id).second) throw violation("run " + run.id + " is found twice");
  }
  engine.count_runs(query);
  engine.histogram(query, 7);
  engine.find_events({.limit = 3, .where = by.one_in(2) ? "event.data.k == 'k0'" : ""});
  engine.metrics();
}

/// Somebody outside, for a while. `now` is the engine's time. Many runs are not repeated all at once, because
/// a few such operations after each other would make so many that a slow machine has to do for minutes.
void disturb(engine& engine, checked_store& store, findings& found, std::uint64_t seed,
             const std::function<std::chrono::system_clock::time_point()>& now) {
  chance by(seed);
  for (int i = 0; i < 40; ++i) {
    try {
      switch (by.below(11)) {
        case 0:
          if (const std::string run = store.some_run(by); !run.empty()) engine.cancel(run);
          break;
        case 1:
          if (const std::string run = store.some_run(by); !run.empty()) rerun(engine, run);
          break;
        case 2:
          engine.signal(by.pick(signal_names), "{}");
          break;
        case 3:
          if (const auto all = engine.bulk_operations(); !all.empty() && by.one_in(2))
            engine.stop_bulk(all.front().id);
          else
            engine.begin_bulk({.what = by.one_in(2) && store.memory.runs().size() < 200
                                           ? inngest::embedded::bulk_action::rerun
                                           : inngest::embedded::bulk_action::cancel,
                               .per_second = 1000});
          break;
        case 4:
          look(engine, by);
          break;
        case 5:
          if (const auto events = engine.find_events({.limit = 5, .search = "sim/"}); !events.empty()) {
            if (const auto id = engine.resend(by.pick(events).id)) store.accepted({*id});
          }
          break;
        case 6:
          engine.invoke("app-f" + std::to_string(by.below(4)), R"({"k":"k1","n":3})",
                        by.one_in(2) ? "" : "key" + std::to_string(by.below(3)));
          break;
        case 7:
          engine.cancel_many({.function = "app-f" + std::to_string(by.below(4)),
                              .started_before = std::chrono::floor<std::chrono::milliseconds>(now()),
                              .condition = by.one_in(2) ? "" : "event.data.n > 4"});
          break;
        default:
          store.accepted(engine.accept(event_of(by)));
      }
    } catch (const inngest::unreachable&) {  // the store took nothing
    } catch (const std::exception& problem) {
      found.add(std::string("somebody outside got: ") + problem.what());
    }
    std::this_thread::sleep_for(std::chrono::microseconds(by.below(4'000)));
  }
}

/// Bulk operations go on while nothing else is to do, and begin runs.
bool comes_to_rest(inngest::embedded::engine& engine) {
  const auto works_in_bulk = [&] {
    const auto all = engine.bulk_operations();
    return std::any_of(all.begin(), all.end(),
                       [](const auto& each) { return each.state == inngest::embedded::bulk_state::running; });
  };
  if (!engine.wait_until_idle(120s)) return false;  // what a failed commit held back is in the store then
  const auto end = std::chrono::steady_clock::now() + 120s;
  while (works_in_bulk()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(10ms);
  }
  return engine.wait_until_idle(120s);
}

/// One engine after another on a store: what goes wrong, or nothing.
std::string run_world(std::uint64_t seed) {
  findings found;
  watching watched(found);
  const auto store = std::make_shared<checked_store>(seed, found);
  std::vector<function_plan> plans = random_functions(seed);
  std::vector<inngest::any_function> functions;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i].is_elsewhere = false;
    std::erase_if(plans[i].triggers, [](const auto& trigger) { return !trigger.cron.empty(); });
    functions.push_back(make_function(plans[i], watched));
    places.push_back(i);
  }
  store->use(known_functions(plans, places));
  const auto begun = std::chrono::steady_clock::now();
  const auto fast = [begun] {  // a thousand times as fast as it is
    return std::chrono::system_clock::time_point(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)) +
           1'000 * (std::chrono::steady_clock::now() - begun);
  };
  const inngest::client app(
      {.id = app_id,
       .send_attempts = 1,
       .log = inngest::logger([](inngest::log_level, std::string_view) {}, inngest::log_level::off)});
  const inngest::embedded::engine_options options{.workers = 4,
                                                  .store = store,
                                                  .retry_delay = [](int) { return 1s; },
                                                  .requests = std::make_shared<elsewhere>(),
                                                  .max_chain = 1'000'000,
                                                  .system_time = fast};
  for (int round = 0; round < 2; ++round) {
    store->is_calm = true;  // an engine that can't commit does not begin
    engine engine(app, functions, options);
    store->is_calm = false;
    std::vector<std::thread> others;
    for (std::uint64_t i = 0; i < 3; ++i) {
      others.emplace_back([&, i] {
        disturb(engine, *store, found, seed * 16 + i + static_cast<std::uint64_t>(round) * 8, fast);
      });
    }
    for (std::thread& other : others) other.join();
    store->is_calm = true;  // what bodies have given is kept
    if (round == 0) {
      engine.stop(0ms);  // bodies that run end before the engine does
      continue;
    }
    if (!comes_to_rest(engine)) found.add("it does not come to rest");
  }
  try {
    store->at_rest();
  } catch (const violation& problem) {
    found.add(problem.what());
  }
  return found.first();
}

}  // namespace

int main(int count, char** words) try {
  double seconds = 60;
  unsigned patience = 300;  // seconds, with a world
  std::uint64_t first = std::random_device()();
  for (int i = 1; i + 1 < count; i += 2) {
    if (words[i] == std::string("--seconds")) seconds = std::stod(words[i + 1]);
    if (words[i] == std::string("--patience")) patience = static_cast<unsigned>(std::stoul(words[i + 1]));
    if (words[i] == std::string("--seed")) first = std::stoull(words[i + 1]);
  }
  std::cout << "first seed: " << first << std::endl;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::uint64_t seed = first;
  support::watchdog dog(patience);
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    dog.begin("seed " + std::to_string(seed));
    const std::string problem = run_world(seed);
    if (problem.empty()) continue;
    std::cout << "seed " << seed << ": " << problem << '\n';
    return EXIT_FAILURE;
  }
  std::cout << seed - first << " worlds: no violation\n";
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << '\n';
  return EXIT_FAILURE;
}
