// When results are saved and when a call begins no further steps, on a clock that the tests set.
#include <inngest/execution/checkpoints.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"

namespace checkpoints_on_a_clock {

using namespace std::chrono_literals;
using inngest::execution::checkpoints;
using strings = std::vector<std::string>;

struct saving {
  checkpoints::clock::time_point now{};
  checkpoints::saved answer = checkpoints::saved::yes;
  strings saved{};  // the names of the steps of each save
  checkpoints all;

  explicit saving(inngest::checkpointing options)
      : all(
            options, [this] { return now; },
            [this](const std::vector<inngest::protocol::operation>& operations) {
              std::string names;
              for (const auto& operation : operations) names += operation.name + " ";
              saved.push_back(names);
              return answer;
            }) {}

  checkpoints::saved add(const std::string& name) {
    inngest::protocol::operation result;
    result.name = name;
    return all.add(std::move(result));
  }
};

}  // namespace checkpoints_on_a_clock

using namespace checkpoints_on_a_clock;

TEST_CASE("results are saved when the interval since the last save is over", "[checkpointing]") {
  saving at({.buffered_steps = 10, .max_interval = 300ms, .max_runtime = 1h});
  at.now += 299ms;
  at.add("a");
  CHECK(at.saved.empty());
  at.now += 1ms;
  at.add("b");
  CHECK(at.saved == strings{"a b "});
  at.now += 299ms;
  at.add("c");
  CHECK(at.saved.size() == 1);
  at.now += 10ms;
  at.add("d");
  CHECK(at.saved == strings{"a b ", "c d "});
}

TEST_CASE("without an interval results are saved by their number alone", "[checkpointing]") {
  saving at({.buffered_steps = 2, .max_runtime = 1h});
  at.now += 24h;
  at.add("a");
  CHECK(at.saved.empty());
  at.add("b");
  CHECK(at.saved == strings{"a b "});
}

TEST_CASE("the interval begins anew with a save of any result, and with one that fails", "[checkpointing]") {
  saving at({.buffered_steps = 2, .max_interval = 300ms, .max_runtime = 1h});
  at.answer = checkpoints::saved::no;
  at.now += 200ms;
  at.add("a");
  CHECK(at.add("b") == checkpoints::saved::no);
  CHECK(at.saved == strings{"a b "});
  CHECK(at.all.take_unsaved().size() == 2);
  at.now += 299ms;
  at.add("c");
  CHECK(at.saved.size() == 1);
}

TEST_CASE("a call is out of time from its longest runtime on", "[checkpointing]") {
  saving at({.max_runtime = 5s});
  CHECK_FALSE(at.all.is_out_of_time());
  at.now += 4999ms;
  CHECK_FALSE(at.all.is_out_of_time());
  at.now += 1ms;
  CHECK(at.all.is_out_of_time());
}
