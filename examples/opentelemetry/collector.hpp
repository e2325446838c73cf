#pragma once

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/middleware/otlp.hpp>
#include <inngest/middleware/tracing.hpp>

// [exporter]
/// Exports spans to an OpenTelemetry collector in batches, on a thread of its own, so that runs never wait
/// for the collector.
class collector {
 public:
  collector(const std::string& url, std::string service)
      : client_(url), service_(std::move(service)), thread_([this] { run(); }) {}
  ~collector() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void add(const inngest::span& span) {
    if (!span.sampled) return;
    const std::lock_guard lock(mutex_);
    if (spans_.size() < 10'000) spans_.push_back(span);  // drops spans while the collector is gone
  }

 private:
  void run() {
    for (bool last = false; !last;) {
      std::vector<inngest::span> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stops_; });
        batch = std::exchange(spans_, {});
        last = stops_;
      }
      if (!batch.empty()) client_.Post("/v1/traces", inngest::otlp_json(batch, service_), "application/json");
    }
  }

  httplib::Client client_;
  const std::string service_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_{};
  std::vector<inngest::span> spans_{};
  bool stops_ = false;
  std::thread thread_;
};
// [exporter]
