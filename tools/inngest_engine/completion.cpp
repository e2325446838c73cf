#include "completion.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "session.hpp"

// All three scripts do the same: they find the command from the words typed so far, as a path such as
// "/runs/list", and complete the command's subcommands and options.

namespace terminal {
namespace {

using word = std::pair<std::string, std::string>;  // a word and its description

/// A command, and the words that may follow it.
struct place {
  std::string path{};
  std::vector<word> commands{};
  std::vector<std::pair<word, bool>> options{};  // with whether a value follows
};

void add_options(place& to, const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const bool is_there = std::any_of(to.options.begin(), to.options.end(),
                                      [](const auto& known) { return known.first.first == "--help"; });
    for (const std::string& name : option->get_lnames())
      if (name != "help" || !is_there)
        to.options.push_back(
            {{"--" + name, option->get_description()}, option->get_items_expected_max() > 0});
  }
}

void add_places(std::vector<place>& out, const CLI::App& command, const CLI::App& program,
                const std::string& path) {
  place here{.path = path};
  add_options(here, command);
  if (&command != &program) add_options(here, program);
  const auto below = command.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : below) here.commands.emplace_back(child->get_name(), child->get_description());
  out.push_back(std::move(here));
  for (const CLI::App* child : below) add_places(out, *child, program, path + "/" + child->get_name());
}

std::string joined(const std::vector<std::string>& all, const std::string& between) {
  std::string out;
  for (const std::string& text : all) out += (out.empty() ? "" : between) + text;
  return out;
}

std::string all_paths(const std::vector<place>& places) {
  std::vector<std::string> out;
  for (const place& position : places) {
    if (!position.path.empty()) out.push_back(position.path);
  }
  return joined(out, "|");
}

/// In single quotes, which all three shells understand.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("’") : std::string(1, c);
  return out + "'";
}

std::string bash(const std::vector<place>& places) {
  std::string out =
      "# inngest-engine completion bash > ~/.local/share/bash-completion/completions/inngest-engine\n"
      "_inngest_engine() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} place= word words=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $place/$word in\n"
      "      " +
      all_paths(places) +
      ") place=$place/$word ;;\n"
      "    esac\n"
      "  done\n"
      "  case $previous in\n"
      "    --file|--key-file|--from-file) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
      "  esac\n"
      "  case $place in\n";
  for (const place& position : places) {
    std::vector<std::string> names;
    for (const auto& [name, about] : position.commands) names.push_back(name);
    for (const auto& [option, takes_value] : position.options) names.push_back(option.first);
    out += "    " + (position.path.empty() ? std::string("''") : position.path) +
           ") words=" + quoted(joined(names, " ")) + " ;;\n";
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "}\n"
         "complete -o default -F _inngest_engine inngest-engine\n";
}

/// "name:description", the format of zsh's _describe.
std::string described(const word& choice) {
  std::string about;
  for (const char c : choice.second) about += c == ':' ? std::string("\\:") : std::string(1, c);
  return quoted(choice.first + ":" + about);
}

std::string zsh(const std::vector<place>& places) {
  std::string out =
      "#compdef inngest-engine\n"
      "# inngest-engine completion zsh > a folder of $fpath, as _inngest-engine\n"
      "_inngest_engine() {\n"
      "  local place= word\n"
      "  local -a commands options\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    case $place/$word in\n"
      "      (" +
      all_paths(places) +
      ") place=$place/$word ;;\n"
      "    esac\n"
      "  done\n"
      "  case $place in\n";
  for (const place& position : places) {
    std::vector<std::string> commands, options;
    for (const word& command : position.commands) commands.push_back(described(command));
    for (const auto& [option, takes_value] : position.options) options.push_back(described(option));
    out += "    (" + (position.path.empty() ? std::string("''") : position.path) + ") commands=(" +
           joined(commands, " ") + ") options=(" + joined(options, " ") + ") ;;\n";
  }
  return out +
         "  esac\n"
         "  (( $#commands )) && _describe command commands\n"
         "  [[ $PREFIX == -* ]] && _describe -o option options\n"
         "  (( $#commands )) || _files\n"
         "}\n"
         "(( $+functions[compdef] )) && compdef _inngest_engine inngest-engine\n";
}

std::string fish(const std::vector<place>& places) {
  std::string out =
      "# inngest-engine completion fish > ~/.config/fish/completions/inngest-engine.fish\n"
      "function __inngest_engine_place\n"
      "  set -l place ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch $place/$word\n"
      "      case";
  for (const place& position : places) {
    if (!position.path.empty()) out += " " + position.path;
  }
  out +=
      "\n        set place $place/$word\n"
      "    end\n"
      "  end\n"
      "  test \"$place\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c inngest-engine -e\n";
  for (const place& position : places) {
    const std::string here =
        "complete -c inngest-engine -n '__inngest_engine_place \"" + position.path + "\"' ";
    for (const auto& [name, about] : position.commands)
      out += here + "-f -a " + name + " -d " + quoted(about) + "\n";
    for (const auto& [option, takes_value] : position.options)
      out += here + "-l " + option.first.substr(2) + (takes_value ? " -r" : "") + " -d " +
             quoted(option.second) + "\n";
  }
  return out;
}

}  // namespace

std::string completion_for(const CLI::App& program, const std::string& shell) {
  std::vector<place> places;
  add_places(places, program, program, "");
  return shell == "zsh" ? zsh(places) : shell == "fish" ? fish(places) : bash(places);
}

void add_completion_command(CLI::App& program, session& to) {
  const auto shell = std::make_shared<std::string>();
  add_command(program, to, "completion", "Prints a script for a shell's completion",
              [&program, shell](session&) {
                std::fputs(completion_for(program, *shell).c_str(), stdout);
                return outcome::ok;
              })
      ->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace terminal
