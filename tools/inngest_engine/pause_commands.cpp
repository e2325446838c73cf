#include <cstdint>
#include <memory>
#include <string>

#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;

/// The target to pause or resume: a function, one of its schedules, or an app.
struct pause_target {
  std::string function{}, app{}, cron{};
};

json body_of(const pause_target& target) {
  if (target.function.empty() == target.app.empty())
    throw failure(outcome::wrong_usage, "name a function, or an app with --app");
  if (!target.cron.empty() && target.function.empty())
    throw failure(outcome::wrong_usage, "--cron is a schedule of a function: name the function");
  json out = json::object();
  if (!target.function.empty()) out["function"] = target.function;
  if (!target.app.empty()) out["app"] = target.app;
  if (!target.cron.empty()) out["cron"] = target.cron;
  return out;
}

std::string name_of(const json& target) {
  const std::string function = text_of(target, "function"), app = text_of(target, "app"),
                    cron = text_of(target, "cron");
  if (function.empty()) return "app " + app;
  return "function " + function + (cron.empty() ? "" : ", schedule " + cron);
}

outcome change_pause(session& in, const pause_target& target, bool pauses) {
  in.engine().require_engine(pauses ? "pause" : "resume");
  const json body = body_of(target);
  const json answer = in.engine().post(pauses ? "/api/pause" : "/api/resume", body);
  if (in.in_json)
    print_json(answer);
  else
    say(pauses ? "Paused: " + name_of(body) + ". New runs wait; nothing is lost."
               : "Resumed: " + name_of(body) + ".");
  return outcome::ok;
}

outcome list_pauses(session& in) {
  in.engine().require_engine("pauses");
  const json answer = in.engine().get("/api/pauses");
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"PAUSED", true}, {"AGE"}, {"BY"}});
  for (const json& pause : answer.is_array() ? answer : answer.value("pauses", json::array()))
    shown.add({name_of(pause), age(text_of(pause, "since")), text_of(pause, "by")});
  if (shown.empty())
    say("Nothing is paused.");
  else
    shown.print();
  return outcome::ok;
}

outcome list_schedules(session& in) {
  in.engine().require_engine("schedules");
  const json answer = in.engine().get("/api/schedules");
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"FUNCTION", true}, {"CRON"}, {"TIME ZONE", false, true}, {"NEXT"}, {"STATE"}});
  for (const json& schedule : answer.is_array() ? answer : answer.value("schedules", json::array())) {
    const json next = schedule.value("next", json::array());
    shown.add({text_of(schedule, "function"), text_of(schedule, "cron"), text_of(schedule, "time_zone"),
               next.is_array() && !next.empty() && next[0].is_string()
                   ? readable_time(next[0].get<std::string>())
                   : "",
               schedule.value("paused", json(false)) == true ? "paused" : ""});
  }
  if (shown.empty())
    say("No function has a schedule.");
  else
    shown.print();
  return outcome::ok;
}

outcome run_schedule(session& in, const std::string& function, const std::string& cron) {
  in.engine().require_engine("schedules run");
  const json answer = in.engine().post("/api/schedules/run", {{"function", function}, {"cron", cron}});
  if (in.in_json)
    print_json(answer);
  else
    say("The schedule " + cron + " of " + function + " runs now" +
        (text_of(answer, "run_id").empty() ? "." : ": run " + text_of(answer, "run_id") + "."));
  return outcome::ok;
}

outcome backfill(session& in, const json& span) {
  in.engine().require_engine("schedules backfill");
  const json answer = in.engine().post("/api/schedules/backfill", span);
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  const auto number = [&](const char* member) { return answer.value(member, std::uint64_t{0}); };
  const std::uint64_t begun = answer.value("run_ids", json::array()).size();
  say("The span has " + counted(number("times"), "time") + ": " + counted(begun, "run") + " began, " +
      std::to_string(number("repeated")) + " were made before, " + std::to_string(number("skipped")) +
      " were skipped.");
  return outcome::ok;
}

outcome drain(session& in, bool ends, double grace_seconds) {
  in.engine().require_engine("drain");
  const json answer = ends ? in.engine().remove("/api/drain")
                           : in.engine().post("/api/drain", {{"grace_seconds", grace_seconds}});
  const bool is_done = ends || answer.value("drained", false);
  if (in.in_json)
    print_json(answer);
  else if (ends)
    say("The engine begins runs again.");
  else
    say("The engine begins no new runs. " +
        (is_done ? std::string("No call is running: the engine can be stopped.")
                 : counted(answer.value("calls", std::uint64_t{0}), "call") + " still running."));
  return is_done ? outcome::ok : outcome::problem;
}

void add_schedules(CLI::App& program, session& to) {
  CLI::App* schedules =
      add_command(program, to, "schedules", "Lists schedules, runs or backfills one", list_schedules);
  schedules->require_subcommand(0, 1);
  const auto function = std::make_shared<std::string>(), cron = std::make_shared<std::string>(),
             since = std::make_shared<std::string>(), until = std::make_shared<std::string>();
  CLI::App* now = add_command(*schedules, to, "run", "Runs a schedule now",
                              [=](session& in) { return run_schedule(in, *function, *cron); });
  CLI::App* past =
      add_command(*schedules, to, "backfill", "Runs a schedule for times in the past", [=](session& in) {
        return backfill(in,
                        {{"function", *function},
                         {"cron", *cron},
                         {"from", moment("--since", *since)},
                         {"until", until->empty() ? moment("--until", "0s") : moment("--until", *until)}});
      });
  for (CLI::App* command : {now, past}) {
    command->add_option("FUNCTION", *function, "The function's id, such as shop-report")->required();
    command->add_option("CRON", *cron, "The schedule as registered, such as \"0 3 * * *\"")->required();
  }
  past->add_option("--since", *since, "The start of the period: 2d, 2026-11-26")->required();
  past->add_option("--until", *until, "Its end; default: now");
}

}  // namespace

void add_pause_commands(CLI::App& program, session& to) {
  for (const bool pauses : {true, false}) {
    const auto target = std::make_shared<pause_target>();
    CLI::App* change = add_command(program, to, pauses ? "pause" : "resume",
                                   pauses ? "Pauses a function, an app or a schedule; nothing is lost"
                                          : "Resumes a function, an app or a schedule",
                                   [=](session& in) { return change_pause(in, *target, pauses); });
    change->add_option("FUNCTION", target->function, "The function's id, such as shop-charge");
    change->add_option("--app", target->app, "All functions of an app");
    change->add_option("--cron", target->cron, "Only this schedule of the function");
  }
  add_command(program, to, "pauses", "Lists what is paused", list_pauses);
  add_schedules(program, to);
  const auto ends = std::make_shared<bool>(false);
  const auto grace = std::make_shared<double>(10);
  CLI::App* draining = add_command(program, to, "drain",
                                   "Begins no new calls and waits for running ones, before the engine ends",
                                   [=](session& in) { return drain(in, *ends, *grace); });
  draining->add_option("--grace", *grace, "Seconds to wait until no call is running")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
  draining->add_flag("--end", *ends, "Ends the drain");
}

}  // namespace terminal
