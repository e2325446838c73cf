#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

// Scores and values that a server stores and shows with runs, steps and spans.

namespace inngest::inline INNGEST_ABI {

/// A score: a finite number, or a bool.
class score_value {
 public:
  /// A number or a bool.
  template <class Value>
    requires(std::integral<Value> || std::floating_point<Value>)
  score_value(Value value) : number_(static_cast<double>(value)), is_bool_(std::same_as<Value, bool>) {}

  /// The number; 1 and 0 for true and false.
  double number() const { return number_; }
  /// Whether it was made from a bool.
  bool is_bool() const { return is_bool_; }

 private:
  double number_;
  bool is_bool_;
};

/// What scores and metadata belong to: a run, one of its steps, an attempt of a step, or a span in an
/// attempt.
struct metadata_target {
  /// The run's id. Inside a run, empty means that run.
  std::string run_id{};
  /// The step's id as written; empty for the run.
  std::string step_id{};
  /// 0 for the first use of the id in the run, 1 for the next, and so on.
  std::size_t step_index = 0;
  /// A failed attempt, from 0. Default: the step's final state. With `span_id`, the attempt of the span.
  std::optional<int> attempt{};
  /// The span's id, 16 hex digits, for example of a user_span. Requires `step_id` and `attempt`.
  std::string span_id{};
};

/// How to change the metadata of a kind.
enum class metadata_change {
  set,     ///< replaces all values
  merge,   ///< replaces the given values
  add,     ///< adds the given numbers
  remove,  ///< removes the given values
};

/// The change's name in the protocol.
constexpr std::string_view to_string(metadata_change change) {
  switch (change) {
    case metadata_change::set:
      return "set";
    case metadata_change::merge:
      return "merge";
    case metadata_change::add:
      return "add";
    case metadata_change::remove:
      return "delete";
  }
  return "set";
}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::protocol {

/// Metadata of an operation: `scope` is "run" or "step", `change` see to_string(metadata_change).
std::string metadata_object(std::string_view scope, std::string_view kind, std::string_view change,
                            std::string_view values);

/// Where the metadata of a run is sent.
std::string metadata_path(std::string_view run_id);

/// Sends metadata, JSON objects separated by commas, to the target in the run.
/// \throws configuration_error for an incomplete target.
http::request metadata_request(std::string_view run_id, const metadata_target& target,
                               const std::string& metadata);

/// A score's values. \throws configuration_error for an invalid name or value.
std::string score_values(std::string_view name, const score_value& value);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/metadata.ipp>
#endif
