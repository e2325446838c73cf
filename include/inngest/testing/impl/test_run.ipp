#pragma once

#include <algorithm>
#include <set>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/testing/test_run.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE test_step::test_step(std::string id, std::string memo,
                                    std::vector<embedded::timeline_entry> entries, json metadata,
                                    std::function<std::string(std::string)> read)
    : id_(std::move(id)),
      memo_(std::move(memo)),
      entries_(std::move(entries)),
      metadata_(std::move(metadata)),
      read_(std::move(read)) {}

/// A score among all scores of a run or step.
INNGEST_INLINE std::optional<double> score_in(const json& scores, const std::string& name) {
  if (!scores.is_object() || !scores.contains(name)) return std::nullopt;
  const json& value = scores[name]["value"];
  return value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
}

INNGEST_INLINE std::optional<double> test_step::score(const std::string& name) const {
  return score_in(metadata_.value("inngest.score", json()), name);
}

INNGEST_INLINE json test_step::metadata(const std::string& kind) const {
  return metadata_.value("userland." + kind, json());
}

INNGEST_INLINE int test_step::attempts() const {
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [](const auto& entry) {
    return ends_step(entry.what) || entry.what == embedded::progress::step_retried;
  }));
}

INNGEST_INLINE std::string test_step::error() const {
  for (std::size_t i = entries_.size(); i-- > 0;) {
    const embedded::progress what = entries_[i].what;
    if (what == embedded::progress::step_retried || what == embedded::progress::step_failed)
      return entries_[i].detail;
  }
  return "";
}

INNGEST_INLINE test_run::test_run(std::shared_ptr<const simulation> simulation, std::string id)
    : simulation_(std::move(simulation)), id_(std::move(id)) {}

INNGEST_INLINE http::response test_run::response() const {
  const embedded::run run = now();
  std::string text = run.output_text;
  if (run.error && !run.error->text.empty())
    text = detail::find_member(detail::json_buffer(run.error->text), "response");
  auto found = protocol::read_http_result(std::string_view(text));
  if (found && found->is_sealed)
    found = protocol::read_http_result(std::string_view(run.output_reader(found->response.body)));
  if (!found)
    throw payload_error("response", "run " + id_ + " has none: it is " + std::string(to_string(run.status)) +
                                        (run.error ? ": " + run.error->message : std::string()));
  return std::move(found->response);
}

INNGEST_INLINE std::string test_run::error() const {
  const auto error = now().error;
  return error ? embedded::words_of(*error) : std::string();
}

INNGEST_INLINE std::string test_run::waiting_on() const {
  const embedded::active_run* run = simulation_->active(id_);
  if (!run) return "";
  const std::pair<const step_hash, embedded::pending_step>* first = nullptr;
  const auto comes_before = [&](const auto& a, const auto& b) {
    return a.second.begun != b.second.begun ? a.second.begun < b.second.begun
                                            : reported_at(a.first) < reported_at(b.first);
  };
  for (const auto& step : run->pending) {
    if (!first || comes_before(step, *first)) first = &step;
  }
  if (first) return id_of(first->first, first->second.name);
  const auto timeline = now().timeline;
  if (timeline.empty() || timeline.back().what != embedded::progress::step_retried) return "";
  const embedded::timeline_entry& last = timeline.back();
  return last.step_id ? id_of(*last.step_id, last.step) : last.step;
}

INNGEST_INLINE std::size_t test_run::reported_at(const step_hash& step) const {
  const auto& all = operations();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const embedded::reported_operation& op) { return op.id == step; });
  return static_cast<std::size_t>(found - all.begin());
}

INNGEST_INLINE bool test_run::waits_on(const std::string& step) const {
  const embedded::active_run* run = simulation_->active(id_);
  if (!run) return false;
  const std::string& changed = simulation_->replaced().changed_id(id_, step);
  const auto is_meant = [&](const std::string& id) { return id == step || id == changed; };
  for (const auto& [hash, pending] : run->pending) {
    if (is_meant(id_of(hash, pending.name))) return true;
  }
  return is_meant(waiting_on());
}

INNGEST_INLINE std::vector<std::string> test_run::steps() const {
  std::set<step_hash> reached;
  for (const auto& entry : now().timeline) {
    if (entry.step_id) reached.insert(*entry.step_id);
  }
  std::vector<std::string> out;
  std::set<std::string> known;
  for (const auto& operation : operations()) {
    const std::string id = id_of(operation.id, "");
    if (!id.empty() && reached.contains(operation.id) && known.insert(id).second) out.push_back(id);
  }
  return out;
}

INNGEST_INLINE test_step test_run::step(const std::string& id, std::size_t index) const {
  const std::string& base = simulation_->replaced().changed_id(id_, id);
  const std::string whole = index == 0 ? base : base + ":" + std::to_string(index);
  const step_hash hash = detail::sha1::of(whole);
  std::string memo;
  for (const auto& stored : simulation_->store().memos_of(id_)) {
    if (stored.step == hash) memo = stored.text;
  }
  const auto read = [simulation = simulation_, run = now(), whole, hash, kind = kind_of(hash)](auto result) {
    const step_info step{.id = whole, .name = whole, .kind = kind, .hash = hash, .memoized = true};
    return simulation->read_result(run, step, result);
  };
  std::vector<embedded::timeline_entry> attempts = reported_attempts(hash);
  if (attempts.empty()) attempts = entries_of(hash);  // of the server
  return {whole, std::move(memo), std::move(attempts), metadata_of_step(base, index), read};
}

INNGEST_INLINE std::vector<realtime::message> test_run::published() const {
  std::vector<realtime::message> out;
  for (const realtime::message& message : simulation_->published()) {
    if (message.run_id == id_) out.push_back(message);
  }
  return out;
}

INNGEST_INLINE json test_run::metadata_of_kind(const std::string& kind) const {
  for (const json& found : embedded::combined_metadata(simulation_->store().notes_of(id_))) {
    if (found["kind"] == kind && found["target"].is_null()) return found["values"];
  }
  return {};
}

INNGEST_INLINE json test_run::metadata_of_step(const std::string& id, std::size_t index) const {
  json target{{"step_id", id}};
  if (index > 0) target["step_index"] = index;
  json out = json::object();
  for (const json& found : embedded::combined_metadata(simulation_->store().notes_of(id_))) {
    if (found["target"] == target) out[found["kind"].get<std::string>()] = found["values"];
  }
  return out;
}

INNGEST_INLINE json test_run::metadata(const std::string& kind) const {
  return metadata_of_kind("userland." + kind);
}

INNGEST_INLINE std::vector<embedded::run_tag> test_run::tags() const { return now().tags; }

INNGEST_INLINE std::optional<double> test_run::score(const std::string& name) const {
  return score_in(metadata_of_kind("inngest.score"), name);
}

INNGEST_INLINE embedded::run test_run::now() const {
  auto found = simulation_->find_run(id_);
  if (!found) throw configuration_error("the event started no run");
  return std::move(*found);
}

INNGEST_INLINE step_kind test_run::kind_of(const step_hash& step) const {
  for (const auto& operation : operations()) {
    const auto code = protocol::opcode_of(operation.op);
    const protocol::step_kind_row* row = code ? protocol::row_begun_by(*code) : nullptr;
    if (operation.id == step && row && row->work != protocol::step_work::none) return row->kind;
  }
  return step_kind::run;
}

INNGEST_INLINE std::string test_run::id_of(const step_hash& step, const std::string& name) const {
  std::string out = simulation_->id_of(step);
  return out.empty() ? name : out;
}

INNGEST_INLINE std::vector<embedded::timeline_entry> test_run::reported_attempts(
    const step_hash& step) const {
  using embedded::operation_kind, embedded::progress;
  std::vector<embedded::timeline_entry> out;
  for (const auto& operation : operations()) {
    if (operation.id != step) continue;
    const int attempt = static_cast<int>(out.size());
    if (operation.kind == operation_kind::step_completed) {
      out.push_back({.what = progress::step_completed, .attempt = attempt});
    } else if (operation.kind == operation_kind::step_error ||
               operation.kind == operation_kind::step_failed) {
      const auto error = embedded::read_error(operation.error);
      out.push_back({.what = operation.kind == operation_kind::step_error ? progress::step_retried
                                                                          : progress::step_failed,
                     .attempt = attempt,
                     .detail = embedded::words_of(error)});
    }
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::timeline_entry> test_run::entries_of(const step_hash& step) const {
  std::vector<embedded::timeline_entry> out = now().timeline;
  std::erase_if(out, [&](const embedded::timeline_entry& entry) { return entry.step_id != step; });
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::testing
