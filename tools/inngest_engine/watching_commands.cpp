#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "printable.hpp"
#include "session.hpp"
#include "table.hpp"

namespace terminal {
namespace {

using inngest::json;

// ---- health ---------------------------------------------------------------------------------------------

outcome health(session& in) {
  in.engine().require_engine("health");
  const inngest::http::response answer = in.engine().ask({.method = "GET", .url = "/health/ready"});
  if (answer.status != 200 && answer.status != 503) in.engine().refuse(answer);
  const json found = json::parse(answer.body, nullptr, false);
  if (!found.is_object())
    throw failure(outcome::problem, in.engine().name() + " is not an inngest-cpp engine");
  if (in.in_json) {
    print_json(found);
  } else {
    table shown({{"CHECK"}, {"STATE"}, {"DETAIL", true}});
    for (const json& check : found.value("checks", json::array()))
      shown.add(
          {text_of(check, "name"), check.value("ok", false) ? "ok" : "failed", text_of(check, "detail")});
    shown.add({"all", text_of(found, "status"), ""});
    shown.print();
  }
  return answer.status == 200 ? outcome::ok : outcome::problem;
}

// ---- metrics --------------------------------------------------------------------------------------------

/// A label's value, unescaped.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '\\' && at + 1 < text.size();
    if (is_escape) ++at;
    out += is_escape && text[at] == 'n' ? '\n' : text[at];
  }
  return out;
}

/// The labels between the braces, as pairs. `rest` becomes the text after them.
std::vector<std::pair<std::string, std::string>> labels_of(std::string_view& rest) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!rest.empty() && rest.front() != '}') {
    const std::size_t quote = rest.find("=\"");
    if (quote == std::string_view::npos) break;
    std::size_t end = quote + 2;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) break;
    out.emplace_back(rest.substr(0, quote), unescaped(rest.substr(quote + 2, end - quote - 2)));
    rest.remove_prefix(end + 1);
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
  if (!rest.empty()) rest.remove_prefix(1);
  return out;
}

/// The lines of a Prometheus text whose metric name contains the wanted text.
std::vector<json> samples_in(const std::string& text, const std::string& wanted) {
  std::vector<json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::string_view rest = line;
    const std::string name(rest.substr(0, rest.find_first_of("{ ")));
    rest.remove_prefix(name.size());
    json labels = json::object();
    if (rest.starts_with('{')) {
      rest.remove_prefix(1);
      for (auto& [label, value] : labels_of(rest)) labels[label] = std::move(value);
    }
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (name.find(wanted) != std::string::npos)
      out.push_back({{"name", name}, {"labels", std::move(labels)}, {"value", std::string(rest)}});
  }
  return out;
}

void print_samples(const std::vector<json>& samples) {
  table shown({{"METRIC", true}, {"APP", true, true}, {"FUNCTION", true}, {"LABELS", true}, {"VALUE"}});
  for (const json& sample : samples) {
    const std::string name = text_of(sample, "name");
    if (name.ends_with("_bucket")) continue;  // their sum and count are shown
    std::string others;
    for (const auto& [label, value] : sample["labels"].items()) {
      if (label != "function" && label != "app")
        others += (others.empty() ? "" : " ") + label + "=" + text_of(sample["labels"], label.c_str());
    }
    shown.add({name, text_of(sample["labels"], "app"), text_of(sample["labels"], "function"), others,
               text_of(sample, "value")});
  }
  if (shown.empty())
    say("There is no such metric.");
  else
    shown.print();
}

outcome metrics(session& in, const std::string& wanted, bool raw) {
  in.engine().require_engine("metrics");
  const std::string text = in.engine().text("/metrics");
  if (raw) {
    say(text);
    return outcome::ok;
  }
  const std::vector<json> samples = samples_in(text, wanted);
  if (in.in_json)
    print_json({{"samples", samples}});
  else
    print_samples(samples);
  return outcome::ok;
}

}  // namespace

void add_watching_commands(CLI::App& program, session& to) {
  add_command(program, to, "health", "Shows whether the engine works; the exit code is 1 if it does not",
              health);
  const auto wanted = std::make_shared<std::string>();
  const auto raw = std::make_shared<bool>(false);
  CLI::App* added = add_command(program, to, "metrics", "Shows the engine's metrics",
                                [=](session& in) { return metrics(in, *wanted, *raw); });
  added->add_option("NAME", *wanted, "Only metrics with this text in their names, such as runs_ended");
  added->add_flag("--raw", *raw, "Prints the Prometheus text");
}

}  // namespace terminal
