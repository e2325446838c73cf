#pragma once

#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/inngest.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "functions.hpp"
#include "script.hpp"

// The processes of a simulated world, and the functions that each of them has.

namespace simulated {

using inngest::embedded::engine_core;
namespace http = inngest::http;

/// A call that a worker has taken.
struct worker_call {
  engine_core::call call{};
  std::optional<http::response> answer{};
  bool is_running = false;
  std::vector<std::string> steps{};  // whose bodies ran in it
};

/// What ends with a process.
struct process {
  inngest::handler here;
  inngest::handler far;
  std::unique_ptr<engine_core> core{};
  std::vector<std::unique_ptr<worker_call>> calls{};
  std::optional<engine_core::batch> committing{};
  bool is_kept_already = false;  // what is being committed
};

/// The functions of a world, by place. Every process has some of them.
class deployment {
 public:
  /// Bodies report to `bodies`, which must outlive this.
  deployment(const script& script, observer& bodies) : bodies_(bodies) {
    plans_ = random_functions(script.seed);
    for (const auto& [place, simpler] : script.bodies) plans_.at(place).handler = simpler;
    for (std::size_t place = 0; place < plans_.size(); ++place) {
      const bool is_left_out = std::count(script.without.begin(), script.without.end(), place) > 0;
      if (!is_left_out) all_.push_back(place);
    }
  }

  const std::vector<function_plan>& plans() const { return plans_; }
  const std::vector<std::size_t>& all() const { return all_; }

  const inngest::any_function& function(std::size_t place) {
    auto found = functions_.find(place);
    if (found == functions_.end())
      found = functions_.emplace(place, make_function(plans_[place], bodies_)).first;
    return found->second;
  }
  /// Those of the places that are of this process, or of the app elsewhere.
  std::vector<inngest::any_function> functions(const std::vector<std::size_t>& places, bool far) {
    std::vector<inngest::any_function> out;
    for (const std::size_t place : places) {
      if (plans_[place].is_elsewhere == far) out.push_back(function(place));
    }
    return out;
  }
  std::vector<std::size_t> far_places(const std::vector<std::size_t>& of) const {
    std::vector<std::size_t> out;
    for (const std::size_t place : of) {
      if (plans_[place].is_elsewhere) out.push_back(place);
    }
    return out;
  }

  /// What the app elsewhere sends to register these functions.
  inngest::embedded::app_record registration(const std::vector<std::size_t>& places) {
    std::string text = "{\"appName\":\"far\",\"url\":\"http://far.test/api/inngest\",\"functions\":[";
    for (const std::size_t place : places) {
      const inngest::any_function& one = function(place);
      if (text.back() == '}') text += ',';
      text += inngest::protocol::describe_function(one.slug(), one.options(), one.triggers(),
                                                   "http://far.test/api/inngest");
    }
    return {.id = far_app_id, .text = text + "]}"};
  }

 private:
  observer& bodies_;
  std::vector<function_plan> plans_;
  std::vector<std::size_t> all_;
  std::map<std::size_t, inngest::any_function> functions_;  // made on first use
};

inline inngest::client make_client(const char* id, std::shared_ptr<http::transport> transport) {
  inngest::client_options out{.id = id};
  out.mode = inngest::mode::dev;
  out.transport = std::move(transport);
  out.send_attempts = 1;
  out.log = inngest::logger([](inngest::log_level, std::string_view) {}, inngest::log_level::off);
  if (std::string_view(id) == far_app_id) out.serve_origin = "http://far.test";
  out.checkpointing.enabled = std::string_view(id) != far_app_id;
  return inngest::client(std::move(out));
}

}  // namespace simulated
