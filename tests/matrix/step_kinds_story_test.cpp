#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "matrix/step_kinds_functions.hpp"
#include "matrix/step_kinds_harness.hpp"
#include "matrix/step_kinds_hosts.hpp"

// One function with every kind of step, one after the other, and a process that ends before each of them.

namespace {

using namespace step_kinds;
using inngest::embedded::progress;
using inngest::embedded::run_status;
using results = std::vector<std::string>;

/// The steps between the others: each is under way when its process ends, and runs again in the next one.
class boundaries {
 public:
  explicit boundaries(bool end_processes) : ends_(end_processes) {}

  void cross(std::size_t number, world& at) {
    {
      const std::lock_guard lock(mutex_);
      reached_ = std::max(reached_, number);
      if (!ends_ || number <= ended_at_) return;
    }
    at.wait_for_end();
  }
  /// Whether the run is at a boundary at which its process has not ended yet.
  bool is_reached() const {
    const std::lock_guard lock(mutex_);
    return ends_ && reached_ > ended_at_;
  }
  void process_ends() {
    const std::lock_guard lock(mutex_);
    ended_at_ = reached_;
    ++restarts_;
  }
  std::size_t restarts() const {
    const std::lock_guard lock(mutex_);
    return restarts_;
  }

 private:
  const bool ends_;
  mutable std::mutex mutex_{};
  std::size_t reached_ = 0, ended_at_ = 0, restarts_ = 0;
};

std::vector<inngest::any_function> story(const inngest::client& app, world& at, boundaries& between) {
  const other_functions others = others_of(app, at);
  const auto tell = app.create_function(
      {.id = "story"}, inngest::on<go>(),
      [&at, &between, others](context& ctx) {
        results out;
        for (std::size_t i = 0; i < rows.size(); ++i) {
          ctx.step.run("boundary", [&] { between.cross(i + 1, at); });
          out.push_back(uses[i].second(ctx, {at, others.child, others.deferred, rows[i].name}));
        }
        ctx.step.run("boundary", [&] { between.cross(rows.size() + 1, at); });
        return out;
      },
      inngest::on_success([&at](auto& ctx) { ctx.step.run("note", [&] { at.note("on_success"); }); }));
  return {tell, others.child, others.deferred, others.listener, others.waiter};
}

struct told_end {
  std::map<std::string, int> bodies{};
  std::size_t restarts = 0;
};

/// Tells the story on a host, and gives how often each body has run.
told_end tell(const host_row& where, bool with_restarts) {
  website site;
  world at(disturbance::none, where.name == harness_host, site);
  boundaries between(with_restarts);
  const auto make = [&](const inngest::client& app) { return story(app, at, between); };
  const std::unique_ptr<host> place =
      where.name == harness_host ? std::make_unique<harness_engine>(at, make, "step.fetch", "step.ai.infer")
                                 : where.make(at, make);
  const std::string waiter = place->begin(wait_wanted{{.text = "wait"}});
  REQUIRE(place->waits_until([&] { return place->count(waiter, progress::wait_started) > 0; }));
  const std::string run = place->begin(go{{.text = "go"}});
  int answers = 0;
  const auto is_over = [&] {
    const run_status status = place->look_at(run).status;
    return status == run_status::completed || status == run_status::failed || status == run_status::cancelled;
  };
  const auto must_act = [&] {
    return between.is_reached() || place->count(run, progress::wait_started) > answers || is_over();
  };
  while (place->waits_until(must_act)) {
    if (between.is_reached()) {
      between.process_ends();
      place->restart();
    } else if (place->count(run, progress::wait_started) > answers) {
      if (answers++ == 0)
        place->send(answered{{.text = "answer"}});
      else
        place->signal("matrix/signal", json{{"text", "signalled"}});
    } else if (is_over()) {
      break;
    }
  }
  CHECK(place->becomes_idle());
  const outcome end = place->look_at(run);
  INFO(end.timeline);
  REQUIRE(end.status == run_status::completed);
  json expected = json::array();
  for (const step_row& row : rows) expected.push_back(json::parse(row.result));
  CHECK(json::parse(end.output) == expected);
  CHECK(place->leftovers() == "");
  return {at.all_ended(), between.restarts()};
}

}  // namespace

TEST_CASE("a story of all kinds of steps is the same on every host and with a restart before each step",
          "[matrix][steps][story]") {
  auto hosts = engine_hosts();
  const told_end plain = tell(hosts.front(), false);
  CHECK(plain.bodies.at("on_success") == 1);
  CHECK(plain.bodies.at("deferred") == 1);
  CHECK(plain.bodies.at("a signal") == 1);
  CHECK(plain.bodies.at("told") == 1);
  for (const host_row& where : hosts) {
    for (const bool with_restarts : {false, true}) {
      INFO("on " << where.name << (with_restarts ? " with restarts" : ""));
      const told_end end = tell(where, with_restarts);
      CHECK(end.bodies == plain.bodies);
      CHECK(end.restarts == (with_restarts ? rows.size() + 1 : 0));
    }
  }
  INFO("in the harness");
  CHECK(tell({harness_host, {}}, false).bodies == plain.bodies);
}
