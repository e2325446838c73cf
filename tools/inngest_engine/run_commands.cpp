#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "filter.hpp"
#include "pages.hpp"
#include "printable.hpp"
#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;

// ---- parts of runs --------------------------------------------------------------------------------------

std::string tags_of(const json& run) {
  std::string out;
  const auto add = [&](const std::string& name, const std::string& value) {
    out += (out.empty() ? "" : " ") + name + ":" + value;
  };
  const json tags = run.value("tags", json());
  if (tags.is_object()) {
    for (const auto& [name, value] : tags.items()) add(name, text_of(tags, name.c_str()));
  } else if (tags.is_array()) {
    for (const json& tag : tags) add(text_of(tag, "name"), text_of(tag, "value"));
  }
  return out;
}

std::string error_of(const json& run) {
  const json error = run.value("error", json());
  if (!error.is_object()) return text_of(run, "error");
  const std::string name = text_of(error, "name"), message = text_of(error, "message");
  return name.empty() || name == "Error" ? message : name + ": " + message;
}

/// The reason for a run's status: its error, or what it waits for.
std::string reason_of(const json& run) {
  const std::string error = error_of(run), waits_for = text_of(run, "waits_for"),
                    until = text_of(run, "until");
  if (!error.empty()) return error;
  std::string out = waits_for.empty() ? "" : "waits for " + waits_for;
  if (!until.empty()) out += (out.empty() ? "" : ", ") + std::string("until ") + readable_time(until);
  return out;
}

std::string duration_of(const json& run) {
  return time_between(text_of(run, "started_at"), text_of(run, "ended_at"));
}

// ---- runs list, count -----------------------------------------------------------------------------------

outcome list_runs(session& in, const run_filter& filter, std::size_t limit, bool oldest_first) {
  parameters query = filter.query();
  if (oldest_first) query.emplace_back("order", "asc");
  const json found = read_pages(in.engine(), "/api/runs", "runs", query, limit);
  if (in.in_json) {
    print_json(found);
    return outcome::ok;
  }
  table shown({{"ID"},
               {"STATUS"},
               {"FUNCTION", true},
               {"AGE"},
               {"TOOK", false, true},
               {"TAGS", true, true},
               {"WHY", true}});
  for (const json& run : found["runs"])
    shown.add({text_of(run, "id"), text_of(run, "status"), text_of(run, "function"),
               age(text_of(run, "queued_at")), duration_of(run), tags_of(run), reason_of(run)});
  if (shown.empty())
    say("No run matches.");
  else
    shown.print();
  const std::string more = more_text(found, "runs");
  if (!more.empty()) say(more);
  return outcome::ok;
}

std::uint64_t count_of(door& engine, const parameters& filter) {
  const bool wants_open = std::any_of(filter.begin(), filter.end(), [](const auto& parameter) {
    return parameter.first == "status" && is_open(parameter.second);
  });
  if (wants_open && engine.is_file())  // the activity of open runs is known only when they are listed
    return read_pages(engine, "/api/runs", "runs", filter, std::numeric_limits<std::size_t>::max())["runs"]
        .size();
  std::uint64_t out = 0;
  std::string before;
  do {  // the engine counts for a limited time, and returns where to continue
    parameters query = filter;
    if (!before.empty()) query.emplace_back("before", before);
    const json answer = engine.get("/api/runs/count", query);
    out += answer.value("count", std::uint64_t{0});
    before = text_of(answer, "next");
  } while (!before.empty());
  return out;
}

outcome count_runs(session& in, const run_filter& filter) {
  const std::uint64_t count = count_of(in.engine(), filter.query());
  if (in.in_json)
    print_json({{"count", count}});
  else
    say(counted(count, "run"));
  return outcome::ok;
}

// ---- runs show ------------------------------------------------------------------------------------------

void say_fact(const std::string& name, const std::string& value) {
  if (!value.empty())
    say(name + ":" + std::string(name.size() < 13 ? 13 - name.size() : 1, ' ') + printable(value));
}

void say_part(const std::string& title, const json& value) {
  if (value.is_null()) return;
  say("\n" + title);
  std::fputs((printable_json(value) + "\n").c_str(), stdout);
}

void say_facts(const json& run) {
  say_fact("run", text_of(run, "id"));
  say_fact("function", text_of(run, "function"));
  say_fact("status", text_of(run, "status"));
  say_fact("why", reason_of(run));
  say_fact("tags", tags_of(run));
  say_fact("event", text_of(run, "event_name") + " " + text_of(run, "event_id"));
  say_fact("rerun of", text_of(run, "original_run_id"));
  const json reruns = run.value("reruns", json::array());
  for (const json& again : reruns)
    say_fact("rerun as", again.is_string() ? again.get<std::string>()
                                           : text_of(again, "id") + " " + text_of(again, "status"));
  say_fact("queued", readable_time(text_of(run, "queued_at")));
  say_fact("started", readable_time(text_of(run, "started_at")));
  say_fact("ended", readable_time(text_of(run, "ended_at")));
  say_fact("took", duration_of(run));
}

std::string time_of_step(const json& step) {
  const std::string ended = text_of(step, "ended_at");
  const json attempts = step.value("attempts", json::array());
  const std::string began =
      attempts.empty() ? text_of(step, "queued_at") : text_of(attempts.back(), "started_at");
  return time_between(began, ended);
}

void print_steps(const json& run) {
  const json steps = run.value("steps", json::array());
  if (steps.empty()) return;
  table shown({{"STEP", true}, {"KIND"}, {"STATUS"}, {"ATTEMPTS"}, {"TOOK"}, {"DETAIL", true}});
  for (const json& step : steps) {
    const std::size_t attempts = step.value("attempts", json::array()).size();
    shown.add({text_of(step, "id"), text_of(step, "kind"), text_of(step, "status"),
               attempts > 0 ? std::to_string(attempts) : "", time_of_step(step), text_of(step, "detail")});
  }
  say("");
  shown.print();
}

/// Prints the error with its stack, as the app reported it.
void say_error(const json& run) {
  const json error = run.value("error", json());
  if (error.is_null()) return;
  say("\nerror");
  say(error_of(run));
  const std::string stack = text_of(error, "stack");
  if (!stack.empty() && stack != text_of(error, "message")) say(stack);
}

void print_logs(const json& lines) {
  table shown({{"TIME"}, {"LEVEL"}, {"STEP", true}, {"ATTEMPT"}, {"TEXT", true}});
  for (const json& line : lines)
    shown.add({readable_time(text_of(line, "at")), text_of(line, "level"), text_of(line, "step"),
               text_of(line, "attempt"), text_of(line, "text")});
  shown.print();
}

json details_of(session& in, const std::string& id) {
  return in.engine().get("/api/runs/" + inngest::http::percent_encoded(id));
}

outcome show_run(session& in, const std::string& id) {
  const json run = details_of(in, id);
  if (in.in_json) {
    print_json(run);
    return outcome::ok;
  }
  say_facts(run);
  print_steps(run);
  say_error(run);
  say_part("events", run.value("events", json()));
  say_part("output", run.value("output", json()));
  const json logs = run.value("logs", json::array());
  if (!logs.empty()) {
    say("\nlogs");
    print_logs(logs);
  }
  return outcome::ok;
}

outcome show_logs(session& in, const std::string& id) {
  const json run = details_of(in, id);
  const json logs = run.value("logs", json::array());
  if (in.in_json)
    print_json({{"logs", logs}});
  else if (logs.empty())
    say("Run " + id + " has no log lines.");
  else
    print_logs(logs);
  return outcome::ok;
}

// ---- rerun, cancel --------------------------------------------------------------------------------------

struct rerun_request {
  std::string id{}, step{}, input{}, result{};
  bool from_failed_step = false;
};

outcome rerun(session& in, const rerun_request& wanted) {
  in.engine().require_engine("rerun");
  if (wanted.step.empty() && !wanted.from_failed_step && (!wanted.input.empty() || !wanted.result.empty()))
    throw failure(outcome::wrong_usage, "--input and --result are for a step: name it with --from");
  json body = json::object();
  if (!wanted.step.empty()) body["step"] = wanted.step;
  if (wanted.from_failed_step) body["from_failed_step"] = true;
  if (!wanted.input.empty()) body["input"] = read_json("--input", wanted.input);
  if (!wanted.result.empty()) body["result"] = read_json("--result", wanted.result);
  const json answer =
      in.engine().post("/api/runs/" + inngest::http::percent_encoded(wanted.id) + "/rerun", body);
  if (in.in_json)
    print_json(answer);
  else
    say("Run " + text_of(answer, "run_id") + " repeats " + wanted.id +
        (wanted.from_failed_step ? " from where it failed or was cancelled."
         : wanted.step.empty()   ? "."
                                 : " from step \"" + wanted.step + "\"."));
  return outcome::ok;
}

outcome cancel(session& in, const std::vector<std::string>& ids) {
  in.engine().require_engine("cancel");
  json cancelled = json::array();
  const served_ids served = for_each_id(ids, [&](const std::string& id) {
    in.engine().post("/api/runs/" + inngest::http::percent_encoded(id) + "/cancel");
    cancelled.push_back(id);
    if (!in.in_json) say("Run " + id + " is cancelled.");
  });
  if (in.in_json) print_json({{"cancelled", cancelled}, {"refused", served.refused}});
  return served.code;
}

void add_list(CLI::App& runs, session& to) {
  const auto filter = std::make_shared<run_filter>();
  const auto limit = std::make_shared<std::size_t>(50);
  const auto oldest_first = std::make_shared<bool>(false);
  CLI::App* list = add_command(runs, to, "list", "Lists runs, newest first",
                               [=](session& in) { return list_runs(in, *filter, *limit, *oldest_first); });
  filter->add_to(*list);
  list->add_option("--limit", *limit, "Maximum number of runs to list")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  list->add_flag("--oldest-first", *oldest_first, "Lists the oldest runs first");
  list->footer("Example: inngest-engine runs list --failed --since 1h --function shop-charge");
  const auto counted_runs = std::make_shared<run_filter>();
  counted_runs->add_to(*add_command(runs, to, "count", "Counts runs",
                                    [=](session& in) { return count_runs(in, *counted_runs); }));
}

}  // namespace

void add_run_commands(CLI::App& program, session& to) {
  CLI::App* runs = program.add_subcommand("runs", "Lists, counts and shows runs")->require_subcommand(1);
  add_list(*runs, to);
  const auto id = std::make_shared<std::string>();
  for (const bool only_logs : {false, true}) {
    CLI::App* show =
        add_command(*runs, to, only_logs ? "logs" : "show",
                    only_logs ? "Shows a run's log lines" : "Shows a run: steps, error, events, output, logs",
                    [=](session& in) { return only_logs ? show_logs(in, *id) : show_run(in, *id); });
    show->add_option("ID", *id, "The run's id")->required();
  }

  const auto wanted = std::make_shared<rerun_request>();
  CLI::App* again = add_command(program, to, "rerun", "Repeats a run, from its beginning or from a step",
                                [=](session& in) { return rerun(in, *wanted); });
  again->add_option("ID", wanted->id, "The run's id")->required();
  again->add_option("--from", wanted->step,
                    "Keeps the results of the steps before this one, given by name or id");
  again
      ->add_flag("--from-failed-step", wanted->from_failed_step,
                 "Like --from, with the step that failed; a cancelled run goes on where it was")
      ->excludes("--from");
  again->add_option("--input", wanted->input,
                    "New arguments of the step: a JSON array, @file, or - for stdin");
  again->add_option("--result", wanted->result, "The step's result instead of running it: JSON, @file, or -")
      ->excludes("--input");
  again->footer("Example: inngest-engine rerun 01M8... --from charge --result '{\"paid\": true}'");

  const auto ids = std::make_shared<std::vector<std::string>>();
  add_command(program, to, "cancel", "Cancels runs", [=](session& in) { return cancel(in, *ids); })
      ->add_option("ID", *ids, "The runs' ids")
      ->required();
}

}  // namespace terminal
