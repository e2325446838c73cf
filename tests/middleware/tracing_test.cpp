#include <inngest/middleware/tracing.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::any_function;
using inngest::span_status;
using support::answer;

using ping = inngest::event<"test/event">;

const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string parent = "00f067aa0ba902b7";

struct spans {
  std::mutex mutex;
  std::vector<inngest::span> list;

  inngest::client_options options() {
    auto out = support::quiet_options();
    out.checkpointing.enabled = false;
    out.middleware = {inngest::tracing([this](const inngest::span& each) {
      const std::lock_guard lock(mutex);
      list.push_back(each);
    })};
    return out;
  }
  inngest::span the(std::string_view name) const {
    for (const auto& each : list) {
      if (each.name == name) return each;
    }
    throw std::runtime_error("no span " + std::string(name));
  }
};

std::string attribute(const inngest::span& of, std::string_view key) {
  for (const auto& [name, value] : of.attributes) {
    if (name == key) return value;
  }
  return "(absent)";
}

template <class Handler>
any_function function_of(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), std::move(handler));
}

answer call(spans& kept, const any_function& function, const std::string& traceparent = "",
            const support::call& request = {}) {
  const inngest::handler handler(inngest::client(kept.options()), {function});
  auto post = support::post(function.slug(), request.text());
  if (!traceparent.empty()) post.headers.add("traceparent", traceparent);
  return answer(handler(std::move(post)));
}

any_function one_step() {
  return function_of([](auto& ctx) {
    ctx.step.run("work", [] { std::this_thread::sleep_for(std::chrono::milliseconds(3)); });
  });
}

}  // namespace

TEST_CASE("request, run and step are spans of the server's trace, each the parent of the next", "[tracing]") {
  spans kept;
  call(kept, one_step(), "00-" + trace + "-" + parent + "-01");
  REQUIRE(kept.list.size() == 3);
  const auto request = kept.the("inngest.request"), run = kept.the("inngest.run"),
             step = kept.the("inngest.step");
  for (const auto& each : kept.list) {
    CHECK(each.trace_id == trace);
    CHECK(each.sampled);
    CHECK(each.span_id.size() == 16);
    CHECK(each.span_id.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(each.start <= each.end);
  }
  CHECK(request.parent_span_id == parent);
  CHECK(run.parent_span_id == request.span_id);
  CHECK(step.parent_span_id == run.span_id);
  CHECK(request.start <= run.start);
  CHECK(run.start <= step.start);
  CHECK(step.end <= run.end);
  CHECK(run.end <= request.end);
  CHECK(step.end - step.start >= std::chrono::milliseconds(3));
  CHECK(step.status == span_status::ok);
  CHECK(run.status == span_status::unset);  // it has not ended
  CHECK(request.status == span_status::unset);
  CHECK(attribute(step, "inngest.step.id") == "work");
  CHECK(attribute(step, "inngest.step.kind") == "run");
  CHECK(attribute(run, "inngest.run.id") == "01RUN");
  CHECK(attribute(run, "inngest.function.id") == "f");
  CHECK(attribute(request, "http.response.status_code") == "206");
}

TEST_CASE("a memoized step is no span, and a completed run is ok", "[tracing]") {
  spans kept;
  support::call request;
  request.steps[support::hash_of("work")] = {{"data", nullptr}};
  request.stack.push_back(support::hash_of("work"));
  call(kept, one_step(), "", request);
  REQUIRE(kept.list.size() == 2);
  CHECK(kept.the("inngest.run").status == span_status::ok);
}

TEST_CASE("in strict mode, which calls the handler twice, the first call is the span", "[tracing]") {
  spans kept;
  const auto f = function_of([](inngest::context<ping>& ctx) { ctx.step.run("a", [] { return 1; }); });
  const inngest::handler handler(inngest::client(kept.options()), {f}, {.strict = true});
  handler(support::post(f.slug(), support::call{}.text()));
  std::size_t runs = 0;
  for (const auto& each : kept.list) runs += each.name == "inngest.run" ? 1 : 0;
  CHECK(runs == 1);
  CHECK(kept.the("inngest.step").parent_span_id == kept.the("inngest.run").span_id);
}

TEST_CASE("without a valid traceparent a trace begins", "[tracing]") {
  const std::string zeroes(32, '0');
  std::set<std::string> traces;
  for (const std::string& header :
       {std::string(), std::string("nonsense"), "00-" + zeroes + "-" + parent + "-01",
        "00-" + trace + "-0000000000000000-01", "ff-" + trace + "-" + parent + "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01", "00-" + trace + "-" + parent + "-01-more",
        "00-" + trace + "-" + parent + "-0", "00-" + trace + "-" + parent + "-0g",
        "00_" + trace + "-" + parent + "-01", "01-" + trace + "-" + parent + "-01more"}) {
    CAPTURE(header);
    spans kept;
    call(kept, one_step(), header);
    const auto request = kept.the("inngest.request");
    CHECK(request.parent_span_id.empty());
    CHECK(request.trace_id.size() == 32);
    CHECK(request.trace_id != trace);
    CHECK(traces.insert(request.trace_id).second);
    CHECK(kept.the("inngest.step").trace_id == request.trace_id);
  }
}

TEST_CASE("a later version of traceparent is read as far as it is known", "[tracing]") {
  spans kept;
  call(kept, one_step(), "01-" + trace + "-" + parent + "-00-more");
  CHECK(kept.the("inngest.request").parent_span_id == parent);
  CHECK_FALSE(kept.the("inngest.step").sampled);
}

TEST_CASE("failures are told with their type and whether they are final", "[tracing]") {
  spans kept;
  SECTION("of a step") {
    call(kept, function_of([](auto& ctx) {
           ctx.step.run("work", [] { throw inngest::retry_after_error("busy", std::chrono::seconds(2)); });
         }));
    const auto step = kept.the("inngest.step");
    CHECK(step.status == span_status::error);
    CHECK(step.status_message == "busy");
    CHECK(attribute(step, "error.type") == "RetryAfterError");
    CHECK(attribute(step, "inngest.is_final") == "false");
    CHECK(attribute(step, "inngest.retry_after_ms") == "2000");
    CHECK(kept.the("inngest.run").status == span_status::unset);
  }
  SECTION("of a function") {
    call(kept, function_of([](auto&) { throw inngest::non_retriable_error("broken"); }));
    const auto run = kept.the("inngest.run");
    CHECK(run.status == span_status::error);
    CHECK(run.status_message == "broken");
    CHECK(attribute(run, "inngest.is_final") == "true");
    CHECK(kept.the("inngest.request").status == span_status::error);
  }
  SECTION("of a request that can't be read") {
    const auto function = one_step();
    const inngest::handler handler(inngest::client(kept.options()), {function});
    CHECK(handler(support::post(function.slug(), "nonsense")).status == 400);
    REQUIRE(kept.list.size() == 1);
    CHECK(kept.list[0].status == span_status::error);
    CHECK_FALSE(kept.list[0].status_message.empty());
  }
}

TEST_CASE("a call inside another call has its own spans", "[tracing]") {
  spans kept;
  const inngest::client app(kept.options());
  const auto inner = one_step();
  const inngest::handler inner_handler(app, {inner});
  const auto outer = function_of([&](auto& ctx) {
    ctx.step.run("around", [&] { inner_handler(support::post(inner.slug(), support::call().text())); });
  });
  const inngest::handler handler(app, {outer});
  handler(support::post(outer.slug(), support::call().text()));
  REQUIRE(kept.list.size() == 6);  // the inner call's three come first
  const auto around = kept.list[3];
  CHECK(attribute(around, "inngest.step.id") == "around");
  CHECK(around.status == span_status::ok);
  CHECK(kept.list[4].name == "inngest.run");
  CHECK(kept.list[4].span_id == around.parent_span_id);
  CHECK(attribute(kept.list[0], "inngest.step.id") == "work");
  CHECK(kept.list[0].trace_id != around.trace_id);
}

TEST_CASE("calls on many threads do not mix their spans", "[tracing]") {
  spans kept;
  const auto function = one_step();
  const inngest::handler handler(inngest::client(kept.options()), {function});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 10; ++call) handler(support::post(function.slug(), support::call().text()));
    });
  }
  for (auto& each : threads) each.join();
  REQUIRE(kept.list.size() == 120);
  std::set<std::string> traces, ids;
  for (const auto& each : kept.list) {
    traces.insert(each.trace_id);
    CHECK(ids.insert(each.span_id).second);
  }
  CHECK(traces.size() == 40);
  for (const auto& each : kept.list) {
    if (!each.parent_span_id.empty()) CHECK(ids.count(each.parent_span_id) == 1);
  }
}

TEST_CASE("a sink that throws fails no run, and an empty one is refused", "[tracing]") {
  auto options = support::quiet_options();
  options.middleware = {inngest::tracing([](const inngest::span&) { throw std::runtime_error("full"); })};
  support::run_driver run(one_step(), options);
  CHECK(run.finish().status == 200);
  CHECK_THAT(support::message_of<inngest::configuration_error>([] { inngest::tracing(nullptr); }),
             ContainsSubstring("sink"));
}
