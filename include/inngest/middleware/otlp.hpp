#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/middleware/tracing.hpp>

// Spans in OpenTelemetry's protocol, OTLP over HTTP, without a dependency on OpenTelemetry.

namespace inngest::inline INNGEST_ABI {

/// The body of a request that exports the spans to an OpenTelemetry collector, as JSON: POST it to the
/// collector's `/v1/traces`, such as http://localhost:4318/v1/traces, as "application/json".
/// `service` is the resource attribute "service.name", by which tools group spans.
[[nodiscard]] std::string otlp_json(const std::vector<span>& spans, std::string_view service);

namespace detail {

/// An attribute of an exported span. The server reads some of them as numbers.
struct otlp_attribute {
  std::string key;
  std::string value;
  bool is_number = false;
};

/// The attributes by which an Inngest server attaches a user_span to its run; empty when the server's request
/// did not name the position in the trace.
std::vector<otlp_attribute> attributes_in_run(const span& of);

/// The body of a request that exports user spans to an Inngest server, as protobuf: "application/x-protobuf".
/// Omits spans without attributes_in_run().
std::string otlp_for_server(const std::vector<span>& spans, std::string_view service);

}  // namespace detail

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/middleware/impl/otlp.ipp>
#endif
