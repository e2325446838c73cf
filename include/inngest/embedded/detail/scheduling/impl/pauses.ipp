#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/pauses.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

// The key is "pause:<kind>:<name>", and for a schedule a line break and its text behind that.
inline constexpr std::string_view pause_prefix = "pause:";

INNGEST_INLINE bool pauses::is_pause(const remembered_value& value) {
  return value.key.starts_with(pause_prefix) && target_of(value.key);
}

INNGEST_INLINE void pauses::load(const remembered_value& value) {
  pause_record out{.target = *target_of(value.key)};
  const json details = json::parse(value.text, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = details.is_object() ? details.find(name) : details.end();
    return details.is_object() && found != details.end() && found->is_string() ? found->get<std::string>()
                                                                               : std::string();
  };
  out.since = parse_timestamp(text("since")).value_or(timestamp());
  out.by = text("by");
  by_key_.insert_or_assign(value.key, std::move(out));
}

INNGEST_INLINE bool pauses::add(const pause_target& target, std::string by, timestamp now) {
  const std::string key = key_of(target);
  if (by_key_.contains(key)) return false;
  constexpr std::chrono::sys_days never =
      std::chrono::year(2250) / 1 / 1;  // the latest is near: see work_check
  const json details{{"since", to_text(now)}, {"by", by}};
  changes_.values.push_back(
      {.key = key, .text = details.dump(-1, ' ', false, json::error_handler_t::replace), .expires = never});
  by_key_.emplace(key, pause_record{.target = target, .since = now, .by = std::move(by)});
  return true;
}

INNGEST_INLINE std::optional<pause_record> pauses::remove(const pause_target& target) {
  const auto found = by_key_.find(key_of(target));
  if (found == by_key_.end()) return std::nullopt;
  // removals are applied before additions
  std::erase_if(changes_.values, [&](const remembered_value& value) { return value.key == found->first; });
  changes_.removed_values.push_back(found->first);
  return std::move(by_key_.extract(found).mapped());
}

INNGEST_INLINE std::vector<pause_record> pauses::all() const {
  std::vector<pause_record> out;
  for (const auto& [key, pause] : by_key_) out.push_back(pause);
  return out;
}

INNGEST_INLINE std::optional<timestamp> pauses::paused_since(const function_definition& function) const {
  std::optional<timestamp> out;
  for (const pause_target& target :
       {pause_target::function(function.slug), pause_target::function(function.handles_ends_of),
        pause_target::app(function.app_id)}) {
    const auto found = target.name.empty() ? by_key_.end() : by_key_.find(key_of(target));
    if (found != by_key_.end()) out = (std::min)(out.value_or(found->second.since), found->second.since);
  }
  return out;
}

INNGEST_INLINE bool pauses::is_schedule_paused(const std::string& slug, const std::string& cron) const {
  return !by_key_.empty() && by_key_.contains(key_of(pause_target::schedule(slug, cron)));
}

INNGEST_INLINE std::string pauses::key_of(const pause_target& target) {
  std::string out = std::string(pause_prefix) + std::string(to_string(target.what)) + ":" + target.name;
  return target.what == pause_target::kind::schedule ? out + "\n" + target.cron : out;
}

INNGEST_INLINE std::optional<pause_target> pauses::target_of(std::string_view key) {
  using kind = pause_target::kind;
  key.remove_prefix((std::min)(key.size(), pause_prefix.size()));
  for (const kind what : {kind::function, kind::app, kind::schedule}) {
    const std::string start = std::string(to_string(what)) + ":";
    if (!key.starts_with(start)) continue;
    const std::string_view rest = key.substr(start.size());
    if (what != kind::schedule) return pause_target{.what = what, .name = std::string(rest)};
    const std::size_t line = rest.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    return pause_target::schedule(std::string(rest.substr(0, line)), std::string(rest.substr(line + 1)));
  }
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
