#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace inngest::embedded;

namespace {

const inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

void add(run_queue& queue, std::uint64_t id, const std::shared_ptr<const concurrency_limits>& limits) {
  queue.add({.id = id, .due = now}, now, limits);
  queue.release(id);
}

}  // namespace

TEST_CASE("a job that is removed after it was called for a place passes the place on", "[embedded][queue]") {
  run_queue queue;
  const auto limits = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 1}, {"f", 1}});
  for (std::uint64_t id = 1; id <= 3; ++id) add(queue, id, limits);
  CHECK(queue.take(now)->id == 1);
  CHECK_FALSE(queue.take(now));
  queue.finished(1);
  queue.remove(2);
  REQUIRE(queue.next_due());
  const auto next = queue.take(now);
  REQUIRE(next);
  CHECK(next->id == 3);
}

TEST_CASE("a freed place goes to the first job whose own limit allows it", "[embedded][queue]") {
  run_queue queue;
  const auto narrow = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 1}});
  const auto wide = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 2}});
  for (std::uint64_t id = 1; id <= 2; ++id) {
    add(queue, id, wide);
    CHECK(queue.take(now)->id == id);
  }
  add(queue, 3, narrow);
  add(queue, 4, wide);
  CHECK_FALSE(queue.take(now));
  queue.finished(1);
  const auto next = queue.take(now);
  REQUIRE(next);
  CHECK(next->id == 4);
  CHECK_FALSE(queue.take(now));
  queue.finished(2);
  queue.finished(4);
  CHECK(queue.take(now)->id == 3);
  CHECK(queue.parked() == 0);
}

TEST_CASE("a place for runs is offered to the next job when the gate stops the first", "[embedded][queue]") {
  run_queue queue;
  const auto limits =
      std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 1, /*holds_for_run=*/true}});
  const std::string key = "app";
  const auto gate = [&](const inngest::embedded::job& due) {
    return job_passage{.is_open = due.id != 2, .key = &key};
  };
  for (std::uint64_t id = 1; id <= 3; ++id) {
    queue.add({.id = id, .run_id = "run-" + std::to_string(id), .due = now}, now, limits);
    queue.release(id);
  }
  CHECK(queue.take(now, gate)->id == 1);
  CHECK_FALSE(queue.take(now, gate));
  queue.finished(1);
  queue.release_run("run-1");
  const auto next = queue.take(now, gate);
  REQUIRE(next);
  CHECK(next->id == 3);
}

TEST_CASE("whatever happens to jobs, no limit is exceeded and no place is lost", "[embedded][queue]") {
  const bool differs = GENERATE(false, true);  // functions may limit the same key differently
  std::mt19937 random(GENERATE(range(1u, 60u)));
  const auto chance = [&](unsigned count) { return random() % count; };
  const std::vector<std::string> keys = {"a", "b", "c"};
  std::map<std::string, int> limit_of;
  for (const std::string& key : keys) limit_of[key] = static_cast<int>(1 + chance(2));

  run_queue queue;
  std::map<std::uint64_t, concurrency_limits> waiting, running;
  const auto fits = [&](const concurrency_limits& limits) {
    for (const concurrency_limit& limit : limits) {
      int used = 0;
      for (const auto& [id, held] : running) {
        for (const concurrency_limit& other : held) used += other.key == limit.key ? 1 : 0;
      }
      if (used >= limit.limit) return false;
    }
    return true;
  };

  std::uint64_t last = 0;
  for (int action = 0; action < 400; ++action) {
    switch (chance(5)) {
      case 0:
      case 1: {
        concurrency_limits limits;
        for (const std::string& key : keys) {
          const int limit = differs ? static_cast<int>(1 + chance(3)) : limit_of[key];
          if (chance(2) == 0) limits.push_back({key, limit});
        }
        add(queue, ++last, std::make_shared<const concurrency_limits>(limits));
        waiting.emplace(last, limits);
        break;
      }
      case 2:
        if (const auto taken = queue.take(now)) {
          REQUIRE(waiting.contains(taken->id));
          REQUIRE(fits(waiting.at(taken->id)));
          running.insert(waiting.extract(taken->id));
        } else {
          for (const auto& [id, limits] : waiting) REQUIRE_FALSE(fits(limits));
        }
        break;
      case 3:
        if (running.empty()) break;
        queue.finished(running.begin()->first);
        running.erase(running.begin());
        break;
      case 4: {
        if (waiting.empty()) break;
        auto removed = waiting.begin();
        std::advance(removed, chance(static_cast<unsigned>(waiting.size())));
        queue.remove(removed->first);
        waiting.erase(removed);
        break;
      }
    }
  }
  while (!running.empty() || !waiting.empty()) {
    while (const auto taken = queue.take(now)) running.insert(waiting.extract(taken->id));
    REQUIRE_FALSE(running.empty());  // or a place was lost
    for (const auto& [id, limits] : running) queue.finished(id);
    running.clear();
  }
  CHECK(queue.parked() == 0);
}

TEST_CASE("jobs that the gate stops keep their order, hold no slots, and wait per key", "[embedded][queue]") {
  run_queue queue;
  const auto limits = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 1}});
  const std::string far = "far", near = "near";
  std::set<std::string> open;
  int asked = 0;
  const auto gate = [&](const inngest::embedded::job& due) {
    ++asked;
    const std::string& key = due.id < 10 ? far : near;
    return job_passage{.is_open = open.contains(key), .key = &key};
  };
  for (const std::uint64_t id : {1u, 2u, 3u, 11u}) add(queue, id, id == 2 ? limits : nullptr);
  CHECK_FALSE(queue.take(now, gate));
  CHECK(queue.has_blocked());
  CHECK_FALSE(queue.next_due());  // nothing to do until retry_blocked()
  CHECK(queue.slots_in_use() == 0);
  add(queue, 4, limits);
  open.insert("near");
  CHECK_FALSE(queue.take(now, gate));
  asked = 0;
  queue.retry_blocked();
  CHECK(queue.take(now, gate)->id == 11);
  CHECK(asked == 2);  // one job of each key
  open.insert("far");
  queue.remove(1);
  queue.retry_blocked();
  CHECK(queue.take(now, gate)->id == 2);
  CHECK(queue.take(now, gate)->id == 3);
  CHECK_FALSE(queue.take(now, gate));  // 4 waits for the slot of 2
  queue.finished(2);
  CHECK(queue.take(now, gate)->id == 4);
  CHECK_FALSE(queue.has_blocked());
}

TEST_CASE("whatever happens to jobs at the gate, none is lost", "[embedded][queue]") {
  std::mt19937 random(GENERATE(range(1u, 60u)));
  const auto chance = [&](unsigned count) { return random() % count; };
  const std::vector<std::string> keys = {"a", "b", "c"};
  const auto limits = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 2}});
  run_queue queue;
  std::set<std::uint64_t> waiting, running;
  unsigned places = 0;
  const auto gate = [&](const inngest::embedded::job& due) {
    if (places == 0) return job_passage{.is_open = false, .key = &keys[due.id % 3]};
    --places;
    return job_passage{.is_open = true, .key = &keys[due.id % 3]};
  };
  const auto take = [&] {
    const auto taken = queue.take(now, gate);
    if (!taken) return false;
    REQUIRE(waiting.erase(taken->id) == 1);
    running.insert(taken->id);
    return true;
  };
  std::uint64_t last = 0;
  for (int action = 0; action < 400; ++action) {
    switch (chance(6)) {
      case 0:
      case 1:
        add(queue, ++last, chance(2) == 0 ? limits : nullptr);
        waiting.insert(last);
        break;
      case 2:
        take();
        break;
      case 3:
        if (running.empty()) break;
        queue.finished(*running.begin());
        running.erase(running.begin());
        ++places;
        queue.retry_blocked();
        break;
      case 4:
        if (waiting.empty()) break;
        queue.remove(*waiting.begin());
        waiting.erase(waiting.begin());
        break;
      case 5:
        if (chance(3) != 0) break;
        ++places;
        queue.retry_blocked();
        break;
    }
  }
  while (!running.empty() || !waiting.empty()) {
    for (const std::uint64_t id : running) queue.finished(id);
    running.clear();
    places = 3;
    queue.retry_blocked();
    while (take()) {
    }
    REQUIRE((!running.empty() || waiting.empty()));  // or one is lost
  }
  CHECK_FALSE(queue.has_blocked());
  CHECK(queue.slots_in_use() == 0);
}

namespace {

/// Turns as a throttle gives them, one after each interval.
class lines {
 public:
  job_passage passage_of(const std::string& line, inngest::timestamp at, bool is_open) {
    ++asked;
    inngest::timestamp& next = next_[line];
    job_passage out{.key = &app_, .line = &line, .turn = next, .interval = interval};
    out.is_open = next <= at;
    if (!out.is_open) return out;
    if (!is_open) return {.is_open = false, .key = &app_};
    next = at + interval;
    return out;
  }

  std::chrono::milliseconds interval{100};
  std::size_t asked = 0;

 private:
  std::string app_ = "app";
  std::map<std::string, inngest::timestamp> next_;
};

}  // namespace

TEST_CASE("jobs in a line have their turns in order, and another line does not wait for them",
          "[embedded][queue]") {
  run_queue queue;
  lines all;
  const std::string a = "a", b = "b";
  inngest::timestamp at = now;
  const auto take = [&] {
    const auto out = queue.take(
        at, [&](const inngest::embedded::job& due) { return all.passage_of(due.id < 10 ? a : b, at, true); });
    return out ? out->id : 0;
  };
  for (const std::uint64_t id : {1u, 2u, 3u, 11u, 12u}) add(queue, id, nullptr);
  CHECK(take() == 1);
  CHECK(take() == 11);
  CHECK(take() == 0);
  CHECK(queue.waits_in_line(2));
  CHECK(queue.turn_of(2) == now + all.interval);
  CHECK(queue.turn_of(3) == now + 2 * all.interval);
  CHECK(queue.next_due() == now + all.interval);
  queue.remove(2);
  at += all.interval;
  CHECK(take() == 3);
  CHECK(take() == 12);
  CHECK(take() == 0);
  CHECK_FALSE(queue.next_due());
}

TEST_CASE("whatever happens to jobs in lines, none is lost", "[embedded][queue]") {
  std::mt19937 random(GENERATE(range(1u, 60u)));
  const auto chance = [&](unsigned count) { return random() % count; };
  const std::vector<std::string> keys = {"a", "b", "c"};
  const std::vector<std::shared_ptr<const concurrency_limits>> limits = {
      nullptr, std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 1}}),
      std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 2}, {"l", 1}})};
  run_queue queue;
  lines all;
  inngest::timestamp at = now;
  bool is_open = true;
  std::set<std::uint64_t> waiting, running;
  const auto take = [&] {
    const auto taken = queue.take(at, [&](const inngest::embedded::job& due) {
      const std::string& app = keys[0];
      if (due.id % 4 == 3) return job_passage{.is_open = is_open, .key = &app};
      return all.passage_of(keys[due.id % 4], at, is_open);
    });
    if (!taken) return false;
    REQUIRE(waiting.erase(taken->id) == 1);
    running.insert(taken->id);
    return true;
  };
  const auto finish = [&] {
    if (running.empty()) return;
    queue.finished(*running.begin());
    running.erase(running.begin());
  };
  const auto open = [&] {
    is_open = true;
    queue.retry_blocked();
  };
  std::uint64_t last = 0;
  for (int action = 0; action < 400; ++action) {
    switch (chance(8)) {
      case 0:
      case 1:
        add(queue, ++last, limits[chance(3)]);
        waiting.insert(last);
        break;
      case 2:
      case 3:
        take();
        break;
      case 4:
        finish();
        break;
      case 5: {
        if (waiting.empty()) break;
        auto chosen = waiting.begin();
        std::advance(chosen, chance(static_cast<unsigned>(waiting.size())));
        if (chance(2) == 0) {
          queue.set_limits(*chosen, limits[chance(3)]);
          break;
        }
        queue.remove(*chosen);
        waiting.erase(chosen);
        break;
      }
      case 6:
        if (chance(2) == 0) is_open = false;
        if (chance(2) == 0) open();
        break;
      case 7:
        at += std::chrono::milliseconds(chance(200));
        break;
    }
  }
  open();
  for (std::size_t turns = 2 * (waiting.size() + 3); turns > 0; --turns) {
    while (take()) {
    }
    while (!running.empty()) finish();
    while (take()) {
    }
    at += all.interval;
  }
  while (!running.empty()) finish();
  REQUIRE(waiting.empty());
  CHECK_FALSE(queue.next_due());
  CHECK_FALSE(queue.has_blocked());
  CHECK(queue.parked() == 0);
  CHECK(queue.slots_in_use() == 0);
}

TEST_CASE("the gate is asked a few times for each job, however many wait", "[embedded][queue]") {
  const auto calls_last = std::chrono::milliseconds(GENERATE(10, 150, 1000));
  const auto limits = std::make_shared<const concurrency_limits>(concurrency_limits{{"k", 2}});
  constexpr std::size_t count = 3000;
  run_queue queue;
  lines all;
  const std::string line = "line";
  std::multimap<inngest::timestamp, std::uint64_t> ends;
  inngest::timestamp at = now;
  for (std::uint64_t id = 1; id <= count; ++id) add(queue, id, limits);
  std::uint64_t last = 0;
  while (queue.size() > 0) {
    while (const auto taken = queue.take(
               at, [&](const inngest::embedded::job&) { return all.passage_of(line, at, true); })) {
      CHECK(taken->id == ++last);
      ends.emplace(at + calls_last, taken->id);
    }
    const auto due = queue.next_due();
    REQUIRE((due || !ends.empty()));
    at = (std::max)(at, (std::min)(due.value_or(inngest::timestamp::max()),
                                   ends.empty() ? inngest::timestamp::max() : ends.begin()->first));
    for (; !ends.empty() && ends.begin()->first <= at; ends.erase(ends.begin()))
      queue.finished(ends.begin()->second);
  }
  CHECK(all.asked < 5 * count);
  const auto pace = (std::max)(all.interval, calls_last / 2);  // nobody waits for longer than needed
  CHECK(at - now <= pace * (count + 2));
}
