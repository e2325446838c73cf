#include <inngest/fwd.hpp>

// With <inngest/fwd.hpp> alone a header can name every class that programs hold.

namespace {

template <class... Classes>
struct names {};

using not_templates =
    names<inngest::any_event, inngest::sent_events, inngest::client, inngest::client_options,
          inngest::settings, inngest::logger, inngest::dependency, inngest::signing_keys, inngest::middleware,
          inngest::any_function, inngest::function_options, inngest::handler, inngest::serve_options,
          inngest::durable_endpoint, inngest::endpoint_context, inngest::endpoint_options,
          inngest::basic_context, inngest::context_logger, inngest::step, inngest::ai_steps, inngest::group,
          inngest::step_id, inngest::step_options, inngest::experiment_strategy, inngest::fetch_request,
          inngest::fetch_response, inngest::error, inngest::step_error, inngest::payload_error,
          inngest::expression, inngest::runs, inngest::run_info, inngest::outbox, inngest::outbox_options,
          inngest::diagnosis, inngest::httplib_transport, inngest::http::headers, inngest::http::request,
          inngest::http::response, inngest::http::transport, inngest::embedded::engine,
          inngest::embedded::engine_options, inngest::embedded::run, inngest::embedded::http_server,
          inngest::embedded::http_server_options, inngest::embedded::store, inngest::embedded::memory_store,
          inngest::embedded::sqlite_store, inngest::embedded::sqlite_options, inngest::testing::harness,
          inngest::testing::harness_options, inngest::testing::test_run, inngest::testing::test_step,
          inngest::testing::recorded_run, inngest::deferred_handle, inngest::run_traces, inngest::user_span>;

template <inngest::event_type Event>
int orders(inngest::context<Event>& ctx);
template <inngest::event_type... Events>
using templates_of_events =
    names<inngest::one_of<Events...>, inngest::trigger<Events...>, inngest::function<int, Events...>,
          inngest::context<Events...>, inngest::ended_run_context<Events...>,
          inngest::failure_context<Events...>, inngest::cancel_context<Events...>,
          inngest::success_context<int, Events...>>;

int attempts_of(const inngest::basic_context& ctx);

}  // namespace

#include <inngest/doctor.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/middleware/run_traces.hpp>
#include <inngest/outbox.hpp>
#include <inngest/runs.hpp>

#include "catch.hpp"
#include "odr/everything.hpp"
#include "support/handler_driver.hpp"

// And each of the names is defined somewhere as what it was declared to be.

namespace {

using placed = inngest::event<"order.placed">;

template <class... Classes>
constexpr bool are_defined(names<Classes...>) {
  return ((sizeof(Classes) > 0) && ...);
}
static_assert(are_defined(not_templates()));
static_assert(are_defined(templates_of_events<placed>()));
static_assert(are_defined(
    names<inngest::deferred_function<int>, inngest::function_ref<placed, int>, inngest::step_handle<int, int>,
          inngest::experiment_result<int>, inngest::variant<int>>()));

template <inngest::event_type Event>
int orders(inngest::context<Event>& ctx) {
  return attempts_of(ctx);
}
int attempts_of(const inngest::basic_context& ctx) { return ctx.attempt; }

}  // namespace

TEST_CASE("functions that were declared with the names alone take what the library gives", "[fwd]") {
  const inngest::client app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(),
                                     [](inngest::context<placed>& ctx) { return orders(ctx); });
  inngest::testing::harness t(app, {f});
  CHECK(t.send(placed()).output<int>() == 0);
}
