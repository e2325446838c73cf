#include <type_traits>

#include <inngest/doctor.hpp>
#include <inngest/outbox.hpp>
#include <inngest/runs.hpp>

#include "odr/everything.hpp"

// What programs keep in containers moves without exceptions, so that a std::vector that grows moves it.

namespace {

struct order {
  int cents = 0;
};
INNGEST_FIELDS(order, cents)
using placed = inngest::event<"order.placed", order>;

template <class... Types>
constexpr bool move_without_exceptions = ((std::is_nothrow_move_constructible_v<Types> &&
                                           std::is_nothrow_move_assignable_v<Types>)&&...);

static_assert(move_without_exceptions<placed, inngest::one_of<placed, inngest::event<"order.paid">>,
                                      inngest::any_event, inngest::sent_events>);
static_assert(move_without_exceptions<inngest::client, inngest::client_options, inngest::logger,
                                      inngest::dependency, inngest::signing_keys>);
static_assert(move_without_exceptions<inngest::any_function, inngest::function<int, placed>,
                                      inngest::deferred_function<order>, inngest::function_options,
                                      inngest::trigger<placed>, inngest::trigger_definition>);
static_assert(move_without_exceptions<inngest::step_id, inngest::step_options, inngest::wait_options,
                                      inngest::signal_options, inngest::fetch_request,
                                      inngest::fetch_response, inngest::experiment_strategy>);
static_assert(
    move_without_exceptions<inngest::http::headers, inngest::http::request, inngest::http::response>);
static_assert(move_without_exceptions<inngest::serve_options, inngest::expression, inngest::run_info,
                                      inngest::diagnosis>);
static_assert(move_without_exceptions<inngest::embedded::run, inngest::embedded::timeline_entry,
                                      inngest::embedded::event_record>);
static_assert(move_without_exceptions<inngest::testing::test_run, inngest::testing::recorded_run>);

}  // namespace
