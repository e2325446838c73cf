#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/store.hpp>

#include <span>

namespace support {

/// A store over a memory_store, whose functions a test can change one by one.
class forwarding_store : public inngest::embedded::store {
 public:
  inngest::embedded::memory_store memory;

  void commit(std::span<const inngest::embedded::changes> all) override { memory.commit(all); }
  inngest::embedded::unfinished_work load() override { return memory.load(); }
  void forget_before(inngest::timestamp time) override { memory.forget_before(time); }
  std::optional<inngest::embedded::event_record> find_event(std::string_view id) const override {
    return memory.find_event(id);
  }
  std::vector<inngest::embedded::event_record> find_events(
      const inngest::embedded::event_query& query) const override {
    return memory.find_events(query);
  }
  std::optional<inngest::embedded::run_record> find_run(std::string_view id) const override {
    return memory.find_run(id);
  }
  std::vector<inngest::embedded::run> find_runs(const inngest::embedded::run_query& query) const override {
    return memory.find_runs(query);
  }
  std::vector<inngest::embedded::run> runs_of(std::string_view id) const override {
    return memory.runs_of(id);
  }
  std::vector<inngest::embedded::run> runs() const override { return memory.runs(); }
  std::vector<inngest::embedded::run> reruns_of(std::string_view id) const override {
    return memory.reruns_of(id);
  }
  std::vector<inngest::embedded::bulk_operation> bulk_operations() const override {
    return memory.bulk_operations();
  }
  std::vector<inngest::embedded::memo_record> memos_of(std::string_view id) const override {
    return memory.memos_of(id);
  }
  std::vector<inngest::embedded::run_note> notes_of(std::string_view id) const override {
    return memory.notes_of(id);
  }
  inngest::embedded::run_counts count_runs() const override { return memory.count_runs(); }
};

}  // namespace support
