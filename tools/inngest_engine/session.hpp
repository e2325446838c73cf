#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <inngest/json.hpp>

#include "door.hpp"
#include "problems.hpp"

namespace terminal {

/// Shared by all commands: the global options and the chosen command.
struct session {
  target of{};
  std::string key_file{};
  bool in_json = false;
  /// The chosen command. It runs after the command line was parsed completely.
  std::function<outcome(session&)> command{};

  /// The engine or file named by the options, opened at the first call.
  /// \throws failure
  door& engine();

  /// The key of --key-file or INNGEST_SIGNING_KEY; empty when neither is given.
  /// \throws failure
  std::string signing_key() const;

 private:
  std::optional<door> door_{};
};

using command = std::function<outcome(session&)>;

/// Adds a subcommand that runs `what`. `what` reads options from variables that the caller binds to the
/// returned app.
CLI::App* add_command(CLI::App& parent, session& to, const std::string& name, const std::string& about,
                      command what);

// ---- the commands, by file ------------------------------------------------------------------------------

void add_run_commands(CLI::App& program, session& to);       // runs, rerun, cancel
void add_bulk_commands(CLI::App& program, session& to);      // bulk
void add_event_commands(CLI::App& program, session& to);     // events
void add_function_commands(CLI::App& program, session& to);  // functions, invoke, apps
void add_pause_commands(CLI::App& program, session& to);     // pause, resume, pauses, schedules, drain
void add_keeping_commands(CLI::App& program, session& to);   // backup, check, unreadable, audit
void add_watching_commands(CLI::App& program, session& to);  // health, metrics
void add_serve_command(CLI::App& program, session& to);      // serve
void add_completion_command(CLI::App& program, session& to);

// ---- printing -------------------------------------------------------------------------------------------

/// A member as text: the text itself, "" for null or a missing member, otherwise its JSON.
std::string text_of(const inngest::json& object, const char* member);

/// Prints JSON to standard output.
void print_json(const inngest::json& value);

/// Prints a human-readable line to standard output. Makes the text printable.
void say(const std::string& text);

/// Prints a problem to standard error. Makes the text printable.
void complain(const std::string& problem);

/// The end of a command for several things that the engine may refuse one by one.
struct served_ids {
  outcome code = outcome::ok;
  inngest::json refused = inngest::json::array();  // {"id", "error"}
};

/// Does something for each id, and goes on when the engine refuses one: otherwise the command could only be
/// repeated for all, and would do twice what it has done. Complains about refusals. Ends early when no engine
/// answers.
served_ids for_each_id(const std::vector<std::string>& ids,
                       const std::function<void(const std::string&)>& what);

/// Asks a yes-or-no question on the terminal.
/// \throws failure when there is no terminal.
bool confirm(const std::string& question);

/// "3,000".
std::string grouped(std::uint64_t number);

/// "1 run", "3,000 runs".
std::string counted(std::uint64_t number, const std::string& noun);

/// JSON from an option: the text itself, `@file`, or `-` for standard input.
/// \throws failure that names the option.
inngest::json read_json(const std::string& option, const std::string& text);

}  // namespace terminal
