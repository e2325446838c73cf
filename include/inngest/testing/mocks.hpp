#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/middleware.hpp>

namespace inngest::testing {

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
  /// Makes the step's next attempts fail.
  void fail(const std::string& step, int times, std::string message) {
    failures_[step] = {times, std::move(message)};
  }

  /// Notes that middleware has changed a step's id. Tests may use either id.
  void rename(const std::string& step, const std::string& changed) {
    given_[changed] = step;
    changed_[step] = changed;
  }
  /// The id by which the server identifies the step.
  const std::string& changed_id(const std::string& step) const {
    const auto found = changed_.find(step);
    return found == changed_.end() ? step : found->second;
  }

  /// Whether the step has a mock or a failure.
  bool has(const std::string& id) const {
    const std::string& step = known(id);
    return replaced_.contains(step) || failures_.contains(step);
  }

  /// The step's result: from the mock, or from `otherwise`. Throws for a failure.
  std::string run(const std::string& id, next_call<std::string> otherwise) {
    const std::string& step = known(id);
    if (const auto found = failures_.find(step); found != failures_.end()) {
      const std::string message = found->second.message;
      if (--found->second.times == 0) failures_.erase(found);
      throw std::runtime_error(message);
    }
    const auto mock = replaced_.find(step);
    return mock == replaced_.end() ? otherwise() : mock->second();
  }

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
  const std::string& known(const std::string& id) const {
    const auto found = given_.find(id);
    if (found == given_.end() || replaced_.contains(id) || failures_.contains(id)) return id;
    return found->second;
  }

  std::map<std::string, std::string> given_;    // by changed id
  std::map<std::string, std::string> changed_;  // by given id
  std::map<std::string, body> replaced_;
  std::map<std::string, failure> failures_;
};

/// Middleware that replaces step bodies by mocks.
class mocking final : public middleware {
 public:
  /// Shares the mocks with the harness.
  explicit mocking(std::shared_ptr<mocks> mocks) : mocks_(std::move(mocks)) {}

  void transform_step_input(const call_info&, const step_info& step, step_input& changed) override {
    if (changed.id != step.id) mocks_->rename(std::string(step.id), changed.id);
  }

  std::string wrap_step_handler(const call_info&, const step_info& step,
                                next_call<std::string> next) override {
    return mocks_->run(std::string(step.id), next);
  }

 private:
  std::shared_ptr<mocks> mocks_;
};

}  // namespace inngest::testing
