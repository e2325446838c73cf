#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/options.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/trigger.hpp>

// The registration of an app's functions, as JSON text.

namespace inngest::inline INNGEST_ABI::protocol {

using detail::json_object_text;

std::string duration_text(const std::optional<duration_s>& duration);

/// A JSON array of the descriptions of all values; `describe` returns JSON text.
template <class Range, class Describe>
std::string describe_each(const Range& range, Describe describe) {
  std::string out = "[";
  for (const auto& value : range) {
    if (out.size() > 1) out += ',';
    out += describe(value);
  }
  return out += ']';
}

std::string describe_trigger(const trigger_definition& trigger);

std::string describe_limit(const concurrency_limit& limit);

std::string describe_cancel(const cancel_on& cancel);

/// Only an embedded engine reads tags; servers ignore unknown members.
std::string describe_tag(const function_tag& tag);

void describe_flow_control(json_object_text& out, const function_options& options);

/// The registration of one function, which the server will call at `url`. A `ws` or `wss` URL stands for the
/// connection of a Connect worker.
std::string describe_function(const std::string& slug, const function_options& options,
                              const std::vector<trigger_definition>& triggers, const std::string& url);

/// The optional protocol features of this SDK.
inline constexpr const char* capabilities = R"({"in_band_sync":"v1","trust_probe":"v1"})";

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/registration.ipp>
#endif
