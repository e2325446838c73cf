#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <inngest/testing.hpp>

#include "matrix/step_kinds_functions.hpp"
#include "matrix/step_kinds_hosts.hpp"

namespace step_kinds {

/// The harness as a host. It has one thread and its own clock; a process that is restarted is another harness
/// that goes on with the results which the first one had. `fetch` and `infer` are steps that are mocked: a
/// harness asks nobody.
class harness_engine final : public host {
 public:
  harness_engine(world& at, make_functions functions, std::string fetch, std::string infer)
      : at_(at), functions_(std::move(functions)), fetch_(std::move(fetch)), infer_(std::move(infer)) {
    start();
  }

  std::string begin(const inngest::any_event& event) override {
    const auto run = harness_->send(event);
    runs_.emplace(run.id(), begun_run{run, event.text()});
    return run.id();
  }
  void send(const inngest::any_event& event) override { harness_->send(event); }
  void signal(const std::string& name, const json& data) override { harness_->send_signal(name, data); }
  bool cancel(const std::string& run) override { return harness_->cancel(of(run)); }
  void pass_time(std::chrono::milliseconds time) override { harness_->advance(time); }
  void kill() override {}

  void restart() override {
    const auto earlier = std::move(harness_);
    start();
    for (auto& [id, begun] : runs_) {
      inngest::testing::recorded_run recorded{.events = {begun.event}};
      for (const auto& each : begun.run.operations()) {
        if (each.kind == inngest::embedded::operation_kind::step_completed)
          recorded.results.emplace_back(each.id,
                                        "{\"data\":" + (each.data.empty() ? "null" : each.data) + "}");
      }
      begun.run = harness_->replay(function_of(begun.run), recorded);
    }
  }

  outcome look_at(const std::string& id) override {
    const auto& run = of(id);
    outcome out{.status = run.status(), .error = run.error(), .timeline = run.timeline()};
    if (run.completed()) out.output = json(run.output<json>()).dump();
    return out;
  }
  int count(const std::string& run, embedded::progress what) override {
    const std::string timeline = of(run).timeline(), words(to_string(what));
    int out = 0;
    for (std::size_t at = 0; (at = timeline.find(words, at)) != std::string::npos; ++at) ++out;
    return out;
  }
  bool waits_until(const std::function<bool()>& condition) override {
    while (!condition()) {
      if (!harness_->advance_to_next()) return condition();
    }
    return true;
  }
  bool becomes_idle() override {
    while (harness_->advance_to_next()) {
    }
    return true;
  }
  std::string leftovers() override {
    std::string out;
    for (const auto& run : harness_->runs()) {
      if (!run.ended()) out += run.function_id() + " has not ended ";
    }
    return harness_->advance_to_next() ? out + "something is still to come" : out;
  }

 private:
  void start() {
    harness_.reset();
    client_.emplace(quiet("app"));
    all_ = functions_(*client_);
    harness_ = std::make_unique<inngest::testing::harness>(
        *client_, all_,
        inngest::testing::harness_options{
            .start = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()),
            .retry_delay = [](int) { return 100h; }});
    if (!fetch_.empty())
      harness_->mock_step(fetch_, [this] {
        at_.visit();
        return inngest::fetch_response{.status_code = 200, .body = "page"};
      });
    if (!infer_.empty())
      harness_->mock_step(infer_, [this] {
        at_.visit();
        return json::parse(R"({"choices":[{"message":{"role":"assistant","content":"hello"}}]})");
      });
  }
  const inngest::testing::test_run& of(const std::string& id) const { return runs_.at(id).run; }
  const inngest::any_function& function_of(const inngest::testing::test_run& run) const {
    for (const auto& each : all_) {
      if (each.id() == run.function_id()) return each;
    }
    throw std::logic_error("no function has the id");
  }

  struct begun_run {
    inngest::testing::test_run run;
    std::string event;
  };

  world& at_;
  const make_functions functions_;
  const std::string fetch_, infer_;
  std::optional<inngest::client> client_{};
  std::vector<inngest::any_function> all_{};
  std::unique_ptr<inngest::testing::harness> harness_{};
  std::map<std::string, begun_run> runs_{};
};

}  // namespace step_kinds
