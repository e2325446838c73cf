#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/registered_names.hpp>
#include <inngest/json.hpp>
#include <inngest/options/detail/option_limits.hpp>

// Rules by which an Inngest server rejects a registration. Apps should find out about problems here, and not
// when they move to a server. Registrations in a store were accepted earlier, perhaps by an older version,
// and are not checked again.

namespace inngest::inline INNGEST_ABI::embedded {

/// \throws configuration_error that names every function and option that a server would reject.
void check_registration(const json& registration);

/// Checks one function of a registration.
class function_rules {
 public:
  explicit function_rules(const json& function);

  /// All problems, without the function's name.
  std::vector<std::string> problems();

  /// The function's id, or its name, for messages.
  std::string shown_name() const;

 private:
  void check_types();
  void check_steps();
  void check_triggers();
  void check_trigger(const json& trigger);
  void check_cron(const json& trigger);
  void check_concurrency();
  void check_limit_of_calls(const json& limit);
  void check_limit_of_runs(const json& limit);
  void check_rates();
  void check_debounce();
  void check_batch();
  void check_batch_companions();
  void check_singleton();
  void check_cancels();

  // ---- members --------------------------------------------------------------------------------------------

  const json& member(std::string_view name) const { return registered_member(function_, name); }
  /// Whether the function has the option.
  bool is_chosen(std::string_view name) const { return member(name).is_object(); }
  /// The text; empty when there is none.
  static std::string text_of(const json& object, std::string_view name);
  /// Whether the object has a member of the name, even if it is null.
  static bool has(const json& object, std::string_view name);
  /// The integer of an option; `otherwise` when it has none. A number below `least` is a problem.
  long long number_of(const json& object, std::string_view name, const std::string& what, long long least,
                      long long otherwise);
  /// The duration of an option, which is required.
  std::optional<std::chrono::milliseconds> duration_of(const json& object, std::string_view name,
                                                       const std::string& what);

  /// An expression may be absent, but not empty.
  void check_expression(const json& object, std::string_view name, const std::string& what);

  void add(std::string problem) { problems_.push_back(std::move(problem)); }
  /// Adds a problem if the count exceeds the limit.
  void check_count(std::size_t count, const detail::option_range& limit, std::string_view what);

  const json& function_;
  std::vector<std::string> problems_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/registration_rules.ipp>
#endif
