// Code of docs/functions.md.

#include <chrono>
#include <string>

#include <inngest/inngest.hpp>

#include "docs/studio.hpp"

using namespace std::chrono_literals;

namespace docs::functions {

struct File { std::string path; };
INNGEST_FIELDS(File, path)
using Created = inngest::event<"file/created", File>;
using Deleted = inngest::event<"file/deleted", File>;

struct Order { std::string id; };
INNGEST_FIELDS(Order, id)
using Ordered = inngest::event<"shop/ordered", Order>;
void refund(const Order& order, const std::string& reason);

struct plugin_registry {};
using WorkflowRequested = inngest::event<"workflow/requested">;

void a_function() {
  // [function]
  auto ingest = app.create_function(
      {.id = "brand-ingestion", .name = "Brand Knowledge Ingestion", .retries = 3},         // options
      inngest::on<BrandIngested>(),                                                         // trigger
      [](inngest::context<BrandIngested>& ctx) { return Receipt{.status = "completed"}; });  // handler
  // [function]
  static_assert(std::is_same_v<decltype(ingest), inngest::function<Receipt, BrandIngested>>);
}

void options() {
  const inngest::function_options options
  // [options]
  {.id = "synthesize",
   .concurrency = {{.limit = 5, .key = inngest::key<&Workspace::workspace_id>}},
   .throttle = inngest::throttle{.limit = 1, .period = 1min}}
  // [options]
  ;
}

void several_events() {
  auto watch = app.create_function({.id = "watch"}, inngest::on<Created, Deleted>(),
  // [match]
  [](inngest::context<Created, Deleted>& ctx) {
    ctx.event.match([&](const Created& e) { /* ... */ }, [&](const Deleted& e) { /* ... */ });
  }
  // [match]
  );
}

// [factory]
inngest::any_function process_workflow(const inngest::client& app, plugin_registry& plugins) {
  return app.create_function({.id = "process-workflow"}, inngest::on<WorkflowRequested>(),
                             [&plugins](inngest::context<WorkflowRequested>& ctx) { /* ... */ });
}
// [factory]

void ends() {
  // [ends]
  auto charge = app.create_function(
      {.id = "charge"}, inngest::on<Ordered>(),
      [](inngest::context<Ordered>& ctx) { return Receipt{.status = "charged"}; },
      inngest::on_failure([](inngest::failure_context<Ordered>& ctx) {
        ctx.step.run("refund", [&] { refund(ctx.event->data, ctx.error.message); });
      }),
      inngest::on_cancel([](inngest::cancel_context<Ordered>& ctx) { /* ... */ }),
      inngest::on_success([](inngest::success_context<Receipt, Ordered>& ctx) {
        ctx.step.run("note", [&] { return ctx.output.status; });
      }));
  // [ends]
}

}  // namespace docs::functions
