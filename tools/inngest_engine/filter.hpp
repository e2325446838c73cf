#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include <inngest/json.hpp>

#include "door.hpp"

namespace terminal {

/// The options by which commands select runs. They are named like the API's query parameters.
struct run_filter {
  std::vector<std::string> statuses{}, functions{}, tags{};
  std::string app{}, event{}, event_id{}, error{}, key{}, where{}, search{}, since{}, until{}, by{};
  bool failed = false, is_repeated = false, is_not_repeated = false;

  /// Adds the options to a command.
  void add_to(CLI::App& command);

  /// The query parameters.
  /// \throws failure for an invalid time.
  parameters query() const;

  /// The filter of a bulk operation.
  inngest::json body() const;
};

}  // namespace terminal
