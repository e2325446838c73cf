// Handlers that own something that can only be moved, such as a connection.
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <inngest/client.hpp>
#include <inngest/context.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/http.hpp>
#include <inngest/realtime.hpp>
#include <inngest/testing.hpp>
#include <inngest/topic.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace move_only_handlers_test {

struct order {
  int count = 0;
};
INNGEST_FIELDS(order, count)
using ordered = inngest::event<"owned/ordered", order>;
using progress = inngest::topic<"progress", order>;
using import = inngest::channel<"import:{id}", progress>;

std::unique_ptr<int> own(int value) { return std::make_unique<int>(value); }

/// The result of the last run of a function.
int result_of(const inngest::testing::harness& t, const std::string& function) {
  int out = -1;
  for (const auto& run : t.runs()) {
    if (run.function_id() == function) out = run.output<int>();
  }
  return out;
}

}  // namespace move_only_handlers_test

using namespace move_only_handlers_test;

TEST_CASE("a handler may capture what can only be moved", "[handler]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function(
      {.id = "f"}, inngest::on<ordered>(),
      [p = own(10)](inngest::context<ordered>& ctx) mutable { return *p + ctx.event.data.count; });
  inngest::testing::harness t(app, {f});
  CHECK(t.send(ordered{{.count = 3}}).output<int>() == 13);
  CHECK(t.send(ordered{{.count = 4}}).output<int>() == 14);
}

TEST_CASE("handlers of ends and deferred functions may capture what can only be moved", "[handler][ends]") {
  const auto app = support::quiet_client();
  const auto later = app.create_deferred_function<order>(
      {.id = "later"}, [p = own(1)](inngest::context<inngest::deferred<order>>&) { return *p; });
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<ordered>(),
      [&later, p = own(2)](inngest::context<ordered>& ctx) {
        if (ctx.event.data.count < 0) throw std::invalid_argument("less than nothing");
        ctx.defer("later", later, ctx.event.data);
        if (ctx.event.data.count == 0) ctx.step.sleep("wait", std::chrono::hours(1));
        return *p;
      },
      inngest::on_failure([p = own(3)](inngest::failure_context<ordered>&) { return *p; }),
      inngest::on_cancel([p = own(4)](inngest::cancel_context<ordered>&) { return *p; }),
      inngest::on_success(
          [p = own(5)](inngest::success_context<int, ordered>& ctx) { return *p + ctx.output; }));
  inngest::testing::harness t(app, {f, later});
  t.send(ordered{{.count = 1}});
  t.send(ordered{{.count = -1}});
  t.cancel(t.send(ordered{{.count = 0}}));
  t.advance(std::chrono::hours(2));
  CHECK(result_of(t, "later") == 1);
  CHECK(result_of(t, "f-failure") == 3);
  CHECK(result_of(t, "f-cancel") == 4);
  CHECK(result_of(t, "f-success") == 7);
}

TEST_CASE("endpoints, mocks and handlers of topics may capture what can only be moved",
          "[handler][endpoint][testing][realtime]") {
  const auto app = support::quiet_client();
  const auto f = inngest::endpoint(app, {.id = "f"}, [p = own(1)](inngest::endpoint_context& ctx) {
    return *p + ctx.step.run("count", [] { return 0; });
  });
  inngest::testing::harness t(app, {f});
  t.mock_step("count", [p = own(6)] { return *p; });
  CHECK(t.call(f, {.method = "POST", .url = "/f"}).response().body == "7");

  const auto subscribe = [&] {
    return inngest::realtime::subscribe(
        app, import{7},
        inngest::realtime::on<progress>([p = own(1)](const order&) { static_cast<void>(*p); }));
  };
  STATIC_REQUIRE(std::is_same_v<decltype(subscribe()), inngest::realtime::subscription>);
}
