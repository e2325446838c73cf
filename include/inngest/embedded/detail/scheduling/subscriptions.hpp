#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// All functions, indexed by the events that start or cancel their runs.
class subscriptions {
 public:
  using shared_function = std::shared_ptr<const function_definition>;

  /// Adds a function, or replaces the one with the same slug.
  shared_function add(function_definition definition);

  void remove(const std::string& slug);

  /// The function; null when it does not exist.
  shared_function find(std::string_view slug) const;

  const std::map<std::string, shared_function, std::less<>>& all() const { return by_slug_; }

  /// The functions that an event starts, without duplicates.
  std::vector<shared_function> started_by(const std::string& name, event_view& event) const;

  /// Whether an event with the name could start or cancel a run.
  bool has_listeners(const std::string& name) const;

  /// The functions whose runs an event with the name may cancel.
  const std::vector<shared_function>& cancelled_by(const std::string& name) const;

 private:
  struct subscriber {
    shared_function function;
    const registered_trigger* trigger = nullptr;
  };

  std::map<std::string, shared_function, std::less<>> by_slug_;
  std::unordered_map<std::string, std::vector<subscriber>> by_event_;
  std::vector<std::pair<std::string, subscriber>> patterns_;  // by prefix
  std::unordered_map<std::string, std::vector<shared_function>> cancels_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/subscriptions.ipp>
#endif
