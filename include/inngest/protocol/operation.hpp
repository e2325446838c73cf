#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
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
  /// A run step's and a wait's is the step's id, a sleep's the time it takes.
  std::string name{};
  std::string display_name{};
  std::string user_id{};
  std::size_t index = 0;   // of the id's repeats
  std::string options{};   // a JSON object; empty when there is nothing to say
  std::string metadata{};  // a JSON array; empty when there is none
  std::string data{};      // JSON; empty for null
  std::optional<error_info> error{};
  std::optional<protocol::timing> timing{};
};

/// Appends the operation as a JSON object.
void write_operation(std::string& out, const operation& op);

/// The members of two JSON objects in one; either may be empty text.
std::string merged_options(const std::string& first, const std::string& second);

/// The function's result, where it rides along with other operations.
operation run_complete(std::string result);

/// The function's failure, where it rides along with other operations.
operation run_failed(const failure& failure);

std::string write_operations(const std::vector<operation>& operations);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/operation.ipp>
#endif
