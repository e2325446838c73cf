#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/copyable.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/event.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/middleware.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::testing {

/// What a test's value is, where the result of a step is an event or a signal.
enum class given_form {
  data,     ///< the data alone: any typed value, whatever its members are called
  whole,    ///< an event
  unknown,  ///< JSON: a whole event or signal if it has the members of one
  timeout,  ///< none: an empty optional, or nothing
};

/// A step's result as a test gives it.
struct given_result {
  std::string text{};  // JSON
  given_form form = given_form::unknown;
};

/// Whether T is an optional; an empty one stands for a timeout.
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
/// Whether T is an optional event.
template <class T>
inline constexpr bool is_optional_event = false;
template <event_type Event>
inline constexpr bool is_optional_event<std::optional<Event>> = true;

/// The types of a test's results: JSON, or for a wait an event.
template <class T>
concept result_of_step =
    json_writable<T> || event_type<T> || is_optional_event<T> || std::same_as<T, any_event>;

/// The mocks and failures that a test has set. Used by harness.
class mocks {
 public:
  /// Returns a step's result, or throws.
  using body = std::function<given_result()>;

  /// Converts a callable to a body; the result is null if it returns nothing.
  template <class Callable>
  static body body_of(Callable callable) {
    return inngest::detail::copyable([callable = std::move(callable)]() mutable -> given_result {
      if constexpr (std::is_void_v<std::invoke_result_t<Callable&>>) {
        callable();
        return {.text = "null", .form = given_form::timeout};
      } else {
        return given(callable(), "mock");
      }
    });
  }

  /// A value as a step's result; null for an empty optional. \throws payload_error naming `path`.
  template <class T>
  static given_result given(const T& value, const char* path) {
    if constexpr (is_optional<T>)
      return value ? given(*value, path) : given_result{.text = "null", .form = given_form::timeout};
    else if constexpr (event_type<T> || std::same_as<T, any_event>)
      return {.text = any_event(value).text(), .form = given_form::whole};
    else
      return {.text = encode(value, path),
              .form = std::same_as<T, json> ? given_form::unknown : given_form::data};
  }

  /// Replaces the step with the id. A mock may do this while it runs.
  void replace(const std::string& step, body with);
  /// Makes the step's next attempts fail; none if `times` is not positive.
  void fail(const std::string& step, int times, std::string message);

  /// Whether a mock or a failure was set since the last call.
  bool take_changed() { return std::exchange(changed_mocks_, false); }

  /// Records the id of a step that a run has reached, and the id that middleware has made of it. Tests may
  /// use either id.
  void reached(std::string_view run_id, const std::string& step, const std::string& changed);
  /// The id by which the server identifies the run's step.
  const std::string& changed_id(const std::string& run_id, const std::string& step) const;

  /// The stored result of a step.
  struct preloaded {
    step_hash step{};
    given_result result{};
  };
  /// Stores a step's result in every run that is called for the first time from now on. It replaces an
  /// earlier result of the step.
  void preload(const step_hash& step, given_result result);
  /// The stored results, in the order in which the test gave them.
  const std::vector<preloaded>& preloads() const { return preloads_; }
  /// Whether a result of the step is stored.
  bool is_preloaded(const step_hash& step) const;
  /// Notes that a run has got the stored result of a step.
  void note_preloaded(const std::string& run_id, const step_hash& step, given_form form) {
    forms_[{run_id, step}] = form;
  }
  /// The form of the stored result that the run got; nullopt when the step's result is another one.
  std::optional<given_form> form_of(std::string_view run_id, const step_hash& step) const;

  /// The steps that a call has reached.
  struct reached_by_call {
    std::map<std::string, std::size_t> uses{};       // of the ids that this pass has reached
    std::map<std::string, std::size_t> most_uses{};  // of all passes of the call
    std::set<step_hash> used{};
  };
  /// Forgets which steps were reached: a call begins. Returns what was reached by the call within which it
  /// begins, because a step's body or a mock may send an event of the test.
  reached_by_call begin_call() { return std::exchange(reached_, {}); }
  /// The call within which another call began goes on.
  void continue_call(reached_by_call outer) { reached_ = std::move(outer); }
  /// The handler begins, also for a second time in strict mode, which reaches the same steps again.
  void begin_pass();
  /// Records a step whose result the handler has used, or whose body has run.
  void use(const step_hash& step) { reached_.used.insert(step); }
  /// The steps that the handler has reached. Of those that it has only started, the hashes are computed.
  std::set<step_hash> reached_steps() const;

  /// A result in the form in which a server returns it: an event or a signal with its name.
  /// \throws payload_error naming the step when the result of a wait for an event is neither an event nor its
  /// data.
  static json received(std::string_view step, protocol::step_gives gives, const std::string& name,
                       const given_result& result);

  /// Whether the step has a mock or a failure.
  bool has(const std::string& id) const;

  /// The step's result: from the mock, or from `otherwise`. Throws for a failure.
  given_result run(const std::string& id, next_call<std::string> otherwise);

 private:
  struct failure {
    int times = 0;
    std::string message{};
  };

  /// The id that the test uses for the step.
  const std::string& known(const std::string& id) const;

  std::map<std::string, std::string> given_;                            // by changed id
  std::map<std::pair<std::string, std::string>, std::string> changed_;  // by run and given id
  std::vector<preloaded> preloads_;
  std::map<std::pair<std::string, step_hash>, given_form> forms_;  // by run and step
  reached_by_call reached_;
  std::map<std::string, std::shared_ptr<body>> replaced_;
  std::map<std::string, failure> failures_;
  bool changed_mocks_ = false;
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
