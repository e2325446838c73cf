#pragma once

#include <exception>
#include <string>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/functions/process_studio_workflow.hpp>
#include <studio/services.hpp>
#include <studio/workflow_progress.hpp>

namespace studio {

/// Walks through a workflow's nodes and records progress for display. It has the same event as
/// process-studio-workflow, but its own progress.
inline auto process_workflow_run(const inngest::client& app, const services& world) {
  return app.create_function(
      {.id = "process-workflow-run", .concurrency = 4}, inngest::on<StudioWorkflowRequested>(),
      [world](inngest::context<StudioWorkflowRequested>& ctx) -> workflow_result {
        const StudioWorkflow& workflow = ctx.event.data;
        const workflow_progress progress(*world.data, workflow.run_id, ctx.function_id, ctx.run_id);
        try {
          ctx.step.run("mark-run-running", [&] { progress.run_started(); });
          for (const WorkflowNode& node : workflow.nodes) {
            ctx.step.run("step-" + node.id + "-start", [&] { progress.node_started(node.id); });
            ctx.step.run("step-" + node.id + "-complete", [&] { progress.node_completed(node.id); });
          }
          ctx.step.run("mark-run-complete", [&] { progress.run_completed({}); });
        } catch (const std::exception& problem) {
          ctx.step.run("mark-run-failed", [&] { progress.run_failed(problem.what()); });
          throw;
        }
        return {.status = "completed", .run_id = workflow.run_id};
      });
}

}  // namespace studio
