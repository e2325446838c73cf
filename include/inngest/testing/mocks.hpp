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

#include <inngest/config.hpp>
#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/middleware.hpp>

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

  /// Records that middleware has changed a step's id. Tests may use either id.
  void rename(const std::string& step, const std::string& changed);
  /// The id by which the server identifies the step.
  const std::string& changed_id(const std::string& step) const;

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

  void transform_step_input(const call_info&, const step_info& step, step_input& changed) override;

  std::string wrap_step_handler(const call_info&, const step_info& step,
                                next_call<std::string> next) override;

 private:
  std::shared_ptr<mocks> mocks_;
};

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/testing/impl/mocks.ipp>
#endif
