// The time and the ids with which an engine continues after a restart, also when the clock went back.

#include <inngest/embedded/detail/engine_core.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"

namespace continued_time {

using namespace std::chrono_literals;
using namespace store_records;

timestamp continued(const store& kept, const unfinished_work& work) {
  return time_to_continue_from(work, kept);
}
timestamp continued(const unfinished_work& work) { return continued(memory_store(), work); }

/// A process on the store. All random digits of its first id are the same one.
class process {
 public:
  process(std::shared_ptr<store> kept, timestamp clock, std::uint8_t digit) : kept_(std::move(kept)) {
    unfinished_work left = kept_->load();
    now_ = (std::max)(clock, time_to_continue_from(left, *kept_));  // as an engine does
    scheduler_.emplace(
        std::vector<function_definition>{}, std::move(left), [](int) { return std::chrono::seconds(1); },
        now_, inngest::detail::ulid_source([digit] {
          std::array<std::uint8_t, 16> out{};
          out.fill(digit);
          return out;
        }));
    scheduler_->register_app(app(), read_registration(app()), now_);
    commit_all();
  }

  std::string start() {
    const std::string id = scheduler_->start("app-f", "{}", now_);
    commit_all();
    return id;
  }

 private:
  static app_record app() {
    return {.id = "app", .text = R"({"functions":[{"id":"app-f","triggers":[{"event":"test/e"}],
                        "steps":{"step":{"id":"step","runtime":{"type":"http","url":"http://127.0.0.1:1/"}}}}]})"};
  }

  void commit_all() {
    for (changes fresh = scheduler_->take_changes(); !fresh.empty(); fresh = scheduler_->take_changes()) {
      commit(*kept_, fresh);
      scheduler_->committed(fresh, now_);
    }
  }

  std::shared_ptr<store> kept_;
  timestamp now_{};
  std::optional<scheduler> scheduler_;
};

}  // namespace continued_time

using namespace continued_time;

TEST_CASE("an engine continues a millisecond after its latest work", "[embedded][restart]") {
  CHECK(continued(unfinished_work{}) == at(1));
  unfinished_work work;
  work.runs.push_back(run_of("R1", {"e1"}));
  work.runs.back().run.queued_at = at(5000);
  work.runs.push_back(run_of("R2", {"e2"}));
  work.runs.back().run.queued_at = at(4000);
  CHECK(continued(work) == at(5001));
  work.jobs.push_back(call(1, "R1"));
  work.jobs.back().begun = at(6000);
  CHECK(continued(work) == at(6001));
  work.bulk_operations.emplace_back();
  work.bulk_operations.back().created_at = at(7000);
  CHECK(continued(work) == at(7001));
}

TEST_CASE("an engine continues a millisecond after the latest run that was queued or has ended",
          "[embedded][restart]") {
  memory_store kept;
  changes first;
  first.runs.push_back(run_of("R1", {"e1"}));  // queued at 10
  commit(kept, first);
  CHECK(continued(kept, {}) == at(11));
  changes second;
  second.run_updates.push_back(ended("R1", run_status::completed, 2000));
  commit(kept, second);
  CHECK(continued(kept, {}) == at(2001));
}

TEST_CASE(
    "ids after a restart come later than those before, also within a millisecond and on a clock that went "
    "back",
    "[embedded][restart]") {
  const auto clock = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  const auto back = GENERATE(0ms, 1ms, 60'000ms);
  const auto kept = std::make_shared<memory_store>();
  // Of the two processes only the time makes the order: the digits are high in the first and low in the
  // second.
  const std::string before = process(kept, clock, 30).start();
  const std::string after = process(kept, clock - back, 0).start();
  CHECK(before < after);
}
