// Traces of runs in an OpenTelemetry collector, such as Jaeger or Grafana Alloy, without OpenTelemetry's
// libraries. It runs on the embedded engine; with a server only the last lines of main() differ.
//
//     docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/all-in-one
//     OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 opentelemetry

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

#include "collector.hpp"

using namespace std::chrono_literals;

struct Photo {
  std::string path;
};
INNGEST_FIELDS(Photo, path)
using Uploaded = inngest::event<"photos/uploaded", Photo>;

namespace {

/// Application code that knows nothing about runs and steps. Its spans are part of their traces.
int decode(const std::string& path) {
  inngest::user_span span("decode");
  span.set("photo.path", path);
  std::this_thread::sleep_for(20ms);
  if (path.ends_with(".raw")) {
    span.fail("not an image");
    throw inngest::non_retriable_error("not an image: " + path);
  }
  return 640;
}

/// A request to another service continues the trace: the service's spans are children of the open span.
void request_thumbnail(int width) {
  inngest::user_span span("GET /thumbnail");
  span.set("thumbnail.width", std::to_string(width));
  const httplib::Headers headers{{"traceparent", inngest::current_traceparent()}};
  std::cout << "GET /thumbnail traceparent: " << headers.find("traceparent")->second << "\n";
}

}  // namespace

int main() {
  const char* endpoint = std::getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  collector exporter(endpoint != nullptr ? endpoint : "http://localhost:4318", "photo-studio");

  inngest::client app(
      {.id = "photo-studio",
       .mode = inngest::mode::dev,
       .middleware = {inngest::tracing([&](const inngest::span& span) { exporter.add(span); })}});
  auto publish = app.create_function({.id = "publish", .retries = 0}, inngest::on<Uploaded>(),
                                     [](inngest::context<Uploaded>& ctx) {
                                       ctx.step.run("thumbnail", [&] {
                                         inngest::user_span span("prepare");
                                         request_thumbnail(decode(ctx.event.data.path));
                                       });
                                       ctx.step.sleep("let it settle", 100ms);
                                       ctx.step.run("publish", [] {});
                                     });

  inngest::embedded::engine engine(app, {publish});
  engine.send(Uploaded{{.path = "cat.png"}});
  engine.send(Uploaded{{.path = "cat.raw"}});
  return engine.wait_until_idle(1min) ? 0 : 1;
}
