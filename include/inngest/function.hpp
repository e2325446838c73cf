#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/execution/replay.hpp>
#include <inngest/options.hpp>
#include <inngest/trigger.hpp>

namespace inngest {

struct handler_resources;

/// A function of an app, whatever its types. Made by client::create_function; copies are cheap and share it.
class any_function {
 public:
  /// Runs the handler against a replay and appends its result, as JSON.
  using handler_type = std::function<void(execution::replay&, const handler_resources&, std::string& result)>;

  any_function(std::string app_id, function_options options, std::vector<trigger_definition> triggers,
               handler_type handler, std::vector<any_function> companions = {})
      : shared_(std::make_shared<const definition>(definition{.slug = app_id + "-" + options.id,
                                                              .app_id = app_id,
                                                              .options = std::move(options),
                                                              .triggers = std::move(triggers),
                                                              .handler = std::move(handler),
                                                              .companions = std::move(companions)})) {}

  /// The id within the app, as given.
  const std::string& id() const { return shared_->options.id; }
  /// The id on the server: "<app id>-<function id>".
  const std::string& slug() const { return shared_->slug; }
  const std::string& app_id() const { return shared_->app_id; }
  const function_options& options() const { return shared_->options; }
  const std::vector<trigger_definition>& triggers() const { return shared_->triggers; }
  const handler_type& handler() const { return shared_->handler; }
  /// The functions that its on_failure, on_cancel and on_success handlers are on the server.
  const std::vector<any_function>& companions() const { return shared_->companions; }

 private:
  struct definition {
    std::string slug;
    std::string app_id;
    function_options options;
    std::vector<trigger_definition> triggers;
    handler_type handler;
    std::vector<any_function> companions;
  };
  std::shared_ptr<const definition> shared_;
};

/// A function whose result and events are known: `ctx.step.invoke("id", ingest, data)` gives its Output.
template <class Output, event_type... Events>
class function : public any_function {
 public:
  using any_function::any_function;
  using output_type = Output;
};

/// A function that runs when other runs have ended and had asked for it: see basic_context::defer.
template <class Data>
class deferred_function : public any_function {
 public:
  using any_function::any_function;
};

}  // namespace inngest
