#pragma once

#include <cstdio>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/metrics.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/version.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Writes metrics in Prometheus's text format.
class prometheus_writer {
 public:
  using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric; its samples follow.
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "inngest_engine_" + std::string(name);
    text_ +=
        "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + std::string(type) + "\n";
  }

  void sample(double value, labels of = {}, std::string_view end = {}) {
    text_ += name_;
    text_ += end;
    const char* between = "{";
    for (const auto& [label, text] : of) {
      text_ += between;
      text_ += std::string(label) + "=\"" + escaped(text) + "\"";
      between = ",";
    }
    if (of.size() > 0) text_ += '}';
    text_ += " " + number(value) + "\n";
  }

  /// The buckets of a histogram, which are cumulative.
  void samples(const embedded::duration_histogram& histogram, std::string_view app,
               std::string_view function) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      sum += histogram.counts[i];
      const std::string bound = i < histogram.bounds.size() ? number(histogram.bounds[i]) : "+Inf";
      bucket(static_cast<double>(sum), app, function, bound);
    }
    if (function.empty()) {
      sample(histogram.sum, {}, "_sum");
      return sample(static_cast<double>(sum), {}, "_count");
    }
    sample(histogram.sum, {{"app", app}, {"function", function}}, "_sum");
    sample(static_cast<double>(sum), {{"app", app}, {"function", function}}, "_count");
  }

  std::string take() { return std::move(text_); }

 private:
  void bucket(double value, std::string_view app, std::string_view function, const std::string& bound) {
    if (function.empty()) return sample(value, {{"le", bound}}, "_bucket");
    sample(value, {{"app", app}, {"function", function}, {"le", bound}}, "_bucket");
  }

  static std::string number(double value) {
    char out[32];
    // exact for counts below 2^53; short for bounds
    const bool is_whole =
        value >= 0 && value < 9e15 && value == static_cast<double>(static_cast<std::uint64_t>(value));
    const int size = is_whole ? std::snprintf(out, sizeof out, "%.0f", value)
                              : std::snprintf(out, sizeof out, "%.9g", value);
    std::string text(out, static_cast<std::size_t>(size));
    for (char& c : text) c = c == ',' ? '.' : c;  // some locales write a comma
    return text;
  }

  static std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : to_printable(text)) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    return out;
  }

  std::string name_;
  std::string text_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void duration_histogram::add(std::chrono::microseconds duration) {
  const double seconds = static_cast<double>(duration.count()) / 1e6;
  std::size_t bucket = 0;
  while (bucket < bounds.size() && seconds > bounds[bucket]) ++bucket;
  ++counts[bucket];
  sum += seconds;
}

INNGEST_INLINE std::uint64_t duration_histogram::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

INNGEST_INLINE double duration_histogram::quantile(double share) const {
  const double wanted = share * static_cast<double>(count());
  if (wanted <= 0) return 0;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    seen += counts[i];
    if (static_cast<double>(seen) >= wanted) return bounds[i];
  }
  return std::numeric_limits<double>::infinity();
}

/// The metrics of functions, one metric at a time, because all samples of a metric must be consecutive.
INNGEST_INLINE void add_functions(detail::prometheus_writer& out, const engine_metrics& metrics) {
  const auto gauge_or_counter = [&](const char* name, const char* type, const char* help, const char* label,
                                    auto values) {
    out.begin(name, type, help);
    for (const function_metrics& row : metrics.functions) {
      for (const auto& [value, member] : values)
        out.sample(static_cast<double>(row.*member),
                   {{"app", row.app}, {"function", row.function}, {label, value}});
    }
  };
  using count = std::pair<const char*, std::uint64_t function_metrics::*>;
  using now = std::pair<const char*, std::size_t function_metrics::*>;
  gauge_or_counter("runs", "gauge", "Runs that have not ended, by status.", "status",
                   std::array<now, 5>{{{"queued", &function_metrics::queued},
                                       {"running", &function_metrics::running},
                                       {"waiting", &function_metrics::waiting},
                                       {"sleeping", &function_metrics::sleeping},
                                       {"paused", &function_metrics::paused}}});
  out.begin("runs_created_total", "counter", "Runs that were created.");
  for (const function_metrics& row : metrics.functions)
    out.sample(static_cast<double>(row.runs_created), {{"app", row.app}, {"function", row.function}});
  gauge_or_counter("runs_ended_total", "counter", "Runs that ended, by how they ended.", "outcome",
                   std::array<count, 4>{{{"completed", &function_metrics::runs_completed},
                                         {"failed", &function_metrics::runs_failed},
                                         {"cancelled", &function_metrics::runs_cancelled},
                                         {"skipped", &function_metrics::runs_skipped}}});
  gauge_or_counter("steps_total", "counter", "Steps that ended, by how they ended.", "outcome",
                   std::array<count, 2>{{{"completed", &function_metrics::steps_completed},
                                         {"failed", &function_metrics::steps_failed}}});
  gauge_or_counter("attempts_total", "counter", "Attempts of steps and of functions, by how they ended.",
                   "outcome",
                   std::array<count, 3>{{{"completed", &function_metrics::attempts_completed},
                                         {"retried", &function_metrics::attempts_retried},
                                         {"failed", &function_metrics::attempts_failed}}});
  const auto histogram = [&](const char* name, const char* help,
                             duration_histogram function_metrics::*member) {
    out.begin(name, "histogram", help);
    for (const function_metrics& row : metrics.functions) out.samples(row.*member, row.app, row.function);
  };
  histogram("run_queue_duration_seconds", "From the creation of a run to its first call.",
            &function_metrics::queue_durations);
  histogram("run_duration_seconds", "From the first call of a run to its end, of completed and failed runs.",
            &function_metrics::run_durations);
  histogram("step_duration_seconds", "How long the bodies of completed steps took.",
            &function_metrics::step_durations);
}

INNGEST_INLINE std::string prometheus_text(const engine_metrics& metrics) {
  detail::prometheus_writer out;
  const auto add = [&](const char* name, const char* type, const char* help, auto value) {
    out.begin(name, type, help);
    out.sample(static_cast<double>(value));
  };
  out.begin("info", "gauge", "The library's version; always 1.");
  out.sample(1, {{"version", INNGEST_VERSION}});
  add("workers", "gauge", "Threads that make calls.", metrics.workers);
  add("calls", "gauge", "Function calls and step requests in progress.", metrics.calls);
  add("jobs", "gauge", "Scheduled calls and timers.", metrics.jobs);
  add("oldest_due_job_seconds", "gauge", "How long the oldest due call has been waiting to begin.",
      static_cast<double>(metrics.oldest_due_job.count()) / 1000);
  out.begin("awaiting_worker", "gauge", "Runs whose due call waits for a worker of their app.");
  for (const auto& [app, runs] : metrics.awaiting_worker)
    out.sample(static_cast<double>(runs), {{"app", app}});
  add("concurrency_slots_in_use", "gauge", "Running calls that hold a slot of a concurrency limit.",
      metrics.slots_in_use);
  add("concurrency_slots_awaited", "gauge", "Due calls that wait for a slot of a concurrency limit.",
      metrics.slots_awaited);
  add("events_accepted_total", "counter", "Events that were accepted.", metrics.events_accepted);
  out.begin("commits_total", "counter", "Commits of the store, by how they ended.");
  out.sample(static_cast<double>(metrics.commits), {{"outcome", "completed"}});
  out.sample(static_cast<double>(metrics.commits_failed), {{"outcome", "failed"}});
  out.begin("commit_duration_seconds", "histogram", "How long commits of the store took.");
  out.samples(metrics.commit_durations, {}, {});
  add("store_bytes", "gauge", "The size of the store's files.", metrics.store_bytes);
  add("unreadable_records", "gauge", "Records of the store that could not be read at the start.",
      metrics.unreadable_records);
  add_functions(out, metrics);
  return out.take();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
