#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/store.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

// The engine's scheduler on one thread, in a test's time, with apps elsewhere whose answers the test writes.

namespace scheduler_testing {

using namespace inngest::embedded;
using inngest::json;

class driver {
 public:
  /// The functions of an app elsewhere, as an SDK registers them; ids are prefixed by the app's.
  explicit driver(const std::vector<json>& functions = {}) {
    restart();
    if (!functions.empty()) register_functions(functions);
  }

  /// Registers the app again, with these functions.
  void register_functions(const std::vector<json>& functions) {
    json all = json::array();
    for (json function : functions) {
      function["id"] = "app-" + function.at("id").get<std::string>();
      function["steps"]["step"] = {{"id", "step"},
                                   {"runtime", {{"type", "http"}, {"url", "http://127.0.0.1:1/"}}},
                                   {"retries", {{"attempts", function.value("retries", 3)}}}};
      all.push_back(std::move(function));
    }
    const app_record app{.id = "app", .text = json{{"functions", std::move(all)}}.dump()};
    scheduler_->register_app(app, read_registration(app), now);
    keep();
  }

  inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

  scheduler& operator*() { return *scheduler_; }
  scheduler* operator->() { return scheduler_.get(); }
  const memory_store& store() const { return *store_; }
  /// What the next process would find.
  unfinished_work left() const { return store_->load(); }

  /// Another process on the same store.
  void restart() {
    restart_without_keeping();
    keep();
  }
  void restart_without_keeping() {
    unfinished_work left = store_->load();
    now = (std::max)(now, time_to_continue_from(left, *store_));  // as an engine does
    scheduler_ = std::make_unique<scheduler>(
        std::vector<function_definition>(), std::move(left), [](int) { return std::chrono::seconds(1); },
        now);
  }

  void keep() {
    while (keep_once()) {
    }
  }
  /// One commit; false when there is nothing to commit.
  bool keep_once() {
    const changes fresh = scheduler_->take_changes();
    if (fresh.empty()) return false;
    store_->commit({&fresh, 1});
    scheduler_->committed(fresh, now);
    return true;
  }

  std::vector<std::string> send(const json& events, std::string_view seed = {}) {
    auto ids = scheduler_->accept(events.dump(), now, seed,
                                  [&](const std::string& id) { return store_->find_event(id).has_value(); });
    keep();
    return ids;
  }

  void advance(std::chrono::milliseconds time) { now += time; }

  /// The next call that is due.
  std::optional<job> take() {
    auto out = scheduler_->take_due(now);
    keep();
    if (!out) out = scheduler_->take_due(now);  // what a timer led to
    keep();
    return out;
  }
  job must_take() {
    auto out = take();
    REQUIRE(out);
    return *out;
  }
  json request_of(const job& call) { return json::parse(scheduler_->request_for(call).body); }

  void answer(const job& call, int status, std::string body, inngest::http::headers headers = {}) {
    if (!headers.find("x-inngest-sdk")) headers.add("x-inngest-sdk", "test:v1");
    scheduler_->finish(call, {.status = status, .headers = std::move(headers), .body = std::move(body)}, now);
    keep();
  }
  void report(const job& call, const std::vector<json>& operations) {
    answer(call, 206, json(operations).dump());
  }

  run only_run() const {
    const auto all = store_->runs();
    REQUIRE(all.size() == 1);
    return all.front();
  }
  std::vector<run> runs_of_function(const std::string& id) const {
    std::vector<run> out;
    for (const run& run : store_->runs()) {
      if (run.function_id == id) out.push_back(run);
    }
    return out;
  }

 private:
  std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
  std::unique_ptr<scheduler> scheduler_;
};

/// An operation of the step with the number.
inline json operation(const char* op, int step, json more = json::object()) {
  more["op"] = op;
  const std::string number = std::to_string(step);
  more["id"] = std::string(40 - number.size(), '0') + number;
  if (!more.contains("name")) more["name"] = "step-" + std::to_string(step);
  return more;
}

inline json on_event(const char* id, const char* event, json more = json::object()) {
  more["id"] = id;
  more["triggers"] = {{{"event", event}}};
  return more;
}

}  // namespace scheduler_testing
