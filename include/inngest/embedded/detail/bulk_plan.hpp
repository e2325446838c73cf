#pragma once

#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/embedded/bulk.hpp>
#include <inngest/embedded/detail/scheduling/bulk_work.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

// Selects the runs of a bulk operation, and their order. It only reads the store.

namespace inngest::inline INNGEST_ABI::embedded {

/// Finds runs with the states that the engine knows, like engine::find_run_page().
using run_finder = detail::function_ref<run_page(const run_query&)>;

/// The operation that a request describes, without id, time and total.
/// \throws configuration_error that names the member of the request which is wrong
bulk_operation new_bulk_operation(const bulk_request& request);

/// The runs that an operation selects when it begins, as a query.
run_query query_of(const bulk_operation& operation);

/// Reads the next runs of an operation: those behind bulk_operation::cursor, at most `most` of them. A chunk
/// may have fewer runs, or none, and not be the last. The runs of an operation are those that were queued
/// before it began; those that were to have ended must have ended by then, too. So their set does not grow
/// while the operation works. \throws store_error; payload_error when the filter can't be read.
bulk_chunk next_bulk_chunk(const bulk_operation& operation, const store& from, run_finder find,
                           std::size_t most);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/bulk_plan.ipp>
#endif
