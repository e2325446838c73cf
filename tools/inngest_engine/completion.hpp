#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace terminal {

/// The script that lets a shell complete the program's commands and options: "bash", "zsh" or "fish".
std::string completion_for(const CLI::App& program, const std::string& shell);

}  // namespace terminal
