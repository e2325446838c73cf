// inngest-engine: shows, finds and repairs the runs of an embedded engine, from a terminal. See
// docs/terminal.md.

#include <CLI/CLI.hpp>

#include <exception>
#include <string>
#include <vector>

#include <inngest/version.hpp>

#include "session.hpp"

namespace {

using terminal::outcome;

int end_with(outcome code, const std::string& problem) {
  terminal::complain(problem);
  return static_cast<int>(code);
}

void add_commands(CLI::App& program, terminal::session& to) {
  terminal::add_run_commands(program, to);
  terminal::add_bulk_commands(program, to);
  terminal::add_event_commands(program, to);
  terminal::add_function_commands(program, to);
  terminal::add_pause_commands(program, to);
  terminal::add_watching_commands(program, to);
  terminal::add_keeping_commands(program, to);
  terminal::add_serve_command(program, to);
  terminal::add_completion_command(program, to);
}

void add_options(CLI::App& program, terminal::session& to) {
  program.add_option("--file", to.of.file, "Reads an engine's store, also while the engine works");
  program.add_option("--url", to.of.url, "The engine's server")
      ->envname("INNGEST_ENGINE_URL")
      ->capture_default_str();
  program.add_option("--key-file", to.key_file,
                     "A file with the signing key, instead of INNGEST_SIGNING_KEY");
  program.add_flag("--json", to.in_json, "Prints JSON");
}

/// The error in a command line. An unknown word in the place of a command is an unknown command.
std::string problem_in(const CLI::App& program, const CLI::ParseError& problem) {
  const CLI::App* last = &program;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().back();
  const std::vector<std::string> unknown = program.remaining(true);
  if (problem.get_name() != "RequiredError" || last->get_require_subcommand_min() == 0) return problem.what();
  if (!unknown.empty()) return "\"" + unknown.front() + "\" is not a command";
  std::string out = "a command is missing:";
  for (const CLI::App* command : last->get_subcommands([](const CLI::App*) { return true; }))
    out += " " + command->get_name();
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  terminal::session session;
  CLI::App program("Shows, finds and repairs runs of an inngest-cpp engine.", "inngest-engine");
  program.set_version_flag("--version", INNGEST_VERSION);
  program.fallthrough()->require_subcommand(1);
  program.footer(
      "Exit codes: 0 success; 1 a problem was found; 2 wrong usage; 3 no engine answers, or it rejects the "
      "key.\n"
      "`inngest-engine COMMAND --help` describes a command.");
  add_options(program, session);
  add_commands(program, session);
  try {
    program.parse(count, arguments);
    return static_cast<int>(session.command(session));
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return program.exit(problem);  // --help, --version
    return end_with(outcome::wrong_usage, problem_in(program, problem) + "\nTry --help.");
  } catch (const terminal::failure& problem) {
    return end_with(problem.code(), problem.what());
  } catch (const std::exception& problem) {
    return end_with(outcome::problem, problem.what());
  }
}
