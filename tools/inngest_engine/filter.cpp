#include "filter.hpp"

#include "times.hpp"

namespace terminal {
namespace {

/// An empty variable of a script must not select more runs than it means.
std::string refuse_empty(const std::string& value) {
  return value.empty() ? "is empty: omit the option if it is not needed" : "";
}

}  // namespace

void run_filter::add_to(CLI::App& command) {
  const std::string group = "Which runs";
  const auto text = [&](const std::string& name, std::string& value, const std::string& about) {
    return command.add_option(name, value, about)->group(group)->check(refuse_empty);
  };
  const auto list = [&](const std::string& name, std::vector<std::string>& values, const std::string& about) {
    return command.add_option(name, values, about)
        ->group(group)
        ->allow_extra_args(false)
        ->check(refuse_empty);
  };
  command.add_flag("--failed", failed, "Runs that failed: --status failed")->group(group);
  list("--status", statuses, "Runs with this status; may be repeated")
      ->check(CLI::IsMember({"queued", "running", "waiting", "sleeping", "paused", "completed", "failed",
                             "cancelled", "skipped"}));
  list("--function", functions, "Runs of the function with this id, such as shop-charge; may be repeated");
  text("--app", app, "Runs of the app with this id");
  text("--since", since, "Runs since this time: 1h, 2d, 2026-11-26, 2026-11-26T03:00:00Z");
  text("--until", until, "Runs before this time");
  text("--by", by, "The time that --since and --until refer to")
      ->check(CLI::IsMember({"queued", "started", "ended"}));
  list("--tag", tags, "Runs with this tag: name:value; may be repeated");
  text("--event", event, "Runs started by events with this name");
  text("--event-id", event_id, "Runs started by this event");
  text("--error", error, "Runs with this text in their error");
  text("--key", key, "Runs with this concurrency or idempotency key");
  text("--where", where, "Runs that match a CEL condition: \"event.data.total > 100\"");
  CLI::Option* repeated =
      command.add_flag("--repeated", is_repeated, "Runs that were rerun later")->group(group);
  command.add_flag("--not-repeated", is_not_repeated, "Runs that were not rerun since")
      ->group(group)
      ->excludes(repeated);
  text("--search", search, "Runs with this text in their id, event id or event name");
}

parameters run_filter::query() const {
  parameters out;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  if (failed) add("status", "failed");
  for (const std::string& status : statuses) {
    if (!failed || status != "failed") add("status", status);
  }
  for (const std::string& function : functions) add("function", function);
  for (const std::string& tag : tags) add("tag", tag);
  add("app", app);
  add("event", event);
  add("event_id", event_id);
  add("error", error);
  add("key", key);
  add("where", where);
  add("repeated", is_repeated ? "true" : is_not_repeated ? "false" : "");
  add("search", search);
  add("from", since.empty() ? "" : moment("--since", since));
  add("until", until.empty() ? "" : moment("--until", until));
  add("by", by);
  return out;
}

inngest::json run_filter::body() const {
  inngest::json out = inngest::json::object();
  for (const auto& [name, value] : query()) {
    const bool is_list = name == "status" || name == "function" || name == "tag";
    if (is_list)
      out[name].push_back(value);
    else
      out[name] = value;
  }
  return out;
}

}  // namespace terminal
