// Code of docs/operating.md and docs/observing.md.

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include <inngest/doctor.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/log/sinks.hpp>
#include <inngest/outbox.hpp>
#include <inngest/runs.hpp>

using namespace std::chrono_literals;

namespace docs::operating {

struct Receipt { int cents = 0; };
INNGEST_FIELDS(Receipt, cents)
struct ChargeData { std::string item; };
INNGEST_FIELDS(ChargeData, item)
using Ordered = inngest::event<"shop/ordered", ChargeData>;

void my_log(std::string_view level, std::string_view text);
extern const inngest::timestamp yesterday, now;

void logger() {
  // [logger]
  inngest::client app({.id = "shop", .log = inngest::logger([](inngest::log_level level, std::string_view text) {
    my_log(to_string(level), text);
  })});
  // [logger]
}

void outbox() {
  // [outbox]
  #include <inngest/outbox.hpp>

  inngest::client app({.id = "studio",
                       .when_unreachable = inngest::unreachable_policy::keep,
                       .outbox = std::make_shared<inngest::outbox>("/var/lib/studio/events.outbox")});
  // [outbox]
}

void following(const inngest::client& app, const inngest::function<Receipt, Ordered>& charge,
               const std::string& event_id, const std::string& run_id) {
  // [runs]
  #include <inngest/runs.hpp>

  inngest::runs runs(app);
  Receipt receipt = runs.send_and_wait(charge, Ordered{{.item = "tea"}}, 30s);  // typed by the function

  for (const auto& run : runs.of_event(event_id)) std::cout << run.id << " " << to_string(run.status) << "\n";
  runs.cancel(run_id);
  std::string again = runs.rerun(run_id);
  std::string repaired = runs.rerun_from(run_id, "charge", 42);  // from a step, with other arguments

  std::string started = runs.invoke(charge, ChargeData{.item = "tea"}, "order-7");  // without an event, once per key
  Receipt other = runs.invoke_and_wait(charge, ChargeData{.item = "tea"}, 30s);

  inngest::run_filter filter{.statuses = {inngest::run_status::failed}, .functions = {"charge"}, .from = yesterday};
  do {
    auto page = runs.list(filter);
    for (const auto& run : page.runs) std::cout << run.id << " " << run.output_text << "\n";
    filter.cursor = page.cursor;
  } while (!filter.cursor.empty());

  if (auto trace = runs.trace(run_id))
    for (const auto& step : trace->children) std::cout << step.name << " " << step.status << "\n";

  runs.cancel_many({.function = "charge", .started_after = yesterday, .condition = "event.data.item == 'tea'"});
  // [runs]
}

int diagnosis(const inngest::handler& endpoint) {
  // [doctor]
  #include <inngest/doctor.hpp>

  const auto found = inngest::doctor(endpoint);  // what serve() returned, or a client
  std::cout << found.text();
  return found.healthy() ? 0 : 1;
  // [doctor]
}

void pausing(inngest::embedded::engine& engine) {
  // [pause]
  using inngest::embedded::pause_target;
  engine.pause(pause_target::function("shop-charge"));
  engine.pause(pause_target::app("shop"));
  engine.pause(pause_target::schedule("shop-report", "TZ=Europe/Paris 0 9 * * *"));
  for (const auto& pause : engine.paused())
    std::cout << pause.target.text() << " since " << inngest::to_text(pause.since) << " by " << pause.by << "\n";
  engine.resume(pause_target::function("shop-charge"));
  // [pause]
}

void schedules(inngest::embedded::engine& engine) {
  // [schedules]
  for (const auto& schedule : engine.schedules())
    std::cout << schedule.function << " " << schedule.cron << " " << inngest::to_text(schedule.next.front()) << "\n";
  engine.run_schedule("shop-report", "0 9 * * *");
  const auto done = engine.backfill("shop-report", "0 9 * * *", yesterday, now);
  // [schedules]
}

void audit(inngest::embedded::engine& engine) {
  // [audit]
  engine.audit({.action = "deploy", .target = "version 7"});  // your own entry
  for (const auto& entry : engine.audit_trail({.limit = 20}))
    std::cout << inngest::to_text(entry.at) << " " << entry.actor << ": " << entry.action << " " << entry.target << "\n";
  // [audit]
}

void finding(inngest::embedded::engine& engine) {
  // [find]
  for (const auto& run : engine.find_runs({.status = inngest::embedded::run_status::failed,
                                           .from = yesterday,
                                           .tags = {{"customer", "c-17"}},
                                           .where = "event.data.amount > 100"}))
    std::cout << run.id << " " << run.error->message << "\n";
  std::size_t count = engine.count_runs({.function = "shop-pay", .error = "timeout"});
  // [find]
}

void json_lines() {
  // [json-log]
  #include <inngest/log/sinks.hpp>

  inngest::client app({.id = "shop", .log = inngest::logger(inngest::json_log())});
  // [json-log]
}

void putting_right(inngest::embedded::engine& engine, const std::string& run_id, const std::string& event_id) {
  // [rerun]
  engine.rerun(run_id);                                                          // the whole run again
  engine.rerun(run_id, {.step = "charge"});                                      // from a step
  engine.rerun(run_id, {.step = "charge", .input = "[42]"});                     // ... with other arguments
  engine.rerun(run_id, {.step = "charge", .result = R"({"receipt":"by hand"})"});  // ... or without running it
  engine.rerun(run_id, {.from_failed_step = true});
  engine.resend(event_id);            // the same event again, with a new id
  engine.invoke("shop-nightly");      // also for a scheduled function
  engine.cancel(run_id);
  // [rerun]
}

void many(inngest::embedded::engine& engine) {
  using namespace inngest::embedded;
  // [bulk]
  const run_query failed{.status = run_status::failed, .function = "shop-order", .error = "bank"};
  std::cout << engine.count_runs(failed) << " runs\n";  // first look
  const auto operation = engine.begin_bulk(
      {.what = bulk_action::rerun, .runs = failed, .from_failed_step = true, .per_second = 50});
  std::cout << engine.find_bulk(operation.id)->done << " of " << operation.total << "\n";
  engine.stop_bulk(operation.id);
  // [bulk]
}

void keeping() {
  using inngest::embedded::engine_options;
  using inngest::embedded::run_status;
  const auto options =
  // [keep]
  engine_options{.history = 24h * 7,
                 .retention = {{.status = run_status::failed, .keep = 24h * 30},
                               {.function = "shop-poll", .keep = 24h}},
                 .size_budget = 2'000'000'000}
  // [keep]
  ;
}

void backup(inngest::embedded::engine& engine) {
  // [backup]
  engine.backup_to("/backup/engine-2026-11-26.db");  // while the engine works; the file appears when it is complete
  for (const std::string& problem : engine.check()) std::cerr << problem << "\n";
  // [backup]
}

}  // namespace docs::operating
