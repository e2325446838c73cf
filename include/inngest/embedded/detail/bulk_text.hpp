#pragma once

#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/bulk_operation.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The problems as stored text: a JSON array of arrays with the run's id and the problem.
std::string text_of(const std::vector<bulk_problem>& problems);

/// Reads that text. Ignores damaged parts, because problems are only shown to people.
std::vector<bulk_problem> read_bulk_problems(const std::string& text);

/// A description of the operation, for the audit trail.
std::string audit_details(const bulk_operation& operation);

/// The operation as the server's routes show it.
json to_json(const bulk_operation& operation);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/bulk_text.ipp>
#endif
