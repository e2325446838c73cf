#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;

struct function_filter {
  std::string search{}, app{};
};

/// A function's triggers: "shop/order.placed", "cron 0 3 * * *".
std::string triggers_of(const json& function) {
  std::string out;
  for (const json& trigger : function.value("triggers", json::array())) {
    const std::string cron = text_of(trigger, "cron"), condition = text_of(trigger, "expression");
    out += (out.empty() ? "" : ", ") + (cron.empty() ? text_of(trigger, "event") : "cron " + cron) +
           (condition.empty() ? "" : " if " + condition);
  }
  return out;
}

/// Whether a function is paused, by itself or with its app. Paused schedules do not count.
bool contains(const json& pauses, const std::string& function, const std::string& app) {
  return std::any_of(pauses.begin(), pauses.end(), [&](const json& pause) {
    return (text_of(pause, "function") == function && text_of(pause, "cron").empty()) ||
           text_of(pause, "app") == app;
  });
}

outcome list_functions(session& in, const function_filter& filter) {
  in.engine().require_engine("functions");
  parameters query;
  if (!filter.search.empty()) query.emplace_back("search", filter.search);
  if (!filter.app.empty()) query.emplace_back("app", filter.app);
  const json answer = in.engine().get("/api/functions", query);
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"ID", true}, {"NAME", true, true}, {"APP", true, true}, {"TRIGGERS", true}, {"STATE"}});
  const json paused = in.engine().get("/api/pauses").value("pauses", json::array());
  for (const json& function : answer.value("functions", json::array())) {
    const bool is_paused = contains(paused, text_of(function, "id"), text_of(function, "app"));
    shown.add({text_of(function, "id"), text_of(function, "name"), text_of(function, "app"),
               triggers_of(function), is_paused ? "paused" : ""});
  }
  if (shown.empty())
    say("No function matches.");
  else
    shown.print();
  return outcome::ok;
}

std::string percent(double share) {
  char out[16];
  std::snprintf(out, sizeof out, "%.1f%%", share * 100);
  return out;
}

std::string rounded(const json& number) {
  if (!number.is_number()) return "";
  char out[32];
  std::snprintf(out, sizeof out, "%.2f", number.get<double>());
  return out;
}

outcome show_stats(session& in, const std::string& slug) {
  in.engine().require_engine("functions stats");
  const json answer = in.engine().get("/api/functions/" + inngest::http::percent_encoded(slug) + "/stats");
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"LAST"},
               {"RUNS"},
               {"COMPLETED"},
               {"FAILED"},
               {"CANCELLED"},
               {"ERRORS"},
               {"P50"},
               {"P95"},
               {"A MINUTE"}});
  for (const char* span : {"hour", "day"}) {
    const json stats = answer.value(span, json::object());
    const auto ms = [&](const char* member) {
      const std::string text = text_of(stats, member);
      return text.empty() ? text : text + "ms";
    };
    const json share = stats.value("error_share", json());
    shown.add({span, text_of(stats, "runs"), text_of(stats, "completed"), text_of(stats, "failed"),
               text_of(stats, "cancelled"), share.is_number() ? percent(share.get<double>()) : "",
               ms("p50_ms"), ms("p95_ms"), rounded(stats.value("per_minute", json()))});
  }
  shown.print();
  return outcome::ok;
}

outcome invoke(session& in, const std::string& slug, const std::string& data) {
  in.engine().require_engine("invoke");
  const json body{{"data", data.empty() ? json::object() : read_json("--data", data)}};
  const json answer =
      in.engine().post("/api/functions/" + inngest::http::percent_encoded(slug) + "/invoke", body);
  if (in.in_json)
    print_json(answer);
  else
    say("Run " + text_of(answer, "run_id") + " of " + slug + " has begun.");
  return outcome::ok;
}

outcome list_apps(session& in) {
  in.engine().require_engine("apps");
  const json answer = in.engine().get("/api/apps");
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"ID", true},
               {"SDK", true, true},
               {"URL", true},
               {"FUNCTIONS"},
               {"WORKERS"},
               {"LAST CONTACT"},
               {"LAST ERROR", true}});
  for (const json& app : answer.is_array() ? answer : answer.value("apps", json::array())) {
    const json functions = app.value("functions", json());
    shown.add({text_of(app, "id"), text_of(app, "sdk"), text_of(app, "url"),
               functions.is_array() ? std::to_string(functions.size()) : text_of(app, "functions"),
               text_of(app, "workers"), age(text_of(app, "last_contact")), text_of(app, "last_error")});
  }
  if (shown.empty())
    say("The engine has no apps.");
  else
    shown.print();
  return outcome::ok;
}

}  // namespace

void add_function_commands(CLI::App& program, session& to) {
  const auto filter = std::make_shared<function_filter>();
  CLI::App* functions = add_command(program, to, "functions", "Lists functions, or shows statistics of one",
                                    [=](session& in) { return list_functions(in, *filter); });
  functions->require_subcommand(0, 1);
  functions->add_option("--search", filter->search, "Functions with this text in their id or name");
  functions->add_option("--app", filter->app, "Functions of the app with this id");
  const auto slug = std::make_shared<std::string>(), data = std::make_shared<std::string>();
  add_command(*functions, to, "stats", "Shows a function's runs, errors and durations",
              [=](session& in) { return show_stats(in, *slug); })
      ->add_option("FUNCTION", *slug, "The function's id, such as shop-charge")
      ->required();
  CLI::App* start = add_command(program, to, "invoke", "Runs a function, whatever its triggers",
                                [=](session& in) { return invoke(in, *slug, *data); });
  start->add_option("FUNCTION", *slug, "The function's id, such as shop-charge")->required();
  start->add_option("--data", *data, "The data of its event: a JSON object, @file, or - for stdin");
  add_command(program, to, "apps", "Lists apps: their addresses and registrations", list_apps);
}

}  // namespace terminal
