#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/branches.hpp>
#include <inngest/execution/mistakes.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE void check_step_options(const step_options& options) {
  const std::string_view id = options.id.text();
  if (detail::is_blank(id))
    throw step_options_error(std::string(id), "a step's id must not be empty or blank");
  if (options.retries && *options.retries < 0)
    throw step_options_error(std::string(id),
                             "retries must be 0 or more, not " + std::to_string(*options.retries));
}

INNGEST_INLINE void refuse_blank_id(const step_info& step, const std::string& changed_id) {
  if (detail::is_blank(changed_id))
    throw step_options_error(std::string(step.id),
                             "middleware::transform_step_input must not leave its id empty or blank");
}

INNGEST_INLINE void refuse_unwritable(const std::string& id, const std::string& name) {
  if (detail::is_utf8(id) && detail::is_utf8(name)) return;
  const std::string step = "step \"" + detail::to_printable(id) + "\"";
  detail::require_utf8(id, step + ": its id");
  detail::require_utf8(name, step + ": its name");
}

INNGEST_INLINE std::string accepted_input(const step_info& step, const std::string& input) {
  const bool is_data = takes_event_data(step.kind);
  if (detail::is_json(input) && input[input.find_first_not_of(" \t\r\n")] == '[') {
    if (!is_data) return input;
    const detail::json_buffer buffer(input);
    detail::json_document document(buffer.text());
    detail::json_value root = document.root();
    std::string only;
    std::size_t count = 0;
    for (auto& item : detail::elements_of(root, {})) {
      only = detail::raw_text(detail::take(item, {}), {});
      ++count;
    }
    if (count == 1) return only;
  }
  throw payload_error({}, "step \"" + std::string(step.id) +
                              "\": middleware::transform_step_input must leave a JSON array of " +
                              (is_data ? "one argument" : "arguments"));
}

/// Why a handler may reach different steps than in its last call.
inline constexpr const char* advice_on_ids =
    "step ids must not differ between the calls of a run (do not build them from times, random numbers, "
    "counters or pointers), or the function was changed during the run";

INNGEST_INLINE std::string warning_of_changed_id(const step_call& call, const std::string& first_unused) {
  return "step \"" + call.id + "\", called at " + call_site{call.file, call.line}.text() +
         ", is new, although the server still has the result of " + first_unused + ": " + advice_on_ids;
}

INNGEST_INLINE std::string warning_of_unused(std::size_t count, const std::string& first_unused) {
  return "the function ended without " + std::to_string(count) +
         " of the steps that have results on the server, among them " + first_unused + ": " + advice_on_ids;
}

INNGEST_INLINE std::string warning_of_swallowed(const std::string& step_id, const std::string& called_at) {
  return "the interrupt of step \"" + step_id + "\", called at " + called_at +
         ", was swallowed: a catch (...) around a step must end with `throw;`. The run continues correctly, "
         "but the code after the catch runs too early";
}

INNGEST_INLINE protocol::failure error_of_too_many(std::size_t operations, std::size_t most,
                                                   std::chrono::system_clock::time_point now) {
  const too_large problem(std::to_string(operations) +
                          " steps must be reported at once, and a server accepts at most " +
                          std::to_string(most) + ": start fewer steps at a time");
  return protocol::describe(std::make_exception_ptr(problem), now);
}

}  // namespace inngest::inline INNGEST_ABI::execution
