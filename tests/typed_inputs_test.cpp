// Data that a test or a program gives to a run: in the form that the type declares, as for events.
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include <inngest/client.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/function.hpp>
#include <inngest/json/chrono.hpp>
#include <inngest/json/variant.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"

namespace typed_inputs_test {

using namespace std::chrono_literals;

enum class color { red, green };
INNGEST_ENUM(color, {color::red, "red"}, {color::green, "green"})

struct order {
  std::string order_id;
  std::map<color, int> counts;
  std::variant<int, std::string> amount;
  std::chrono::sys_seconds due{};
  std::optional<std::string> note;
};
INNGEST_FIELDS(order, (order_id, "orderId"), counts, amount, due, note)
using ordered = inngest::event<"typed/ordered", order>;

inngest::any_function total_function(const inngest::client& app) {
  return app.create_function({.id = "total"}, inngest::on<ordered>(), [](inngest::context<ordered>& ctx) {
    return ctx.event.data.order_id + ":" + std::to_string(ctx.event.data.counts.at(color::green)) + ":" +
           std::get<std::string>(ctx.event.data.amount);
  });
}

const order sample{.order_id = "o1",
                   .counts = {{color::green, 2}},
                   .amount = "ten",
                   .due = std::chrono::sys_seconds(1s),
                   .note = {}};

}  // namespace typed_inputs_test

using namespace typed_inputs_test;

TEST_CASE("a test starts a run with typed data, in the form that the type declares", "[harness]") {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  const auto total = total_function(app);
  inngest::testing::harness t(app, {total});
  CHECK(t.start(total, sample).output<std::string>() == "o1:2:ten");
  CHECK(
      t.start(
           total,
           {{"orderId", "o2"}, {"counts", {{"green", 3}}}, {"amount", "x"}, {"due", "1970-01-01T00:00:00Z"}})
          .output<std::string>() == "o2:3:x");
}

TEST_CASE("a test sends a signal with typed data, in the form that the type declares", "[harness]") {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  const auto waits = app.create_function(
      {.id = "waits"}, inngest::on<ordered>(), [](inngest::context<ordered>& ctx) -> std::string {
        const auto got = ctx.step.wait_for_signal<order>("signal", {.signal = "go", .timeout = 1h});
        return got ? got->order_id : "none";
      });
  inngest::testing::harness t(app, {waits});
  const auto run = t.start(waits, sample);
  CHECK(t.send_signal("go", sample));
  CHECK(run.output<std::string>() == "o1");
  CHECK_FALSE(t.send_signal("nobody"));
}

TEST_CASE("the engine starts a run with typed data, in the form that the type declares", "[engine]") {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  const auto total = total_function(app);
  inngest::embedded::engine engine(app, {total});
  const std::string id = engine.start(total, sample);
  REQUIRE(engine.wait_until_idle(20s));
  const auto run = engine.find_run(id);
  REQUIRE(run);
  CHECK(run->output<std::string>() == "o1:2:ten");
}
