#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/pause.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// What is paused. The store keeps it as remembered values, so every kind of store keeps pauses.
class pauses {
 public:
  /// Adds changes to these.
  explicit pauses(changes& changes) : changes_(changes) {}

  /// Whether the value is a pause. Then it belongs here instead of to flow control.
  static bool is_pause(const remembered_value& value);
  /// Restores a pause. Also one whose details are damaged: what is paused stays paused.
  void load(const remembered_value& value);

  /// Returns false when the target is paused already.
  bool add(const pause_target& target, std::string by, timestamp now);
  /// Returns the pause that has ended; `nullopt` when there was none.
  std::optional<pause_record> remove(const pause_target& target);

  std::vector<pause_record> all() const;

  /// Since when the function is paused: by itself, with its app, or with the function whose ends it handles.
  /// `nullopt` when it is not.
  std::optional<timestamp> paused_since(const function_definition& function) const;
  bool is_schedule_paused(const std::string& slug, const std::string& cron) const;

  /// While the engine drains, no call begins. The store does not keep that.
  void set_draining(bool draining) { draining_ = draining; }
  bool is_draining() const { return draining_; }

  /// Whether no call of the function may begin.
  bool holds_back(const function_definition& function) const {
    return draining_ || (!by_key_.empty() && paused_since(function));
  }

 private:
  static std::string key_of(const pause_target& target);
  static std::optional<pause_target> target_of(std::string_view key);

  changes& changes_;
  std::map<std::string, pause_record> by_key_;
  bool draining_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/pauses.ipp>
#endif
