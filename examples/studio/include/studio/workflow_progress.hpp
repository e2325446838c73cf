#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <studio/database.hpp>

namespace studio {

/// Records one function's progress in a workflow run, for display on the canvas.
class workflow_progress {
 public:
  /// `processor` is the function's id; `worker` is the Inngest run.
  workflow_progress(database& data, std::string run, std::string processor, std::string worker)
      : data_(&data), run_(std::move(run)), processor_(std::move(processor)), worker_(std::move(worker)) {}

  /// Whether the run exists and no other Inngest run has finished it.
  bool is_open() const {
    const auto state = data_->find_workflow_run(run_, processor_);
    return state && (!state->finished() || state->finished_by == worker_);
  }

  void run_started() const { data_->save_run_state(run_, processor_, {.status = "running"}); }
  void run_completed(std::string output) const {
    data_->save_run_state(run_, processor_,
                          {.status = "completed", .output = std::move(output), .finished_by = worker_});
  }
  void run_failed(std::string error) const {
    data_->save_run_state(run_, processor_,
                          {.status = "failed", .error = std::move(error), .finished_by = worker_});
  }

  void node_started(const std::string& node) const {
    data_->save_node_state(run_, processor_, node, "running");
  }
  void node_completed(const std::string& node, const std::string& output = {}) const {
    data_->save_node_state(run_, processor_, node, "completed", output);
  }

 private:
  database* data_;
  std::string run_;
  std::string processor_;
  std::string worker_;
};

}  // namespace studio
