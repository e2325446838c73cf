#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>

// A run's trace in the format of version 2 of a server's REST API: a span for the run, one for each step, and
// one for each failed attempt.

namespace inngest::inline INNGEST_ABI::embedded::run_api {

/// Builds the trace of one run from its timeline and results.
class run_trace {
 public:
  /// `memos` are the run's results, in the order in which it made them.
  run_trace(const run_record& record, const std::vector<memo_record>& memos, bool with_output);

  /// The trace, as JSON.
  json build();

 private:
  struct part {
    std::string step{};
    step_hash step_id{};
    std::string_view operation{};  // empty if the timeline does not determine it
    std::string_view status = "WAITING";
    timestamp queued{};
    std::optional<timestamp> started{};
    std::optional<timestamp> ended{};
    std::string problem{};
    std::vector<json> attempts{};
  };

  void add(const timeline_entry& entry);
  void add_attempt(const timeline_entry& entry);
  void end(const timeline_entry& entry, std::string_view status);
  /// The step's unfinished span, or a new one when there is none.
  part& open_part(const timeline_entry& entry);
  json described(const part& shown);
  std::string next_id();

  const run_record& record_;
  const bool with_output_;
  std::map<step_hash, const memo_record*> results_;
  std::vector<part> parts_;
  std::size_t ids_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::run_api

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/run_trace.ipp>
#endif
