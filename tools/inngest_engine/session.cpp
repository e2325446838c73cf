#include "session.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <utility>

#include <inngest/detail/keys.hpp>
#include <inngest/error.hpp>

#include "printable.hpp"

namespace terminal {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// \throws failure
std::string contents_of(const std::string& option, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string out((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in && !in.eof())
    throw failure(outcome::wrong_usage, option + ": can't read the file \"" + file + "\"");
  return out;
}

std::string event_key() {
  const std::string all = variable("INNGEST_EVENT_KEY");
  return inngest::detail::trimmed(all.substr(0, all.find(',')));
}

}  // namespace

std::string session::signing_key() const {
  const std::string source = key_file.empty() ? "INNGEST_SIGNING_KEY" : "--key-file";
  const std::string text = key_file.empty() ? variable("INNGEST_SIGNING_KEY") : contents_of(source, key_file);
  try {
    std::string out = inngest::detail::checked_key(source, text);
    if (out.empty() && !key_file.empty()) throw failure(outcome::wrong_usage, source + ": the file is empty");
    return out;
  } catch (const inngest::error& problem) {  // its message never contains the key
    throw failure(outcome::wrong_usage, problem.what());
  }
}

door& session::engine() {
  if (door_) return *door_;
  if (of.file.empty()) {
    of.signing_key = signing_key();
    of.event_key = event_key();
  }
  return door_.emplace(of);
}

void complain(const std::string& problem) {
  std::fputs(("inngest-engine: " + printable(problem, lines::kept) + "\n").c_str(), stderr);
}

served_ids for_each_id(const std::vector<std::string>& ids,
                       const std::function<void(const std::string&)>& what) {
  served_ids out;
  for (const std::string& id : ids) {
    try {
      what(id);
    } catch (const failure& problem) {
      complain(problem.what());
      out.refused.push_back({{"id", id}, {"error", problem.what()}});
      out.code = problem.code();
      if (out.code == outcome::no_engine) break;
      out.code = outcome::problem;
    }
  }
  return out;
}

CLI::App* add_command(CLI::App& parent, session& to, const std::string& name, const std::string& about,
                      command what) {
  CLI::App* out = parent.add_subcommand(name, about);
  out->callback([&to, what = std::move(what), out] {
    if (out->get_subcommands().empty()) to.command = what;  // otherwise a subcommand was chosen
  });
  return out;
}

std::string text_of(const inngest::json& object, const char* member) {
  if (!object.is_object() || !object.contains(member) || object[member].is_null()) return "";
  const inngest::json& value = object[member];
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, inngest::json::error_handler_t::replace);
}

void print_json(const inngest::json& value) { std::cout << printable_json(value) << '\n'; }

void say(const std::string& text) { std::cout << printable(text, lines::kept) << '\n'; }

bool confirm(const std::string& question) {
  if (isatty(STDIN_FILENO) == 0)
    throw failure(outcome::wrong_usage,
                  "can't ask \"" + question + "\" without a terminal: add --yes to confirm");
  std::cerr << printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

std::string counted(std::uint64_t number, const std::string& noun) {
  return grouped(number) + " " + noun + (number == 1 ? "" : "s");
}

inngest::json read_json(const std::string& option, const std::string& text) {
  std::string json = text;
  if (text == "-") json.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  if (text.starts_with('@')) json = contents_of(option, text.substr(1));
  try {
    return inngest::json::parse(json);
  } catch (const inngest::json::parse_error& problem) {
    throw failure(outcome::wrong_usage, option + " is not JSON: at byte " + std::to_string(problem.byte) +
                                            (text == json ? " of " + text : ""));
  }
}

}  // namespace terminal
