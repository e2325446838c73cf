#pragma once

#include <chrono>

#include <inngest/config.hpp>
#include <inngest/context.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE void context_logger::log(log_level level, std::string_view message) const {
  if (replay_->has_logged_before()) return;
  const log_fields about{.app = app_,
                         .function = replay_->info().function_id,
                         .run = replay_->request().run_id(),
                         .step = replay_->running_step(),
                         .attempt = replay_->request().attempt()};
  target_.log(level, message, about);
  if (const auto& keep = replay_->services().keep_log)
    keep({.time = std::chrono::system_clock::now(), .level = level, .message = message, .fields = about});
}

INNGEST_INLINE basic_context::basic_context(execution::replay& replay, const handler_resources& resources,
                                            std::span<const detail::event_shape> events)
    : run_id(replay.request().run_id()),
      function_id(replay.info().function_id),
      attempt(replay.request().attempt()),
      max_attempts(replay.request().max_attempts()),
      step(replay, events),
      group(replay),
      log(resources, replay),
      replay_(&replay),
      resources_(&resources) {}

INNGEST_INLINE deferred_handle basic_context::defer_text(const step_options& options, const std::string& slug,
                                                         std::string data, const defer_options& more) {
  execution::check_step_options(options);
  const execution::step_call call = replay_->enter_deferred(options, data);
  if (more.experiment) {
    detail::json_object_text chosen;
    chosen.add("experimentName", more.experiment->experiment).add("variant", more.experiment->variant);
    const std::string member = "{\"_inngestExperiment\":" + chosen.text() + "}";
    if (data.starts_with('{')) data = protocol::merged_options(data, member);
  }
  detail::json_object_text text;
  text.add_exact("fn_slug", slug).add_raw("input", data);
  const std::string meta = protocol::meta_text(more.meta, replay_->propagated_sessions());
  if (!meta.empty()) text.add_raw("meta", meta);
  const protocol::operation added{.code = protocol::row_of(step_kind::defer).begins_with,
                                  .id = call.hash,
                                  .name = call.name(),
                                  .display_name = call.name(),
                                  .user_id = call.id,
                                  .options = text.text()};
  replay_->record_deferred(added);
  return {*replay_, added, slug};
}

INNGEST_INLINE void basic_context::score(const std::string& name, const score_value& value) {
  detail::require_name(name, "a score's name");
  add_metadata("inngest.score", metadata_change::merge, protocol::score_values(name, value));
}

INNGEST_INLINE void basic_context::set_metadata(const std::string& kind, const json& values,
                                                metadata_change change) {
  detail::require_name(kind, "the kind of metadata");
  add_metadata("userland." + kind, change, encode(values, "values"));
}

INNGEST_INLINE void basic_context::tag(std::string_view name, std::string_view value) {
  std::string problem = detail::problem_of_tag_name(name);
  if (problem.empty() && value.size() > detail::max_tag_value_size)
    problem = "the value of the tag \"" + std::string(name) + "\" has more than " +
              std::to_string(detail::max_tag_value_size) + " bytes";
  if (!problem.empty()) throw configuration_error("tag: " + problem);
  detail::require_utf8(name, "a tag's name");
  detail::require_utf8(value, "a tag's value");
  if (replay_->is_replaying() || replay_->is_rehearsal()) return;
  const std::string values = detail::json_object_text().add(name, value).text();
  const auto request =
      protocol::metadata_request(run_id, {}, protocol::metadata_object({}, "userland.tags", "merge", values));
  protocol::expect_success(replay_->services().call_api(request), "tagging the run");
}

INNGEST_INLINE void basic_context::add_metadata(const std::string& kind, metadata_change change,
                                                const std::string& values) {
  if (replay_->add_metadata(protocol::metadata_object("step", kind, to_string(change), values))) return;
  if (replay_->is_replaying() || replay_->is_rehearsal()) return;
  const auto request =
      protocol::metadata_request(run_id, {}, protocol::metadata_object({}, kind, to_string(change), values));
  protocol::expect_success(replay_->services().call_api(request), "setting metadata");
}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::vector<json_slice> texts_of_events(json_slice events) {
  std::vector<json_slice> out;
  if (events.empty()) return out;
  json_document document(events);
  json_value root = document.root(json_path("events"));
  for (auto item : elements_of(root, {})) {
    json_value event = take(item, {});
    out.push_back(raw_text(event, {}));
  }
  return out;
}

INNGEST_INLINE deferred_parent read_deferred_parent(std::string_view event) {
  const json_buffer buffer{std::string(event)};
  const json_buffer data{std::string(find_member(buffer, "data"))};
  if (data.text().empty()) throw payload_error("data", "the event has no data");
  const std::string about(find_member(data, "_inngest"));
  deferred_parent out{.function_slug = find_text(about, "parent_fn_slug"),
                      .run_id = find_text(about, "parent_run_id")};
  if (out.run_id.empty())
    throw payload_error("data._inngest", "the server did not name the run that deferred this call");
  const std::string chosen(find_member(data, "_inngestExperiment"));
  experiment_ref variant{find_text(chosen, "experimentName"), find_text(chosen, "variant")};
  if (!variant.experiment.empty() && !variant.variant.empty()) out.experiment = std::move(variant);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
