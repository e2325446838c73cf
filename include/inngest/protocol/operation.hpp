#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

/// When a step's body ran, in nanoseconds.
struct timing {
  std::int64_t started = 0;  // since 1970
  std::int64_t took = 0;
};

struct operation {
  opcode code{};
  step_hash id{};
  /// The step's id for a run step or a wait; the duration for a sleep.
  std::string name{};
  std::string display_name{};
  std::string user_id{};
  std::size_t index = 0;   // of this use of the id
  std::string options{};   // a JSON object, or empty
  std::string metadata{};  // a JSON array, or empty
  std::string data{};      // JSON; empty means null
  std::optional<error_info> error{};
  std::optional<protocol::timing> timing{};
};

/// Appends the operation as a JSON object.
void write_operation(std::string& out, const operation& op);

/// Merges two JSON objects; either may be empty text.
std::string merged_options(const std::string& first, const std::string& second);

/// The operation that reports the function's result together with other operations.
operation run_complete(std::string result);

/// The operation that reports the function's failure together with other operations.
operation run_failed(const failure& failure);

std::string write_operations(const std::vector<operation>& operations);

/// The operations of an answer that neither ends nor fails its run, because another call has taken over.
/// Servers ignore it, and call the function again if no other call of the run is in progress.
inline constexpr std::string_view no_news = R"([{"id":"","op":"None"}])";

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/operation.ipp>
#endif
