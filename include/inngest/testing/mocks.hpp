#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/json.hpp>
#include <inngest/middleware.hpp>

namespace inngest::testing {

/// What a test puts in the place of steps.
class mocks {
 public:
  using body = std::function<std::string()>;

  /// A callable as a body: its result as JSON, null when it has none.
  template <class Callable>
  static body body_of(Callable callable) {
    return [callable = std::move(callable)]() mutable -> std::string {
      if constexpr (std::is_void_v<std::invoke_result_t<Callable&>>) {
        callable();
        return "null";
      } else {
        return encode(callable(), "mock");
      }
    };
  }

  void replace(const std::string& step, body with) { replaced_[step] = std::move(with); }
  void fail(const std::string& step, int times, std::string message) {
    failures_[step] = {times, std::move(message)};
  }

  bool has(const std::string& step) const { return replaced_.contains(step) || failures_.contains(step); }

  /// What the step gives in this test: of the mock, or of `otherwise`.
  std::string run(const std::string& step, next_call<std::string> otherwise) {
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
  std::map<std::string, body> replaced_;
  std::map<std::string, failure> failures_;
};

/// Puts them in the place of step bodies.
class mocking final : public middleware {
 public:
  explicit mocking(std::shared_ptr<mocks> mocks) : mocks_(std::move(mocks)) {}

  std::string wrap_step_handler(const call_info&, const step_info& step,
                                next_call<std::string> next) override {
    return mocks_->run(std::string(step.id), next);
  }

 private:
  std::shared_ptr<mocks> mocks_;
};

}  // namespace inngest::testing
