#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/timeline.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/realtime/message.hpp>
#include <inngest/testing/simulation.hpp>
#include <inngest/topic.hpp>

namespace inngest::inline INNGEST_ABI::testing {

using embedded::run_status;

/// A snapshot of a step of a run in a test.
class test_step {
 public:
  /// `read` passes a result through the function's middleware.
  /// `metadata` maps kinds to values.
  test_step(std::string id, std::string memo, std::vector<embedded::timeline_entry> entries, json metadata,
            std::function<std::string(std::string)> read);

  /// The number of attempts that have ended.
  int attempts() const;
  /// Whether it has a result or has failed permanently.
  bool ended() const { return !memo_.empty(); }
  /// Whether it has failed permanently.
  bool failed() const { return ended() && !detail::find_member(detail::json_buffer(memo_), "error").empty(); }
  /// The message of the last error; empty when there was none.
  std::string error() const;
  /// The score that the step's body has set; `nullopt` when there is none.
  std::optional<double> score(const std::string& name) const;
  /// The metadata of a kind that the step's body has set; null when there is none.
  json metadata(const std::string& kind) const;
  /// The step's result, as the function reads it. \throws payload_error when there is none, or it does not
  /// fit the type; step_error when the step failed.
  template <json_convertible T>
  T output() const {
    const detail::json_buffer text(memo_.empty() ? "null" : memo_);
    const std::string_view result = protocol::result_text({.text = text.text()}, id_);
    return decode<T>(read_(std::string(result)), "step \"" + id_ + "\"");
  }

 private:
  std::string id_;
  std::string memo_;
  std::vector<embedded::timeline_entry> entries_;
  json metadata_;
  std::function<std::string(std::string)> read_;
};

/// A run in a test. Copies refer to the same run. Reading it does not move the virtual time.
class test_run {
 public:
  /// Used by harness. An empty id means that no run was started.
  test_run(std::shared_ptr<const simulation> simulation, std::string id);

  /// Whether a run was started: an event may start none. If not, the other functions throw
  /// configuration_error.
  bool started() const { return !id_.empty(); }
  /// The run's id.
  const std::string& id() const { return id_; }
  /// The function's id within the app.
  std::string function_id() const { return now().function_id; }
  /// The current status.
  run_status status() const { return now().status; }
  /// Whether it has completed, failed or been cancelled.
  bool ended() const { return now().ended(); }
  /// Whether the function has returned.
  bool completed() const { return status() == run_status::completed; }
  /// Whether the function has failed permanently.
  bool failed() const { return status() == run_status::failed; }
  /// Whether the run was cancelled.
  bool cancelled() const { return status() == run_status::cancelled; }

  /// The function's output. \throws embedded::run_failed with the run's error when it failed or was
  /// cancelled; payload_error when there is no output yet, or it does not fit the type.
  template <json_convertible T>
  T output() const {
    return now().output<T>();
  }
  /// The response to an endpoint's client.
  /// \throws payload_error when there is no response yet, or the run has failed without one.
  http::response response() const;
  /// "name: message" of the run's error; empty when it has not failed.
  std::string error() const;

  /// The id of the step at which the run sleeps or waits, also for a retry. If there are several, the one
  /// that began first; empty when there is none.
  std::string waiting_on() const;
  /// Whether the run sleeps or waits at the step, also for a retry. It may wait at other steps at the same
  /// time: those of other branches, and unfinished steps of a race.
  bool waits_on(const std::string& step) const;

  /// The ids of its steps, in the order in which it reached them.
  std::vector<std::string> steps() const;

  /// The step with the id; it need not have run yet. `index` selects one of several uses of the same id.
  test_step step(const std::string& id, std::size_t index = 0) const;

  /// The messages that the run has published to realtime channels, oldest first. A stream of pieces counts as
  /// one message with its whole text.
  std::vector<realtime::message> published() const;
  /// The data of the messages that the run has published to a topic, oldest first:
  /// `run.published<ImportProgress>("import:7").back().percent`.
  /// \throws payload_error when a message does not fit the type.
  template <topic_type Topic>
  std::vector<typename Topic::data_type> published(const std::string& channel) const {
    std::vector<typename Topic::data_type> out;
    for (const realtime::message& message : published()) {
      if (message.channel == channel && message.topic == Topic::name)
        out.push_back(message.template data<typename Topic::data_type>());
    }
    return out;
  }
  /// The run's metadata of a kind, such as "rows" of `set_metadata("id", "rows", {...})`; null when there is
  /// none.
  json metadata(const std::string& kind) const;
  /// The run's tags by name, from basic_context::tag and function_options::tags.
  std::vector<embedded::run_tag> tags() const;
  /// The run's score with the name; `nullopt` when there is none. See test_step for those of a step's body.
  std::optional<double> score(const std::string& name) const;

  /// The operations that the function reported, call by call, for protocol tests.
  const std::vector<embedded::reported_operation>& operations() const { return simulation_->operations(id_); }
  /// The timeline as text.
  std::string timeline() const { return embedded::format_timeline(now()); }

  /// Prints the timeline, for failed assertions.
  friend std::ostream& operator<<(std::ostream& out, const test_run& run) {
    return out << (run.started() ? run.timeline() : "no run was started");
  }

 private:
  embedded::run now() const;

  json metadata_of_kind(const std::string& kind) const;
  /// The metadata that the body of a step has set, by kind.
  json metadata_of_step(const std::string& id, std::size_t index) const;

  /// The step's kind, for middleware that depends on it.
  step_kind kind_of(const step_hash& step) const;

  /// The step's id, also of a step whose id middleware has changed; `name` when no operation has told it.
  std::string id_of(const step_hash& step, const std::string& name) const;

  /// The attempts of a step whose body the function has run, as the timeline's entries.
  std::vector<embedded::timeline_entry> reported_attempts(const step_hash& step) const;

  /// The timeline's entries of a step.
  std::vector<embedded::timeline_entry> entries_of(const step_hash& step) const;

  /// The position of a step among the operations that the function has reported.
  std::size_t reported_at(const step_hash& step) const;

  std::shared_ptr<const simulation> simulation_;
  std::string id_;
};

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/testing/impl/test_run.ipp>
#endif
