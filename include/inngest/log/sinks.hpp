#pragma once

#include <cstdio>
#include <string>

#include <inngest/config.hpp>
#include <inngest/log.hpp>

// Sinks that write a message with its fields as one line:
//
//     inngest::client app({.id = "shop", .log = inngest::logger(inngest::json_log())});

namespace inngest::inline INNGEST_ABI::detail {

/// The known fields: "app=shop function=charge run=01M8... step=pay attempt=1". Empty when none is known.
std::string text_of(const log_fields& fields);

/// The message and the fields on one line; `between` separates them.
std::string line_of(const log_record& record, const char* between);

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

/// The record as one human-readable line, without a line break: "2026-11-26T08:12:33.123Z warn: no answer
/// app=shop function=charge run=01M8... step=pay attempt=1". Line breaks in the message become spaces, bytes
/// that are not UTF-8 become question marks.
std::string text_of(const log_record& record);

/// The record as a JSON object on one line, without a line break: `time`, `level`, `message`, and the known
/// ones of `app`, `function`, `run`, `step`, `attempt`.
std::string json_of(const log_record& record);

/// Writes each record as text_of() to a file, which must stay open.
record_sink text_log(std::FILE* file = stderr);

/// Writes each record as json_of() to a file, which must stay open.
record_sink json_log(std::FILE* file = stderr);

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/log/impl/sinks.ipp>
#endif
