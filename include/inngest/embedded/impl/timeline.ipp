#pragma once

#include <cstdio>

#include <inngest/config.hpp>
#include <inngest/embedded/timeline.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string format(std::chrono::microseconds duration) {
  char out[32];
  const auto count = static_cast<double>(duration.count());
  if (count < 1000)
    std::snprintf(out, sizeof out, "%.0f us", count);
  else if (count < 1e6)
    std::snprintf(out, sizeof out, "%.1f ms", count / 1e3);
  else if (count < 60e6)
    std::snprintf(out, sizeof out, "%.2f s", count / 1e6);
  else if (count < 3600e6)
    std::snprintf(out, sizeof out, "%.1f min", count / 60e6);
  else if (count < 24 * 3600e6)
    std::snprintf(out, sizeof out, "%.1f h", count / 3600e6);
  else
    std::snprintf(out, sizeof out, "%.1f d", count / (24 * 3600e6));
  return out;
}

INNGEST_INLINE std::string format(const timeline_entry& entry, bool with_date) {
  std::string time = to_text(entry.at).substr(11, 12);
  if (with_date) time = to_text(entry.at).substr(0, 10) + " " + time;
  const std::string step = entry.step.empty() ? "(run)" : entry.step;
  const std::string attempt = "attempt " + std::to_string(entry.attempt + 1);
  const std::string took = entry.duration.count() > 0 ? format(entry.duration) : std::string();
  const std::string what(to_string(entry.what));
  std::string out(step.size() + what.size() + entry.detail.size() + 96, '\0');
  const int size =
      std::snprintf(out.data(), out.size(), "%s  %-28s %-11s %-10s %9s  %s", time.c_str(), step.c_str(),
                    what.c_str(), attempt.c_str(), took.c_str(), entry.detail.c_str());
  out.resize(static_cast<std::size_t>(size));
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

INNGEST_INLINE std::string format_timeline(const run& run) {
  std::string out = run.function_id + "  run " + run.id + "  " + std::string(to_string(run.status));
  if (run.ended_at)
    out += " in " + format(std::chrono::duration_cast<std::chrono::microseconds>(
                        *run.ended_at - run.started_at.value_or(run.queued_at)));
  out += '\n';
  const auto day_of = [](const timeline_entry& entry) {
    return std::chrono::floor<std::chrono::days>(entry.at);
  };
  const bool takes_days =
      !run.timeline.empty() && day_of(run.timeline.front()) != day_of(run.timeline.back());
  for (const timeline_entry& entry : run.timeline) out += "  " + format(entry, takes_days) + "\n";
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
