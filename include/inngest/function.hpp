#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/json/detail/shape.hpp>
#include <inngest/options.hpp>
#include <inngest/trigger.hpp>

namespace inngest::inline INNGEST_ABI {

struct handler_resources;

/// A function of an app, with erased types. Made by client::create_function. Copies are cheap and share one
/// state.
class any_function {
 public:
  /// Runs the handler against a replay and appends its result as JSON.
  using handler_type = std::function<void(execution::replay&, const handler_resources&, std::string& result)>;

  /// Used by client::create_function.
  any_function(std::string app_id, function_options options, std::vector<trigger_definition> triggers,
               handler_type handler, std::vector<any_function> end_handlers = {}, bool is_endpoint = false,
               std::span<const detail::event_shape> event_shapes = {});

  /// The id within the app, as given.
  const std::string& id() const { return shared_->options.id; }
  /// The id on the server: the app's id, a hyphen and the function's id.
  const std::string& slug() const { return shared_->slug; }
  /// The app's id.
  const std::string& app_id() const { return shared_->app_id; }
  /// The options as given.
  const function_options& options() const { return shared_->options; }
  /// The triggers that start it.
  const std::vector<trigger_definition>& triggers() const { return shared_->triggers; }
  /// The handler, with erased types.
  const handler_type& handler() const { return shared_->handler; }
  /// Whether it is a durable endpoint: requests start it, so it is never registered with a server.
  bool is_endpoint() const { return shared_->is_endpoint; }
  /// The names and data of the event types that its handler accepts. Used by engines, to show them to users.
  std::span<const detail::event_shape> event_shapes() const { return shared_->event_shapes; }
  /// The functions of its on_failure, on_cancel and on_success handlers.
  const std::vector<any_function>& end_handlers() const { return shared_->end_handlers; }

 private:
  struct definition {
    std::string slug;
    std::string app_id;
    function_options options;
    std::vector<trigger_definition> triggers;
    handler_type handler;
    std::vector<any_function> end_handlers;
    bool is_endpoint = false;
    std::span<const detail::event_shape> event_shapes{};
  };
  std::shared_ptr<const definition> shared_;
};

/// A function with known result and event types: `ctx.step.invoke("id", ingest, data)` returns its Output.
template <class Output, event_type... Events>
class function : public any_function {
 public:
  using any_function::any_function;
  /// What the handler returns.
  using output_type = Output;
};

/// A function that runs after other runs, when they ask for it: see basic_context::defer.
template <class Data>
class deferred_function : public any_function {
 public:
  using any_function::any_function;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/function.ipp>
#endif
