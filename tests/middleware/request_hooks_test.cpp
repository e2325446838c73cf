#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/middleware.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/handler_driver.hpp"

// What the server learns of an exception that middleware throws before the handler is called.

namespace {

using namespace std::chrono_literals;
using inngest::call_info;
using support::answer;
using support::run_driver;
using texts = std::vector<std::string>;
using response = inngest::http::response;

using asked = inngest::event<"request_hooks/asked">;
using context = inngest::context<asked>;

enum class place { nowhere, request, after_request, input, handler };

/// Throws at one of its hooks in calls of the function "f".
class guard final : public inngest::middleware {
 public:
  place where = place::nowhere;
  std::function<void()> fail = [] { throw inngest::non_retriable_error("denied"); };
  int attempts = 0;
  texts told{};

  response wrap_request(const call_info& call, const inngest::http::request&,
                        inngest::next_call<response> next) override {
    if (call.function_id == "f") ++attempts;
    come_to(place::request, call);
    response out = next();
    come_to(place::after_request, call);
    return out;
  }
  void transform_function_input(const call_info& call, inngest::function_input&) override {
    come_to(place::input, call);
  }
  std::string wrap_function_handler(const call_info& call, inngest::next_call<std::string> next) override {
    come_to(place::handler, call);
    return next();
  }
  void on_run_error(const call_info& call, const inngest::failure_info& failure) override {
    told.push_back(std::string(call.run_id) + ": " + std::string(failure.name) + ": " +
                   std::string(failure.message) + (failure.is_final ? ", final" : ", to be retried"));
  }

 private:
  void come_to(place at, const call_info& call) const {
    if (at == where && call.function_id == "f") fail();
  }
};

inngest::client_options options_with(const std::shared_ptr<guard>& guarding) {
  auto out = support::quiet_options();
  out.middleware = {guarding};
  return out;
}

inngest::any_function function_with_step() {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<asked>(),
                                                 [](context& ctx) { ctx.step.run("s", [] {}); });
}

}  // namespace

TEST_CASE("an error that middleware throws before the handler ends a run as one thrown around it",
          "[middleware][harness]") {
  for (const place where : {place::request, place::after_request, place::input, place::handler}) {
    INFO("hook " << static_cast<int>(where));
    const auto guarding = std::make_shared<guard>();
    guarding->where = where;
    const inngest::client app(options_with(guarding));
    texts failures;
    auto f = app.create_function(
        {.id = "f", .retries = 2}, inngest::on<asked>(), [](context&) {},
        inngest::on_failure([&](inngest::failure_context<asked>& ctx) {
          ctx.step.run("tell", [&] { failures.push_back(ctx.error.name + ": " + ctx.error.message); });
        }));
    inngest::testing::harness t{app, {f}};
    auto run = t.send(asked{});
    t.execute(run);
    CHECK(run.failed());
    CHECK(guarding->attempts == 1);
    CHECK(failures == texts{"NonRetriableError: denied"});
    const bool is_inside = where == place::input || where == place::handler;
    CHECK(guarding->told == (is_inside ? texts{run.id() + ": NonRetriableError: denied, final"} : texts{}));
  }
}

TEST_CASE("an error that middleware throws before the handler is retried like a handler's", "[middleware]") {
  for (const place where : {place::request, place::after_request, place::input}) {
    INFO("hook " << static_cast<int>(where));
    const auto guarding = std::make_shared<guard>();
    guarding->where = where;
    run_driver run(function_with_step(), options_with(guarding));
    const auto discover = [&](std::function<void()> fail) {
      guarding->fail = std::move(fail);
      guarding->told.clear();
      return run.discover();
    };

    answer reply = discover([] { throw inngest::retry_after_error("busy", 7s); });
    CHECK(reply.status == 500);
    CHECK(reply.header("x-inngest-no-retry") == "false");
    CHECK(reply.header("retry-after") == "7");
    CHECK(reply.body().at("name") == "RetryAfterError");
    if (where == place::input) CHECK(guarding->told == texts{"01RUN: RetryAfterError: busy, to be retried"});

    reply = discover([] { throw std::runtime_error("broken"); });
    CHECK(reply.status == 500);
    CHECK(reply.body().at("name") == "std::runtime_error");

    reply = discover([] { throw 7; });
    CHECK(reply.status == 500);
    CHECK(reply.body().at("message") == "7 (function \"f\" threw \"int\", which is not a std::exception)");

    run.request.attempt = 3;
    reply = discover([] { throw inngest::retry_after_error("busy", 7s); });
    CHECK(reply.status == 400);
    CHECK(reply.header("x-inngest-no-retry") == "true");
    CHECK(reply.header("retry-after") == "(absent)");
    if (where == place::input) CHECK(guarding->told == texts{"01RUN: RetryAfterError: busy, final"});
  }
}

TEST_CASE("middleware that throws protocol_error refuses the request, and no run fails", "[middleware]") {
  for (const place where : {place::request, place::after_request, place::input}) {
    INFO("hook " << static_cast<int>(where));
    const auto guarding = std::make_shared<guard>();
    guarding->where = where;
    guarding->fail = [] { throw inngest::protocol_error("not for us"); };
    const answer reply = run_driver(function_with_step(), options_with(guarding)).discover();
    CHECK(reply.status == 400);
    CHECK(reply.header("x-inngest-no-retry") == "(absent)");
    CHECK(reply.text == R"({"message":"not for us"})");
    CHECK(guarding->told.empty());
  }
}

TEST_CASE("a request that can't be read is refused the same with middleware that throws", "[middleware]") {
  const auto guarding = std::make_shared<guard>();
  const auto f = function_with_step();
  const inngest::handler handler(inngest::client(options_with(guarding)), {f});
  guarding->where = place::input;
  CHECK(handler(support::post(f.slug(), "{}")).status == 400);
  guarding->where = place::request;
  const answer reply(handler(support::post(f.slug(), "{}")));
  CHECK(reply.status == 500);
  CHECK(reply.text == R"({"message":"denied"})");
}
