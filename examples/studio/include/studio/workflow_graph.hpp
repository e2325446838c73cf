#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <inngest/error.hpp>

#include <studio/events.hpp>

namespace studio {

/// The nodes in topological order, otherwise in their given order. The order must be the same in every call
/// of the function. \throws inngest::non_retriable_error for a cycle, or an edge to an unknown node.
inline std::vector<const WorkflowNode*> topological_order(const StudioWorkflow& workflow) {
  std::map<std::string, std::size_t> waiting_for;  // how many of a node's sources are not in the list yet
  for (const WorkflowNode& node : workflow.nodes) {
    if (!waiting_for.emplace(node.id, 0).second)
      throw inngest::non_retriable_error("two nodes have the id \"" + node.id + "\"");
  }
  for (const WorkflowEdge& edge : workflow.edges) {
    for (const std::string& end : {edge.source, edge.target}) {
      if (!waiting_for.contains(end))
        throw inngest::non_retriable_error("the edge from \"" + edge.source + "\" to \"" + edge.target +
                                           "\" is unresolved: there is no node \"" + end + "\"");
    }
    ++waiting_for[edge.target];
  }

  std::vector<const WorkflowNode*> order;
  while (!waiting_for.empty()) {
    const auto ready = std::find_if(workflow.nodes.begin(), workflow.nodes.end(), [&](const auto& node) {
      const auto found = waiting_for.find(node.id);
      return found != waiting_for.end() && found->second == 0;
    });
    if (ready == workflow.nodes.end()) {
      throw inngest::non_retriable_error("the workflow has a cycle: node \"" + waiting_for.begin()->first +
                                         "\" waits for itself or for nodes that do");
    }
    order.push_back(&*ready);
    waiting_for.erase(ready->id);
    for (const WorkflowEdge& edge : workflow.edges) {
      if (edge.source == ready->id) --waiting_for.at(edge.target);
    }
  }
  return order;
}

inline bool is_sink(const StudioWorkflow& workflow, const std::string& node) {
  return std::none_of(workflow.edges.begin(), workflow.edges.end(),
                      [&](const WorkflowEdge& edge) { return edge.source == node; });
}

}  // namespace studio
