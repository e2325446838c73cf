// The code of docs/middleware.md, as it stands there.

#include <inngest/inngest.hpp>

#include <httplib.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/middleware/encryption.hpp>
#include <inngest/middleware/metrics.hpp>
#include <inngest/middleware/otlp.hpp>
#include <inngest/middleware/run_traces.hpp>
#include <inngest/middleware/tracing.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"

using namespace std::chrono_literals;

namespace {

struct OrderData {
  std::string orderId;
};
INNGEST_FIELDS(OrderData, orderId)
using Ordered = inngest::event<"shop/ordered", OrderData>;

struct Database {
  std::vector<std::string> rows;
  void insert(const std::string& row) { rows.push_back(row); }
};

// [slow-steps]
class slow_steps : public inngest::middleware {
 public:
  explicit slow_steps(inngest::logger log) : log_(std::move(log)) {}

  std::string wrap_step_handler(const inngest::call_info& call, const inngest::step_info& step,
                                inngest::next_call<std::string> next) override {
    const auto began = std::chrono::steady_clock::now();
    std::string result = next();
    if (std::chrono::steady_clock::now() - began > 1s)
      log_.warn(std::string(call.function_id) + ": step " + std::string(step.id) + " is slow");
    return result;
  }

 private:
  inngest::logger log_;
};
// [slow-steps]

// [retry-notes]
class retry_notes : public inngest::middleware {
 public:
  using callback = std::function<void(const std::string& run, const std::string& text)>;
  explicit retry_notes(callback show) : show_(std::move(show)) {}

  void on_step_error(const inngest::call_info& call, const inngest::step_info& step,
                     const inngest::failure_info& failure) override {
    std::string text = std::string(step.name) + ": " + std::string(failure.message);
    if (failure.is_final) {
      text += ", given up";
    } else {
      text += ", attempt " + std::to_string(call.attempt + 2);
      if (call.max_attempts) text += " of " + std::to_string(*call.max_attempts);
      if (failure.retry_after) text += " in " + std::to_string(failure.retry_after->count() / 1000) + " s";
    }
    show_(std::string(call.run_id), text);
  }

 private:
  callback show_;
};
// [retry-notes]

// [export-span]
void export_span(httplib::Client& collector, const inngest::span& span) {
  collector.Post("/v1/traces", inngest::otlp_json({span}, "shop"), "application/json");
}
// [export-span]

// [prometheus]
class prometheus_page {
 public:
  void add(const inngest::measurement& measured) {
    std::string labels;
    for (const auto& [name, value] : measured.labels)
      labels += (labels.empty() ? "{" : ",") + std::string(name) + "=\"" + std::string(value) + '"';
    labels += '}';
    const std::string name(measured.name);
    const std::lock_guard lock(mutex_);
    if (measured.kind == inngest::metric_kind::counter) {
      values_[name + labels] += measured.value;
    } else {
      values_[name + "_sum" + labels] += measured.value;
      values_[name + "_count" + labels] += 1;
    }
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [series, value] : values_) out += series + ' ' + inngest::encode(value) + '\n';
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, double> values_;
};
// [prometheus]

int pixels_of(const std::string& path) { return static_cast<int>(path.size()); }

// [user-span]
int decode(const std::string& path) {
  inngest::user_span span("decode");
  span.set("photo.path", path);
  return pixels_of(path);
}
// [user-span]

inngest::any_function function_of(std::function<int()> body, inngest::middleware_list list) {
  return support::quiet_client().create_function(
      {.id = "f", .middleware = std::move(list)}, inngest::on<Ordered>(),
      [body](auto& ctx) { return ctx.step.run({.id = "pay", .name = "Pay"}, body); });
}

support::run_driver run_of(const inngest::any_function& function) {
  support::run_driver run(function);
  run.with_data({{"orderId", "o1"}});
  return run;
}

}  // namespace

TEST_CASE("docs: a retry is shown as it happens", "[middleware]") {
  std::vector<std::string> shown;
  const auto notes = std::make_shared<retry_notes>(
      [&](const std::string& run, const std::string& text) { shown.push_back(run + " " + text); });
  auto run = run_of(function_of([]() -> int { throw inngest::retry_after_error("busy", 30s); }, {notes}));
  run.request.max_attempts = 2;
  run.finish();
  CHECK(shown ==
        std::vector<std::string>{"01RUN Pay: busy, attempt 2 of 2 in 30 s", "01RUN Pay: busy, given up"});
}

TEST_CASE("docs: a slow step is told", "[middleware]") {
  support::log_record kept;
  auto run = run_of(function_of(
      [] {
        std::this_thread::sleep_for(1100ms);
        return 1;
      },
      {std::make_shared<slow_steps>(kept.logger())}));
  CHECK(run.finish().result == 1);
  CHECK(kept.lines() == std::vector<std::string>{"warn: f: step pay is slow"});
}

TEST_CASE("docs: the client takes middleware", "[middleware]") {
  const inngest::logger log{[](inngest::log_level, std::string_view) {}};
  // [client]
  inngest::client app({.id = "shop", .middleware = {std::make_shared<slow_steps>(log)}});
  // [client]
  CHECK(app.settings().middleware().size() == 1);
}

TEST_CASE("docs: a handler asks for what was provided", "[middleware]") {
  Database database;
  // [dependencies]
  inngest::client app({.id = "shop", .dependencies = {inngest::provide(database)}});
  auto keep = app.create_function({.id = "keep"}, inngest::on<Ordered>(), [](inngest::context<Ordered>& ctx) {
    ctx.step.run("insert", [&] { ctx.get<Database>().insert(ctx.event.data.orderId); });
  });
  // [dependencies]
  support::call request;
  request.event["data"] = {{"orderId", "o1"}};
  const inngest::handler handler(app, {keep});
  handler.answer_in_process(support::post(keep.slug(), request.text()));
  CHECK(database.rows == std::vector<std::string>{"o1"});
}

TEST_CASE("docs: a client encrypts", "[middleware]") {
  const std::string key = "new passphrase", old_key = "old passphrase";
  // [encryption]
  inngest::client app(
      {.id = "shop", .middleware = {inngest::encryption({.key = key, .fallback_keys = {old_key}})}});
  // [encryption]
  CHECK(app.settings().middleware().size() == 1);
}

TEST_CASE("docs: spans go to a collector", "[tracing]") {
  // [collector]
  httplib::Client collector("http://localhost:4318");
  inngest::client app({.id = "shop", .middleware = {inngest::tracing([&](const inngest::span& span) {
                                       if (span.sampled) export_span(collector, span);
                                     })}});
  // [collector]
  CHECK(app.settings().middleware().size() == 1);
}

TEST_CASE("docs: spans of users go to the server", "[tracing]") {
  // [run-traces]
  inngest::run_traces traces;
  inngest::client app({.id = "shop", .middleware = {inngest::tracing(traces.sink())}});
  traces.start(app);
  // [run-traces]
  CHECK(decode("cat.png") == 7);  // outside of a run
  CHECK(traces.flush());
}

TEST_CASE("docs: a span is a request of OTLP", "[tracing]") {
  httplib::Server server;
  std::string received;
  server.Post("/v1/traces",
              [&](const httplib::Request& request, httplib::Response&) { received = request.body; });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  CHECK(support::eventually([&] { return server.is_running(); }));
  support::http_client collector(port);
  export_span(collector, {.trace_id = "t", .span_id = "s", .name = "n", .attributes = {{"k", "v"}}});
  server.stop();
  thread.join();
  const auto span = nlohmann::json::parse(received).at("resourceSpans")[0].at("scopeSpans")[0].at("spans")[0];
  CHECK(span.at("traceId") == "t");
  CHECK(span.at("attributes")[0].at("value").at("stringValue") == "v");
}

TEST_CASE("docs: metrics become a page for Prometheus", "[metrics]") {
  httplib::Server server;
  // [metrics]
  prometheus_page page;
  inngest::client app(
      {.id = "shop",
       .middleware = {inngest::metrics([&](const inngest::measurement& measured) { page.add(measured); })}});
  server.Get("/metrics", [&](const httplib::Request&, httplib::Response& out) {
    out.set_content(page.text(), "text/plain; version=0.0.4");
  });
  // [metrics]
  const inngest::metric_label labels[] = {{"function", "f"}};
  page.add({.name = "inngest_runs_started_total", .value = 2, .labels = labels});
  page.add({.kind = inngest::metric_kind::histogram, .name = "d_seconds", .value = 0.5, .labels = labels});
  CHECK(page.text() ==
        "d_seconds_count{function=\"f\"} 1\nd_seconds_sum{function=\"f\"} 0.5\n"
        "inngest_runs_started_total{function=\"f\"} 2\n");
  CHECK(app.settings().middleware().size() == 1);
}
