#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pages.hpp"
#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;

struct event_filter {
  std::string name{}, id{}, search{}, where{}, since{}, until{};
  std::size_t limit = 50;
};

struct event_to_send {
  std::string name{}, data{}, file{}, id{};
};

parameters query_of(const event_filter& filter) {
  parameters out;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  add("name", filter.name);
  add("id", filter.id);
  add("search", filter.search);
  add("where", filter.where);
  add("from", filter.since.empty() ? "" : moment("--since", filter.since));
  add("until", filter.until.empty() ? "" : moment("--until", filter.until));
  return out;
}

/// The number of an event's runs by status: "2 completed, 1 failed".
std::string runs_of(const json& event) {
  std::vector<std::pair<std::string, int>> counts;
  for (const json& run : event.value("runs", json::array())) {
    const std::string status = text_of(run, "status");
    auto found =
        std::find_if(counts.begin(), counts.end(), [&](const auto& known) { return known.first == status; });
    if (found == counts.end()) found = counts.insert(found, {status, 0});
    ++found->second;
  }
  std::string out;
  for (const auto& [status, count] : counts)
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + status;
  return out;
}

outcome list_events(session& in, const event_filter& filter) {
  const json found = read_pages(in.engine(), "/api/events", "events", query_of(filter), filter.limit);
  if (in.in_json) {
    print_json(found);
    return outcome::ok;
  }
  table shown({{"ID"}, {"NAME", true}, {"AGE"}, {"RUNS", true}, {"DATA", true, true}});
  for (const json& event : found["events"])
    shown.add({text_of(event, "id"), text_of(event, "name"), age(text_of(event, "received_at")),
               runs_of(event), text_of(event.value("event", json()), "data")});
  if (shown.empty())
    say("No event matches.");
  else
    shown.print();
  const std::string more = more_text(found, "events");
  if (!more.empty()) say(more);
  return outcome::ok;
}

// ---- sending --------------------------------------------------------------------------------------------

std::string text_in(const std::string& file) {
  if (file == "-") return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  std::ifstream in(file, std::ios::binary);
  if (!in) throw failure(outcome::wrong_usage, "--from-file: can't read the file \"" + file + "\"");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The events in a file: a single one, an array, or one per line.
std::vector<json> events_in(const std::string& file) {
  const std::string text = text_in(file);
  json whole = json::parse(text, nullptr, false);
  if (whole.is_array()) return {whole.begin(), whole.end()};
  if (!whole.is_discarded()) return {std::move(whole)};
  std::vector<json> out;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    out.push_back(json::parse(line, nullptr, false));
    if (out.back().is_discarded())
      throw failure(outcome::wrong_usage,
                    "--from-file: line " + std::to_string(number + 1) + " of \"" + file +
                        "\" is not JSON. The file must contain one event per line, or an array");
  }
  return out;
}

std::vector<json> events_of(const event_to_send& wanted) {
  if (!wanted.file.empty()) return events_in(wanted.file);
  if (wanted.name.empty())
    throw failure(outcome::wrong_usage, "events send: name the event, or a file of events with --from-file");
  json event{{"name", wanted.name},
             {"data", wanted.data.empty() ? json::object() : read_json("--data", wanted.data)}};
  if (!wanted.id.empty()) event["id"] = wanted.id;
  return {std::move(event)};
}

/// Sends some of the events, and retries while the engine's queue is full.
json send_part(session& in, const json& part) {
  for (int attempt = 0;; ++attempt) {
    inngest::http::request request{.method = "POST", .url = in.engine().events_path(), .body = part.dump()};
    request.headers.add("content-type", "application/json");
    const inngest::http::response answer = in.engine().ask(request);
    if (answer.status / 100 == 2) return json::parse(answer.body, nullptr, false).value("ids", json::array());
    if (answer.status != 429 || attempt == 60) in.engine().refuse(answer);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

outcome send_events(session& in, const event_to_send& wanted) {
  constexpr std::size_t part_size = 1000;
  in.engine().require_engine("events send");
  const std::vector<json> events = events_of(wanted);
  json ids = json::array();
  for (std::size_t at = 0; at < events.size(); at += part_size) {
    const std::vector<json> part(
        events.begin() + static_cast<std::ptrdiff_t>(at),
        events.begin() + static_cast<std::ptrdiff_t>(std::min(at + part_size, events.size())));
    for (const json& id : send_part(in, part)) ids.push_back(id);
  }
  if (in.in_json)
    print_json({{"ids", ids}});
  else if (ids.size() == 1)
    say("Sent event " + ids[0].get<std::string>() + ".");
  else
    say("Sent " + counted(ids.size(), "event") + ".");
  return outcome::ok;
}

outcome resend(session& in, const std::vector<std::string>& events) {
  in.engine().require_engine("events resend");
  json ids = json::array();
  const served_ids served = for_each_id(events, [&](const std::string& event) {
    const json answer = in.engine().post("/api/events/" + inngest::http::percent_encoded(event) + "/resend");
    for (const json& id : answer.value("ids", json::array())) {
      ids.push_back(id);
      if (!in.in_json) say("Event " + event + " was sent again as " + id.get<std::string>() + ".");
    }
  });
  if (in.in_json) print_json({{"ids", ids}, {"refused", served.refused}});
  return served.code;
}

void add_list(CLI::App& events, session& to) {
  const auto filter = std::make_shared<event_filter>();
  CLI::App* list = add_command(events, to, "list", "Lists events and their runs, newest first",
                               [=](session& in) { return list_events(in, *filter); });
  list->add_option("--name", filter->name, "Events of this name");
  list->add_option("--id", filter->id, "Events with this id");
  list->add_option("--search", filter->search, "Events with this text in their id or name");
  list->add_option("--where", filter->where, "Events that match a CEL condition: \"event.data.total > 100\"");
  list->add_option("--since", filter->since, "Events since this time: 1h, 2d, 2026-11-26");
  list->add_option("--until", filter->until, "Events before this time");
  list->add_option("--limit", filter->limit, "Maximum number of events to list")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

}  // namespace

void add_event_commands(CLI::App& program, session& to) {
  CLI::App* events = program.add_subcommand("events", "Lists and sends events")->require_subcommand(1);
  add_list(*events, to);
  const auto wanted = std::make_shared<event_to_send>();
  CLI::App* send = add_command(*events, to, "send", "Sends an event, or the events of a file",
                               [=](session& in) { return send_events(in, *wanted); });
  CLI::Option* name = send->add_option("NAME", wanted->name, "The event's name");
  send->add_option("--data", wanted->data, "Its data: JSON, @file, or - for stdin");
  send->add_option("--id", wanted->id, "Its id: the engine accepts each id once a day");
  send->add_option("--from-file", wanted->file,
                   "A file with an array of events, or one per line; - for stdin")
      ->excludes(name);
  send->footer("Example: inngest-engine events send shop/order.placed --data '{\"order\": 7}'");
  const auto ids = std::make_shared<std::vector<std::string>>();
  add_command(*events, to, "resend", "Sends stored events again, as new events with new runs",
              [=](session& in) { return resend(in, *ids); })
      ->add_option("ID", *ids, "The events' ids")
      ->required();
}

}  // namespace terminal
