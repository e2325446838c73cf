#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "filter.hpp"
#include "printable.hpp"
#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;

struct bulk_options {
  std::string action{};
  run_filter filter{};
  std::string from_step{};
  bool from_failed_step = false, all = false, yes = false, no_wait = false, dry_run = false;
  std::size_t per_second = 0;
};

json body_of(const bulk_options& wanted) {
  json out{{"action", wanted.action}, {"filter", wanted.filter.body()}};
  if (!wanted.from_step.empty()) out["from_step"] = wanted.from_step;
  if (wanted.from_failed_step) out["from_failed_step"] = true;
  if (wanted.per_second > 0) out["per_second"] = wanted.per_second;
  return out;
}

std::uint64_t number_in(const json& object, const char* member) {
  const json value = object.value(member, json());
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::string progress_of(const json& operation) {
  const std::uint64_t failed = number_in(operation, "failed");
  return grouped(number_in(operation, "done")) + " of " + counted(number_in(operation, "total"), "run") +
         " done" + (failed > 0 ? ", " + grouped(failed) + " not possible" : "");
}

json find_operation(session& in, const std::string& id) {
  return in.engine().get("/api/bulk/" + inngest::http::percent_encoded(id));
}

/// Shows the operation's progress until it ends, and returns its final state.
json follow(session& in, const std::string& id) {
  const bool is_shown = isatty(STDERR_FILENO) != 0;
  json now = find_operation(in, id);
  for (; text_of(now, "state") == "running"; now = find_operation(in, id)) {
    if (is_shown) std::cerr << "\r\033[K" << printable(progress_of(now)) << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  if (is_shown) std::cerr << "\r\033[K" << std::flush;
  return now;
}

outcome say_end(session& in, const json& operation) {
  const bool has_problems = number_in(operation, "failed") > 0;
  if (in.in_json) {
    print_json(operation);
  } else {
    say("Operation " + text_of(operation, "id") + " " + text_of(operation, "state") + ": " +
        progress_of(operation) + ".");
    const json problems = operation.value("problems", json::array());
    for (const json& problem : problems)
      say("  " + printable(text_of(problem, "run_id") + ": " + text_of(problem, "text")));
  }
  return has_problems ? outcome::problem : outcome::ok;
}

outcome begin(session& in, const bulk_options& wanted) {
  in.engine().require_engine("bulk " + wanted.action);
  json body = body_of(wanted);
  if (body["filter"].empty() && !wanted.all)
    throw failure(outcome::wrong_usage,
                  "bulk " + wanted.action + ": select runs, for example with --failed, or use --all");
  if (!body["filter"].empty() && wanted.all)
    throw failure(outcome::wrong_usage, "bulk " + wanted.action + ": --all contradicts the other options");
  if (wanted.all) body["all"] = true;
  json question = body;
  question["dry_run"] = true;
  const json answer = in.engine().post("/api/bulk", question);
  const std::uint64_t count = number_in(answer, "count");
  if (wanted.dry_run && in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  if (!in.in_json) say(counted(count, "run") + (count == 1 ? " matches." : " match."));
  if (wanted.dry_run) return outcome::ok;
  if (count == 0) {
    if (in.in_json) print_json({{"total", 0}, {"done", 0}, {"failed", 0}, {"state", "completed"}});
    return outcome::ok;
  }
  const std::string question_text = wanted.action + " " + counted(count, "run") + "?";
  if (!wanted.yes && !confirm(question_text)) {
    say("Nothing was done.");
    return outcome::problem;
  }
  const json begun = in.engine().post("/api/bulk", body);
  const std::string id = text_of(begun, "id");
  if (wanted.no_wait) {
    if (in.in_json)
      print_json(begun);
    else
      say("Operation " + id + " has begun: inngest-engine bulk show " + id);
    return outcome::ok;
  }
  return say_end(in, follow(in, id));
}

outcome list_operations(session& in) {
  const json answer = in.engine().get("/api/bulk");
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  const json all = answer.is_array() ? answer : answer.value("operations", json::array());
  table shown({{"ID"}, {"ACTION"}, {"STATE"}, {"AGE"}, {"DONE"}, {"FAILED"}, {"TOTAL"}, {"FILTER", true}});
  for (const json& each : all)
    shown.add({text_of(each, "id"), text_of(each, each.contains("action") ? "action" : "what"),
               text_of(each, "state"), age(text_of(each, "created_at")), text_of(each, "done"),
               text_of(each, "failed"), text_of(each, "total"), text_of(each, "filter")});
  if (shown.empty())
    say("There are no bulk operations.");
  else
    shown.print();
  return outcome::ok;
}

void add_action(CLI::App& bulk, session& to, const std::string& name, const std::string& about) {
  const auto wanted = std::make_shared<bulk_options>();
  wanted->action = name;
  CLI::App* action = add_command(bulk, to, name, about, [=](session& in) { return begin(in, *wanted); });
  wanted->filter.add_to(*action);
  action->add_flag("--all", wanted->all, "Selects all runs, if no option selects any");
  action->add_flag("--yes", wanted->yes, "Does not ask for confirmation");
  action->add_flag("--dry-run", wanted->dry_run, "Only counts the runs");
  action->add_flag("--no-wait", wanted->no_wait, "Does not wait for the end of the operation");
  action->add_option("--per-second", wanted->per_second, "Maximum number of runs per second")
      ->check(CLI::Range(1, 1'000'000));
  if (name != "rerun") return;
  CLI::Option* failed = action->add_flag("--from-failed-step", wanted->from_failed_step,
                                         "Keeps the results of the steps before the one that failed");
  action->add_option("--from", wanted->from_step, "Keeps the results of the steps before this one")
      ->excludes(failed);
  action->footer(
      "Example: inngest-engine bulk rerun --failed --since 1h --function shop-charge --from-failed-step");
}

}  // namespace

void add_bulk_commands(CLI::App& program, session& to) {
  CLI::App* bulk = program.add_subcommand("bulk", "Repeats, cancels or removes all runs that match")
                       ->require_subcommand(1);
  add_action(*bulk, to, "rerun", "Repeats the runs that match; counts and asks first");
  add_action(*bulk, to, "cancel", "Cancels the runs that match; counts and asks first");
  add_action(*bulk, to, "remove", "Removes the ended runs that match; counts and asks first");
  add_command(*bulk, to, "list", "Lists bulk operations", list_operations);
  const auto id = std::make_shared<std::string>();
  add_command(*bulk, to, "show", "Shows an operation's progress, and waits for its end",
              [=](session& in) { return say_end(in, follow(in, *id)); })
      ->add_option("ID", *id, "The operation's id")
      ->required();
  add_command(*bulk, to, "stop", "Stops an operation; completed changes are kept",
              [=](session& in) {
                in.engine().require_engine("bulk stop");
                in.engine().post("/api/bulk/" + inngest::http::percent_encoded(*id) + "/stop");
                return say_end(in, find_operation(in, *id));
              })
      ->add_option("ID", *id, "The operation's id")
      ->required();
}

}  // namespace terminal
