#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/middleware/detail/server_span_id.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/middleware/otlp.hpp>
#include <inngest/middleware/run_traces.hpp>
#include <inngest/middleware/tracing.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

// Spans of users: their parents, the trace context of handlers, and the way to the server.

namespace user_spans {

using namespace std::chrono_literals;
using inngest::json;
using inngest::span;
using inngest::user_span;
using inngest::http::request;
using inngest::http::response;
using support::fake_transport;
using support::hash_of;

using ping = inngest::event<"test/event">;
using context = inngest::context<ping>;

const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string server_parent = "00-" + trace + "-00f067aa0ba902b7-01";
const std::string place = "%7B%22tp%22%3A%2200-e39659933ec24ed89a3a315aaa7f8063-86ba94d78fd0c948-01%22%7D";
const std::string server_state =
    "other=1, inngest@traceref=" + place +
    ",inngest@fn=df73d946-01de-5211-a562-ff3d36fe3d0b,inngest@app=10380af4-0e77-5536-a466-91d29970c9c7";

struct span_list {
  std::mutex mutex{};
  std::vector<span> list{};

  inngest::span_sink sink() {
    return [this](const span& ended) {
      const std::lock_guard lock(mutex);
      list.push_back(ended);
    };
  }
  inngest::client_options options() {
    auto out = support::quiet_options();
    out.checkpointing.enabled = false;
    out.middleware = {inngest::tracing(sink())};
    return out;
  }
  const span& the(std::string_view name) const {
    for (const span& candidate : list) {
      if (candidate.name == name) return candidate;
    }
    throw std::runtime_error("no span " + std::string(name));
  }
};

std::string attribute(const span& of, std::string_view key) {
  for (const auto& [name, value] : of.attributes) {
    if (name == key) return value;
  }
  return "(absent)";
}

template <class Handler>
inngest::any_function function_of(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), std::move(handler));
}

/// Calls the function as a server does that traces.
support::answer call(const inngest::client_options& options, const inngest::any_function& f,
                     const support::call& body = {}) {
  const inngest::client app(options);
  request asked = support::post(f.slug(), body.text());
  asked.headers.add("traceparent", server_parent);
  asked.headers.add("tracestate", server_state);
  return support::answer(inngest::handler(app, {f})(std::move(asked)));
}

std::string context_of(const span& of) { return "00-" + of.trace_id + "-" + of.span_id + "-01"; }

/// A protobuf message: its fields by number, in order. Numbers are in decimal.
using message = std::multimap<int, std::string>;

message read(std::string_view bytes) {
  message out;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.at(at++));
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.size()) {
    const std::uint64_t tag = varint();
    const int field = static_cast<int>(tag >> 3);
    if ((tag & 7) == 0) {
      out.emplace(field, std::to_string(varint()));
    } else if ((tag & 7) == 1) {
      std::uint64_t value = 0;
      for (int i = 0; i < 8; ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes.at(at++))) << (8 * i);
      out.emplace(field, std::to_string(value));
    } else {
      const std::size_t size = varint();
      out.emplace(field, std::string(bytes.substr(at, size)));
      at += size;
    }
  }
  return out;
}

std::string field(const message& of, int number) {
  const auto found = of.find(number);
  return found == of.end() ? "(absent)" : found->second;
}

std::map<std::string, std::string> attributes_of(const message& exported) {
  std::map<std::string, std::string> out;
  const auto [first, last] = exported.equal_range(9);
  for (auto at = first; at != last; ++at) {
    const message pair = read(at->second);
    const message value = read(field(pair, 2));
    out[field(pair, 1)] = value.contains(3) ? "number " + field(value, 3) : field(value, 1);
  }
  return out;
}

std::string hex(std::string_view bytes) {
  return inngest::detail::to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

/// The exported spans of a request's body, by name.
std::map<std::string, message> exported_spans(const std::string& body) {
  const message scope = read(field(read(field(read(body), 1)), 2));
  std::map<std::string, message> out;
  const auto [first, last] = scope.equal_range(2);
  for (auto at = first; at != last; ++at) {
    message one = read(at->second);
    const std::string name = field(one, 5);
    out.emplace(name, std::move(one));
  }
  return out;
}

}  // namespace user_spans

using namespace user_spans;

TEST_CASE("the server's id of a step's span is derived from the step's hash", "[tracing]") {
  // what servers compute for these texts
  CHECK(inngest::detail::server_span_id("hello") == "b5c2db5b06a644c5");
  CHECK(inngest::detail::server_span_id("") == "dd9fc5ea353468a4");
  CHECK(inngest::detail::server_span_id("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8:0") == "b017a66031df8079");
}

TEST_CASE("a user's spans are children of the step, of the run and of each other", "[tracing]") {
  span_list spans;
  std::string in_handler, in_step, in_span, in_thread = "(not called)";
  const auto f = function_of([&](context& ctx) {
    in_handler = ctx.traceparent();
    { user_span("before"); }
    ctx.step.run("s", [&] {
      in_step = ctx.traceparent();
      user_span outer("outer");
      outer.set("size", "3");
      user_span inner("inner");
      in_span = ctx.traceparent();
      CHECK(inner.traceparent() == inngest::current_traceparent());
      inner.fail("too dark");
      std::thread([&] {
        in_thread = inngest::current_traceparent();
        user_span elsewhere(outer, "elsewhere");
        elsewhere.succeed();
      }).join();
    });
  });
  call(spans.options(), f);
  const span &run = spans.the("inngest.run"), &step = spans.the("inngest.step"), &outer = spans.the("outer");
  CHECK(in_handler == context_of(run));
  CHECK(in_step == context_of(step));
  CHECK(in_span == context_of(spans.the("inner")));
  CHECK(in_thread.empty());
  CHECK(spans.the("before").parent_span_id == run.span_id);
  CHECK(spans.the("before").parent_in_run.empty());
  CHECK(outer.parent_span_id == step.span_id);
  CHECK(outer.parent_in_run == inngest::detail::server_span_id(hash_of("s")));
  CHECK(attribute(outer, "size") == "3");
  CHECK(attribute(outer, "inngest.step.id") == "s");
  CHECK(attribute(outer, "inngest.run.id") == "01RUN");
  for (const char* child : {"inner", "elsewhere"}) {
    CHECK(spans.the(child).parent_span_id == outer.span_id);
    CHECK(spans.the(child).parent_in_run == outer.span_id);
    CHECK(attribute(spans.the(child), "size") == "(absent)");
    CHECK(attribute(spans.the(child), "inngest.step.hash") == hash_of("s"));
  }
  CHECK(spans.the("inner").status == inngest::span_status::error);
  CHECK(spans.the("inner").status_message == "too dark");
  CHECK(spans.the("elsewhere").status == inngest::span_status::ok);
  for (const span& each : spans.list) {
    CHECK(each.trace_id == trace);
    CHECK(each.end >= each.start);
    CHECK(each.is_user_span == !each.name.starts_with("inngest."));
  }
}

TEST_CASE("a step that failed leaves no open span behind", "[tracing]") {
  span_list spans;
  const auto f = function_of([&](context& ctx) {
    ctx.step.run("s", [] {
      user_span work("work");
      throw std::runtime_error("no");
    });
  });
  call(spans.options(), f);
  CHECK(spans.the("work").parent_span_id == spans.the("inngest.step").span_id);
  CHECK(inngest::current_traceparent().empty());
}

TEST_CASE("without tracing a user's span does nothing, and the context is the server's", "[tracing]") {
  std::string seen;
  const auto f = function_of([&](context& ctx) {
    user_span span("none");
    CHECK(span.traceparent().empty());
    user_span child(span, "none");
    seen = ctx.traceparent();
  });
  CHECK(call(support::quiet_options(), f).status == 200);
  CHECK(seen == server_parent);
  user_span outside("outside");
  CHECK(outside.traceparent().empty());
}

TEST_CASE("spans of parallel branches have the steps of their branches as parents", "[tracing][harness]") {
  span_list spans;
  auto options = spans.options();
  options.middleware.push_back(inngest::encryption({.key = "k"}));
  const inngest::client app(options);
  auto f = app.create_function({.id = "f"}, inngest::on<ping>(), [](context& ctx) {
    const auto branch = [&](const std::string& name) {
      return [&ctx, name] {
        return ctx.step.run(inngest::step_id(name), [&] {
          user_span work("work of " + name);
          return name;
        });
      };
    };
    ctx.group.parallel(branch("a"), branch("b"));
  });
  inngest::testing::harness t(app, {f});
  REQUIRE(t.send(ping{}).completed());
  for (const std::string name : {"a", "b"}) {
    const span& work = spans.the("work of " + name);
    CHECK(attribute(work, "inngest.step.id") == name);
    const auto is_its_step = [&](const span& each) {
      return each.name == "inngest.step" && each.span_id == work.parent_span_id;
    };
    CHECK(std::count_if(spans.list.begin(), spans.list.end(), is_its_step) == 1);
  }
}

TEST_CASE("spans are exported to collectors as OTLP JSON", "[tracing]") {
  span_list spans;
  call(spans.options(), function_of([](context& ctx) {
         ctx.step.run("s", [] { user_span("na\"me").set("k", "v").fail("\xff"); });
       }));
  const json body = json::parse(inngest::otlp_json(spans.list, "shop"));
  const json& resource = body.at("resourceSpans").at(0);
  CHECK(resource.at("resource").at("attributes").at(0) ==
        json::parse(R"({"key":"service.name","value":{"stringValue":"shop"}})"));
  const json& list = resource.at("scopeSpans").at(0).at("spans");
  REQUIRE(list.size() == 4);
  CHECK(list[0].at("name") == "na\"me");
  CHECK(list[0].at("traceId") == trace);
  CHECK(list[0].at("parentSpanId") == list[1].at("spanId"));
  CHECK(list[0].at("status").at("code") == 2);
  CHECK(std::stoull(list[0].at("endTimeUnixNano").get<std::string>()) >=
        std::stoull(list[0].at("startTimeUnixNano").get<std::string>()));
  CHECK(list[0].at("attributes").back() == json::parse(R"({"key":"k","value":{"stringValue":"v"}})"));
}

TEST_CASE("user spans reach the trace of their run on the server", "[tracing][http]") {
  auto transport = std::make_shared<fake_transport>([](const request&) { return response{.status = 200}; });
  inngest::run_traces traces({.interval = 1h});
  auto options = support::quiet_options();
  options.transport = transport;
  options.signing_key = "signkey-test-0123456789abcdef";
  options.checkpointing.enabled = false;
  options.middleware = {inngest::tracing(traces.sink())};
  CHECK_FALSE(traces.flush());
  const auto f = function_of([](context& ctx) {
    ctx.step.run("twice", [] {});
    user_span("between").set("n", "1");
    ctx.step.run("twice", [] {
      user_span outer("outer");
      user_span inner("inner \xff");
      inner.fail("no");
    });
  });
  support::call body;
  body.steps[hash_of("twice")] = {{"data", nullptr}};
  body.stack = {hash_of("twice")};
  body.attempt = 2;
  const inngest::client app(options);
  traces.start(app);
  CHECK_THROWS_AS(traces.start(app), inngest::configuration_error);
  CHECK(call(options, f, body).status == 206);
  REQUIRE(traces.flush(support::patience));
  REQUIRE(transport->requests().size() == 1);
  const request sent = transport->requests().front();
  CHECK(sent.url == "http://127.0.0.1:8288/v1/traces/userland");
  CHECK(sent.headers.find("content-type") == "application/x-protobuf");
  CHECK(sent.headers.find("authorization").value_or("").starts_with("Bearer signkey-test-"));
  const auto spans = exported_spans(sent.body);
  REQUIRE(spans.size() == 3);
  const message& outer = spans.at("outer");
  const auto of_outer = attributes_of(outer);
  CHECK(hex(field(outer, 1)) == trace);
  CHECK(of_outer.at("inngest.traceref") == place);
  CHECK(of_outer.at("sdk.run.id") == "01RUN");
  CHECK(of_outer.at("sys.function.id") == "df73d946-01de-5211-a562-ff3d36fe3d0b");
  CHECK(of_outer.at("sys.app.id") == "10380af4-0e77-5536-a466-91d29970c9c7");
  CHECK(of_outer.at("inngest.step.id") == "twice");
  CHECK(of_outer.at("inngest.step.index") == "number 1");
  CHECK(of_outer.at("inngest.step.hash") == hash_of("twice:1"));
  CHECK(of_outer.at("inngest.step.attempt") == "number 2");
  CHECK(of_outer.at("inngest.step.parentSpanId") == inngest::detail::server_span_id(hash_of("twice:1")));
  const auto inner = std::find_if(spans.begin(), spans.end(),
                                  [](const auto& one) { return one.first.starts_with("inner"); });
  REQUIRE(inner != spans.end());
  CHECK(attributes_of(inner->second).at("inngest.step.parentSpanId") == hex(field(outer, 2)));
  CHECK(field(read(field(inner->second, 15)), 3) == "2");
  const auto of_between = attributes_of(spans.at("between"));
  CHECK(of_between.at("n") == "1");
  CHECK_FALSE(of_between.contains("inngest.step.hash"));
  CHECK_FALSE(of_between.contains("inngest.step.parentSpanId"));
  CHECK(traces.dropped() == 0);
}

TEST_CASE("the place of a span is found whatever an HTTP library does to the header", "[tracing]") {
  const std::string decoded = R"({"tp":"00-e39659933ec24ed89a3a315aaa7f8063-86ba94d78fd0c948-01","ts":""})";
  const std::string encoded = inngest::http::percent_encoded(decoded);
  const auto place_in = [](const std::string& state) {
    const span of{.trace_id = trace,
                  .span_id = "00f067aa0ba902b7",
                  .name = "n",
                  .is_user_span = true,
                  .trace_state = state};
    const auto found = inngest::detail::attributes_in_run(of);
    return found.empty() ? std::string("(none)") : found.front().value + " " + found.at(2).value;
  };
  for (const std::string& form : {decoded, encoded}) {
    CHECK(place_in("inngest@traceref=" + form + ",inngest@fn=f,inngest@app=a") == encoded + " f");
    CHECK(place_in("inngest@fn=f , a=b,inngest@traceref=" + form) == encoded + " f");
    CHECK(place_in("inngest@traceref=" + form + " \t,inngest@fn=f") == encoded + " f");
    CHECK(place_in("inngest@traceref=" + form) == "(none)");
  }
  for (const char* state :
       {"", "inngest@traceref", "inngest@fn=f", ",,=,", "inngest@traceref={,inngest@fn=f"})
    CHECK(place_in(state) == "(none)");
}

TEST_CASE("spans that a server refuses or that are too many are dropped and counted", "[tracing]") {
  auto transport = std::make_shared<fake_transport>([](const request&) { return response{.status = 429}; });
  support::log_record log;
  auto options = support::quiet_options();
  options.transport = transport;
  options.log = log.logger();
  const inngest::client app(options);
  const auto make = [](const inngest::span_sink& sink, std::string_view state = server_state) {
    sink({.trace_id = trace,
          .span_id = "00f067aa0ba902b7",
          .name = "n",
          .is_user_span = true,
          .trace_state = std::string(state)});
  };
  inngest::run_traces traces({.interval = 1h, .batch = 2, .capacity = 3});
  for (int i = 0; i < 4; ++i) make(traces.sink());
  CHECK(traces.dropped() == 1);
  make(traces.sink(), "");  // of an engine's run
  CHECK(traces.dropped() == 1);
  traces.start(app);
  REQUIRE(traces.flush(support::patience));
  CHECK(traces.dropped() == 4);
  CHECK(log.count("spans of runs were dropped: the server answered 429") == 2);
  CHECK(transport->requests().size() == 2);
  CHECK_THROWS_AS(inngest::run_traces({.batch = 0}), inngest::configuration_error);
}

TEST_CASE("what is left is sent when the exporter ends", "[tracing]") {
  auto transport = std::make_shared<fake_transport>([](const request&) { return response{.status = 200}; });
  auto options = support::quiet_options();
  options.transport = transport;
  {
    inngest::run_traces traces({.interval = 1h});
    traces.start(inngest::client(options));
    traces.sink()({.trace_id = trace,
                   .span_id = "00f067aa0ba902b7",
                   .name = "last",
                   .is_user_span = true,
                   .trace_state = server_state});
  }
  REQUIRE(transport->requests().size() == 1);
  CHECK(exported_spans(transport->requests().front().body).contains("last"));
}
