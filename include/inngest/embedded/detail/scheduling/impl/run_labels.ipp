#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/run_labels.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The values of the keys of the concurrency limits. A limit without a key has none.
INNGEST_INLINE std::vector<std::string> concurrency_keys_of(const function_definition& function,
                                                            event_view& event) {
  std::vector<std::string> out;
  for (const registered_limit& limit : function.concurrency) {
    const auto value = limit.key ? event.value(limit.key) : std::nullopt;
    if (value && !value->is_null()) out.push_back(plain_text_of(*value));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

INNGEST_INLINE void set_labels(active_run& run) {
  const function_definition& function = *run.function;
  embedded::run& described = run.record.run;
  event_view event(run.event_text());
  for (const registered_tag& tag : function.tags) {
    const auto value = event.value(tag.value);
    apply({.name = tag.name, .value = value ? tag_value_of(*value) : std::nullopt}, described.tags);
  }
  described.concurrency_keys = concurrency_keys_of(function, event);
  const auto once = function.idempotency ? event.value(function.idempotency) : std::nullopt;
  if (once && !once->is_null()) described.idempotency_key = plain_text_of(*once);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
