#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::execution {

class replay;

/// The stored result of a step. Only read_memo() reads its text, so that every result passes through the
/// middleware.
class held_memo {
 public:
  held_memo() = default;
  explicit held_memo(const protocol::memo* memo) : memo_(memo) {}
  explicit operator bool() const { return memo_ != nullptr; }

 private:
  friend class replay;
  const protocol::memo* memo_ = nullptr;
};

/// A step call of the handler, with its identity.
struct step_call {
  step_hash hash{};
  std::string id{};
  std::string given_name{};
  std::size_t index = 0;  // of this use of the id
  step_kind kind = step_kind::run;
  const char* file = "";
  int line = 0;
  std::optional<int> retries{};
  std::function<std::chrono::milliseconds(int)> backoff{};
  std::optional<std::chrono::milliseconds> deadline{};
  stop_source stop{nostopstate};          // the stop source of the call
  std::string arguments{};                // for middleware: a JSON array
  held_memo memo{};                       // empty: no result yet
  const protocol::memo* input = nullptr;  // replaced by the server; the step has not run yet
  std::size_t entered_at = 0;             // the depth of branches at the call
  std::optional<std::size_t> got_in{};    // the branch that received its result

  const std::string& name() const { return given_name.empty() ? id : given_name; }
};

}  // namespace inngest::inline INNGEST_ABI::execution
