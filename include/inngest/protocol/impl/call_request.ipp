#pragma once

#include <algorithm>
#include <bit>
#include <numeric>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/call_request.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE call_request::call_request(std::string body, std::optional<step_hash> target)
    : body_(std::move(body)), target_(target) {
  reading([&] { read_body(); });
  if (event_.empty() && !use_api_) throw protocol_error("the call request has no event");
}

INNGEST_INLINE call_request::~call_request() { detail::give_back(std::move(body_).release()); }

INNGEST_INLINE bool call_request::is_deferred(const step_hash& id) const {
  return std::find(defers_.begin(), defers_.end(), id) != defers_.end();
}

INNGEST_INLINE bool call_request::is_abortable(const step_hash& id) const {
  return std::find(abortable_defers_.begin(), abortable_defers_.end(), id) != abortable_defers_.end();
}

INNGEST_INLINE void call_request::adopt_events(std::string events) {
  fetched_events_ = detail::json_buffer(std::move(events));
  reading([&] {
    detail::json_document document(fetched_events_.text());
    detail::json_value root = document.root();
    detail::expect(root, detail::json_type::array, detail::json_path("events"), "array");
    for (auto item : detail::elements_of(root, {})) {
      detail::json_value first = detail::take(item, {});
      detail::expect(first, detail::json_type::object, detail::json_path("events"), "object");
      event_ = detail::raw_text(first, {});
      break;
    }
  });
  events_ = fetched_events_.text();
}

INNGEST_INLINE void call_request::adopt_steps(std::string steps) {
  fetched_steps_ = detail::json_buffer(std::move(steps));
  memos_.clear();
  group_starts_.clear();
  state_size_ = 0;
  reading([&] {
    detail::json_document document(fetched_steps_.text());
    detail::json_value root = document.root();
    read_steps(root, nullptr);
  });
}

INNGEST_INLINE void call_request::replace_events(std::string event, std::string events) {
  changed_event_ = detail::json_buffer(std::move(event));
  fetched_events_ = detail::json_buffer(std::move(events));
  event_ = changed_event_.text();
  events_ = fetched_events_.text();
}

INNGEST_INLINE const memo* call_request::find(const step_hash& id) const {
  if (group_starts_.empty()) return nullptr;
  const std::size_t group = group_of(id);
  const memo* first = memos_.data() + group_starts_[group];
  const memo* last = memos_.data() + group_starts_[group + 1];
  if (first != last && detail::is_same(first->id, id)) return first;  // most groups have one memo
  const auto before = [](const memo& stored, const step_hash& wanted) {
    return comes_before(stored.id, wanted);
  };
  const memo* found = std::lower_bound(first, last, id, before);
  return found != last && detail::is_same(found->id, id) ? found : nullptr;
}

INNGEST_INLINE std::size_t call_request::group_of(const step_hash& id) const {
  return static_cast<std::size_t>(first_bytes(id) >> (64 - group_bits_));
}

INNGEST_INLINE void call_request::group_memos() {
  if (memos_.empty()) return;
  group_bits_ = static_cast<unsigned>(std::bit_width(memos_.size()));
  group_starts_.assign((std::size_t{1} << group_bits_) + 1, 0);
  for (const memo& stored : memos_) ++group_starts_[group_of(stored.id) + 1];
  std::partial_sum(group_starts_.begin(), group_starts_.end(), group_starts_.begin());
}

INNGEST_INLINE std::size_t call_request::completed_at(const step_hash& id) const {
  return static_cast<std::size_t>(std::find(stack_.begin(), stack_.end(), id) - stack_.begin());
}

INNGEST_INLINE void call_request::reading(detail::function_ref<void()> read) {
  try {
    read();
  } catch (const payload_error& problem) {
    throw protocol_error(std::string("the call request can't be read: ") + problem.what());
  }
}

INNGEST_INLINE std::size_t call_request::member_check::note(std::string_view key,
                                                            std::span<const std::string_view> known,
                                                            const detail::json_path& at) {
  // Keys of canonical JSON are in order, so the search continues where it last ended.
  for (std::size_t tried = 0; tried < known.size(); ++tried) {
    const std::size_t index = next_;
    next_ = next_ + 1 < known.size() ? next_ + 1 : 0;
    if (known[index] != key) continue;
    const unsigned bit = 1u << index;
    if ((seen_ & bit) != 0) detail::fail_at(detail::json_path(at, key), "duplicate member");
    seen_ |= bit;
    return index;
  }
  return known.size();
}

INNGEST_INLINE void call_request::read_body() {
  enum class member { ctx, defers, event, events, steps, use_api };
  static constexpr std::string_view names[] = {"ctx", "defers", "event", "events", "steps", "use_api"};
  document_ = std::make_unique<detail::kept_document>(body_.text());
  detail::json_document& document = document_->document();
  member_check members;
  for (auto& item : document.object()) {
    detail::json_field& field = detail::take(item, {});
    detail::json_value& value = field.value;
    switch (static_cast<member>(members.note(field.key, names, {}))) {
      case member::event:
        detail::expect(value, detail::json_type::object, detail::json_path("event"), "object");
        event_ = detail::raw_text(value, {});
        break;
      case member::events:
        events_ = detail::raw_text(value, {});
        break;
      case member::steps:
        read_steps(value, document_.get());
        break;
      case member::ctx:
        read_context(value);
        break;
      case member::defers:
        read_defers(value);
        break;
      case member::use_api:
        use_api_ = detail::read<bool>(value, detail::json_path("use_api")) || use_api_;
        break;
    }
  }
  document.expect_end();
}

INNGEST_INLINE void call_request::read_steps(detail::json_value& value, detail::kept_document* document) {
  const detail::json_path at("steps");
  if (detail::is_null(value, at)) return;
  detail::expect(value, detail::json_type::object, at, "object");
  memos_.reserve(stack_.size() + 1);  // usually all, because the stack usually comes first
  for (auto& item : detail::members_of(value, at)) {
    detail::json_field& field = detail::take(item, at);
    memo& found = memos_.emplace_back();
    const std::string_view key = field.key;
    if (!detail::from_hex(key, found.id)) {  // not a step's id, so no step can read it
      memos_.pop_back();
      continue;
    }
    if (document && detail::type_of(field.value, at) == detail::json_type::object) {
      found.text = detail::raw_object(field.value, at, found.place);
      found.document = document;
      document->allow(found.text.size());
    } else {
      found.text = detail::raw_text(field.value, at);
    }
    state_size_ += found.text.size();
  }
  // For fetched results of an endpoint, a server indicates the order only by the order of the members.
  if (stack_.empty() && !fetched_steps_.text().empty()) {
    for (const memo& found : memos_) {
      if (!holds_only(found, "input")) stack_.push_back(found.id);
    }
  }
  // Keys of canonical JSON are in order, so they are usually sorted already.
  const auto before = [](const memo& a, const memo& b) { return comes_before(a.id, b.id); };
  if (!std::is_sorted(memos_.begin(), memos_.end(), before)) std::sort(memos_.begin(), memos_.end(), before);
  // An id in lower case and in upper case are two names for one step.
  const auto same = [](const memo& a, const memo& b) { return detail::is_same(a.id, b.id); };
  const auto twice = std::adjacent_find(memos_.begin(), memos_.end(), same);
  if (twice != memos_.end())
    detail::fail_at(detail::json_path(at, detail::to_hex(twice->id)), "duplicate step");
  group_memos();
}

INNGEST_INLINE void call_request::read_defers(detail::json_value& value) {
  const detail::json_path at("defers");
  if (detail::is_null(value, at)) return;
  detail::expect(value, detail::json_type::object, at, "object");
  for (auto item : detail::members_of(value, at)) {
    detail::json_field field = detail::take(item, at);
    step_hash id{};
    if (!detail::from_hex(field.key, id)) continue;
    defers_.push_back(id);
    if (read_abortable(field.value, at)) abortable_defers_.push_back(id);
  }
}

INNGEST_INLINE bool call_request::read_abortable(detail::json_value& value, const detail::json_path& at) {
  if (detail::type_of(value, at) != detail::json_type::object) return true;
  bool out = true;  // the default if the server does not send it
  for (auto item : detail::members_of(value, at)) {
    detail::json_field field = detail::take(item, at);
    const bool is_said =
        field.key == "abortable" && detail::type_of(field.value, at) == detail::json_type::boolean;
    if (is_said) out = detail::take(field.value.get_bool(), at);
  }
  return out;
}

INNGEST_INLINE void call_request::read_context(detail::json_value& value) {
  const detail::json_path at("ctx");
  if (detail::is_null(value, at)) return;
  detail::expect(value, detail::json_type::object, at, "object");
  enum class member {
    attempt,
    plan_only,
    fn_id,
    generation,
    max_attempts,
    qi_id,
    request_id,
    run_id,
    stack,
    use_api
  };
  static constexpr std::string_view names[] = {"attempt",      "disable_immediate_execution",
                                               "fn_id",        "generation_id",
                                               "max_attempts", "qi_id",
                                               "request_id",   "run_id",
                                               "stack",        "use_api"};
  member_check members;
  for (auto& item : detail::members_of(value, at)) {
    detail::json_field& field = detail::take(item, at);
    detail::json_value& found = field.value;
    const detail::json_path here(at, field.key);
    switch (static_cast<member>(members.note(field.key, names, at))) {
      case member::run_id:
        run_id_ = detail::read<std::string>(found, here);
        break;
      case member::attempt:
        attempt_ = detail::read<int>(found, here);
        break;
      case member::max_attempts:
        max_attempts_ = detail::read<std::optional<int>>(found, here);
        break;
      case member::plan_only:
        plan_only_ = detail::read<bool>(found, here);
        break;
      case member::use_api:
        use_api_ = detail::read<bool>(found, here) || use_api_;
        break;
      case member::stack:
        read_stack(found, here);
        break;
      case member::fn_id:
        function_uuid_ = text_or_nothing(found, here);
        break;
      case member::qi_id:
        queue_item_id_ = text_or_nothing(found, here);
        break;
      case member::request_id:
        request_id_ = text_or_nothing(found, here);
        break;
      case member::generation:
        generation_id_ = read_exact_integer(found, here);
        break;
    }
  }
}

INNGEST_INLINE std::int64_t call_request::read_exact_integer(detail::json_value& value,
                                                             const detail::json_path& at) {
  constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;
  const std::int64_t out = detail::read<std::optional<std::int64_t>>(value, at).value_or(0);
  if (out < -largest || out > largest) detail::fail_at(at, "expected an integer within 2^53");
  return out;
}

INNGEST_INLINE std::string call_request::text_or_nothing(detail::json_value& value,
                                                         const detail::json_path& at) {
  return detail::read<std::optional<std::string>>(value, at).value_or("");
}

INNGEST_INLINE void call_request::read_stack(detail::json_value& value, const detail::json_path& at) {
  if (detail::is_null(value, at)) return;
  detail::expect(value, detail::json_type::object, at, "object");
  static constexpr std::string_view names[] = {"stack"};
  member_check members;
  for (auto& item : detail::members_of(value, at)) {
    detail::json_field& field = detail::take(item, at);
    if (members.note(field.key, names, at) != 0) continue;
    if (detail::is_null(field.value, at)) continue;
    detail::expect(field.value, detail::json_type::array, at, "array");
    for (auto& element : detail::elements_of(field.value, at)) {
      detail::json_value& text = detail::take(element, at);
      std::string_view id;
      if (!text.get_plain_string(id)) {
        detail::expect(text, detail::json_type::string, at, "string");
        id = detail::take(text.get_string(), at);
      }
      step_hash hash{};
      if (detail::from_hex(id, hash)) stack_.push_back(hash);
    }
  }
}

}  // namespace inngest::inline INNGEST_ABI::protocol
