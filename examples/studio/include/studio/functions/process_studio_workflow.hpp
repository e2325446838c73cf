#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/media.hpp>
#include <studio/plugins.hpp>
#include <studio/services.hpp>
#include <studio/workflow_graph.hpp>
#include <studio/workflow_progress.hpp>

namespace studio {

struct workflow_result {
  std::string status;
  std::string run_id;
};
INNGEST_CAMEL_FIELDS(workflow_result, status, run_id)

/// The outputs so far, by node id.
using node_outputs = std::map<std::string, node_output>;

/// A node's inputs: the files of its source nodes, or the workflow's input for nodes without sources.
inline std::vector<media_file> inputs_of(const WorkflowNode& node, const StudioWorkflow& workflow,
                                         const node_outputs& outputs, const plugin_registry& plugins,
                                         const plugin_context& context) {
  std::vector<media_file> out;
  bool is_first = true;
  for (const WorkflowEdge& edge : workflow.edges) {
    if (edge.target != node.id) continue;
    is_first = false;
    const std::vector<media_file>& files = outputs.at(edge.source).files;
    out.insert(out.end(), files.begin(), files.end());
  }
  if (is_first && workflow.input) {
    for (const auto& [name, value] : *workflow.input) out.push_back(plugins.coerce(name, value, context));
  }
  return out;
}

/// Runs a node's plugin. A node without a plugin passes its inputs on.
inline node_output execute(const WorkflowNode& node, const StudioWorkflow& workflow,
                           const node_outputs& outputs, const plugin_registry& plugins, blob_storage& blobs) {
  const plugin_context context(blobs, "workflows/" + workflow.run_id + "/" + node.id);
  std::vector<media_file> inputs = inputs_of(node, workflow, outputs, plugins, context);
  if (!node.data || !node.data->plugin_id) return {.files = std::move(inputs)};
  const plugin& plugin = plugins.get(*node.data->plugin_id);
  const inngest::json config = plugin.validate(node.data->config.value_or(JsonObject{}));
  return plugin.run(inputs, config, context);
}

inline node_outputs sinks_of(const StudioWorkflow& workflow, const node_outputs& outputs) {
  node_outputs out;
  for (const auto& [node, output] : outputs) {
    if (is_sink(workflow, node)) out.emplace(node, output);
  }
  return out;
}

/// Runs a workflow's nodes with the app's plugins.
inline auto process_studio_workflow(const inngest::client& app, const services& world,
                                    std::shared_ptr<const plugin_registry> plugins) {
  return app.create_function(
      {.id = "process-studio-workflow", .concurrency = 8}, inngest::on<StudioWorkflowRequested>(),
      [world,
       plugins = std::move(plugins)](inngest::context<StudioWorkflowRequested>& ctx) -> workflow_result {
        const StudioWorkflow& workflow = ctx.event.data;
        const workflow_progress progress(*world.data, workflow.run_id, ctx.function_id, ctx.run_id);
        // This is not a step, so every call repeats it. It must still find the workflow open after this run
        // has finished it, because the handler is called once more to return.
        if (!progress.is_open()) return {.status = "ignored", .run_id = workflow.run_id};

        try {
          ctx.step.run("mark-running", [&] { progress.run_started(); });

          node_outputs outputs;
          for (const WorkflowNode* node : topological_order(workflow)) {
            const std::string step = "step-" + node->id;
            ctx.step.run(step + "-start", [&] { progress.node_started(node->id); });
            const node_output output = ctx.step.run(
                step + "-execute", [&] { return execute(*node, workflow, outputs, *plugins, *world.blobs); });
            ctx.step.run(step + "-complete",
                         [&] { progress.node_completed(node->id, inngest::encode(output)); });
            outputs.emplace(node->id, output);
          }

          ctx.step.run("mark-completed",
                       [&] { progress.run_completed(inngest::encode(sinks_of(workflow, outputs))); });
        } catch (const std::exception& problem) {
          ctx.step.run("mark-failed", [&] { progress.run_failed(problem.what()); });
          throw;
        }
        return {.status = "completed", .run_id = workflow.run_id};
      });
}

}  // namespace studio
