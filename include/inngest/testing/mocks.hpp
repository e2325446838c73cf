#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/middleware.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::testing {

/// The mocks and failures that a test has set. Used by harness.
class mocks {
 public:
  /// Returns a step's result as JSON.
  using body = std::function<std::string()>;

  /// Converts a callable to a body; the result is null if it returns nothing.
  template <class Callable>
  static body body_of(Callable callable) {
    return [callable = std::move(callable)]() mutable -> std::string {
      if constexpr (std::is_void_v<std::invoke_result_t<Callable&>>) {
        callable();
        return "null";
      } else {
        return text_of(callable());
      }
    };
  }

  /// Replaces the step with the id.
  void replace(const std::string& step, body with) { replaced_[step] = std::move(with); }
  /// Makes the step's next attempts fail; none if `times` is not positive.
  void fail(const std::string& step, int times, std::string message);

  /// Records the id of a step that a run has reached, and the id that middleware has made of it. Tests may
  /// use either id.
  void reached(std::string_view run_id, const std::string& step, const std::string& changed);
  /// The id by which the server identifies the run's step.
  const std::string& changed_id(const std::string& run_id, const std::string& step) const;

  /// Stores a step's result in every run that is called for the first time from now on. It replaces an
  /// earlier result of the step.
  void preload(const step_hash& step, std::string memo) { preloads_[step] = std::move(memo); }
  /// The stored results, as memos.
  const std::map<step_hash, std::string>& preloads() const { return preloads_; }

  /// Forgets which steps were reached: a call begins.
  void begin_call();
  /// The handler begins, also for a second time in strict mode, which reaches the same steps again.
  void begin_pass();
  /// Records a step whose result the handler has used, or whose body has run.
  void use(const step_hash& step) { used_.insert(step); }
  /// The steps that the handler has reached. Of those that it has only started, the hashes are computed.
  std::set<step_hash> reached_steps() const;

  /// A result in the form in which a server returns it: an event or a signal with its name.
  static json received(protocol::step_gives gives, const std::string& name, json value);

  /// Whether the step has a mock or a failure.
  bool has(const std::string& id) const;

  /// The step's result: from the mock, or from `otherwise`. Throws for a failure.
  std::string run(const std::string& id, next_call<std::string> otherwise);

 private:
  struct failure {
    int times = 0;
    std::string message{};
  };

  /// A result as JSON: a whole event for a wait, null for an empty optional.
  template <class T>
  static std::string text_of(const T& result) {
    if constexpr (event_type<T>)
      return any_event(result).text();
    else
      return encode(result, "mock");
  }
  template <event_type Event>
  static std::string text_of(const std::optional<Event>& result) {
    return result ? text_of(*result) : "null";
  }

  /// The id that the test uses for the step.
  const std::string& known(const std::string& id) const;

  std::map<std::string, std::string> given_;                            // by changed id
  std::map<std::pair<std::string, std::string>, std::string> changed_;  // by run and given id
  std::map<step_hash, std::string> preloads_;
  std::map<std::string, std::size_t> uses_;       // of the ids that this pass has reached
  std::map<std::string, std::size_t> most_uses_;  // of all passes of the call
  std::set<step_hash> used_;
  std::map<std::string, body> replaced_;
  std::map<std::string, failure> failures_;
};

/// Middleware that replaces step bodies by mocks.
class mocking final : public middleware {
 public:
  /// Shares the mocks with the harness.
  explicit mocking(std::shared_ptr<mocks> mocks) : mocks_(std::move(mocks)) {}

  std::string wrap_function_handler(const call_info& call, next_call<std::string> next) override;

  void transform_step_input(const call_info& call, const step_info& step, step_input& changed) override;

  /// Gives the results that a test has stored for waits the form of a server's.
  std::string wrap_step(const call_info& call, const step_info& step, next_call<std::string> next) override;

  std::string wrap_step_handler(const call_info&, const step_info& step,
                                next_call<std::string> next) override;

 private:
  std::shared_ptr<mocks> mocks_;
};

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/testing/impl/mocks.ipp>
#endif
