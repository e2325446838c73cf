#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>

// What an engine reports: progress, stops and log lines.

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool engine_body::is_notified(std::uint64_t change) const {
  return core_.is_notified(change) && (!notifying_ || *notifying_ > change);
}

INNGEST_INLINE void engine_body::deliver() {
  std::unique_lock lock(mutex_);
  const auto stops = core_.take_stops();
  const auto lines = core_.take_log_lines();
  if (!stops.empty() || !lines.empty()) {
    ++logging_;
    lock.unlock();
    for (const auto& [stop, is_shutdown] : stops) is_shutdown ? stop.request_shutdown() : stop.request();
    for (const engine_core::log_line& line : lines) log(line);
    lock.lock();
    --logging_;
  }
  if (!notifying_) {  // otherwise the notifying thread also delivers these
    while (const auto next = core_.take_progress()) {
      notifying_ = next->change;
      lock.unlock();
      notify(next->run, next->entry);
      lock.lock();
    }
    notifying_.reset();
  }
  settled_.notify_all();
}

INNGEST_INLINE void engine_body::log(const engine_core::log_line& line) {
  const log_fields about{.app = line.app,
                         .function = line.function,
                         .run = line.run_id,
                         .step = line.step,
                         .attempt = line.attempt};
  app_.log().log(line.level, line.text, about);
  if (!line.run_id.empty())
    keep_log({.time = std::chrono::system_clock::now(),
              .level = line.level,
              .message = line.text,
              .fields = about});
}

INNGEST_INLINE void engine_body::keep_log(const log_record& record) noexcept {
  if (record.level < log_level::info || record.level == log_level::off || options_.run_log_lines == 0) return;
  try {
    const timestamp now = clock_.now();
    run_log_record kept{.run_id = std::string(record.fields.run),
                        .line = {.at = now,
                                 .level = record.level,
                                 .step = std::string(record.fields.step),
                                 .attempt = record.fields.attempt.value_or(0),
                                 .text = shortened(record.message, 2000)},
                        .most = options_.run_log_lines};
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    const std::lock_guard lock(mutex_);
    // increases, also from one process to the next
    last_log_position_ =
        (std::max)(last_log_position_ + 1, static_cast<std::uint64_t>((std::max<std::int64_t>)(micros, 0)));
    kept.position = last_log_position_;
    const bool is_first = !core_.has_kept_log_lines();
    core_.keep_log_line(std::move(kept));
    if (is_first) commits_.wake();
  } catch (...) {  // most likely out of memory: continue without the line
  }
}

INNGEST_INLINE void engine_body::notify(const run& run, const timeline_entry& entry) const {
  try {
    options_.on_progress(run, entry);
  } catch (...) {
    app_.log().error("engine_options::on_progress threw: " + words_of_exception());
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
