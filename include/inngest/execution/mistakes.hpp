#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/execution/step_call.hpp>
#include <inngest/middleware.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

// Errors and warnings about mistakes in user code.

namespace inngest::inline INNGEST_ABI::execution {

/// \throws step_options_error for a blank id or negative retries.
void check_step_options(const step_options& options);

/// Steps whose ids are blank can't be told apart.
/// \throws step_options_error when middleware left a blank id.
void refuse_blank_id(const step_info& step, const std::string& changed_id);

/// Rejects ids and names that can't be written in an answer.
/// \throws payload_error when they are not UTF-8.
void refuse_unwritable(const std::string& id, const std::string& name);

/// Whether the step's only argument is the data of an event.
constexpr bool takes_event_data(step_kind kind) {
  return protocol::row_of(kind).takes == protocol::step_takes::event_data;
}

/// What a step uses of the input that middleware left: the whole array, or, where it is an event's data, the
/// only element. Both become part of an answer, which anything else would make unreadable.
/// \throws payload_error naming the step.
std::string accepted_input(const step_info& step, const std::string& input);

/// The answer has more operations than a server accepts.
protocol::failure error_of_too_many(std::size_t operations, std::size_t most,
                                    std::chrono::system_clock::time_point now);

/// The handler reached a new step before all steps with results: it is not deterministic.
std::string warning_of_changed_id(const step_call& call, const std::string& first_unused);

/// The handler ended without some steps that have results.
std::string warning_of_unused(std::size_t count, const std::string& first_unused);

/// User code caught the interrupt of a step and did not rethrow it.
std::string warning_of_swallowed(const std::string& step_id, const std::string& called_at);

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/mistakes.ipp>
#endif
