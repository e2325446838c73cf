#pragma once

#include <inngest/config.hpp>
#include <inngest/event.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE any_event::any_event(std::string name, const json& data) : name_(std::move(name)) {
  if (!detail::valid_event_name(name_) || name_.starts_with("inngest/") ||
      name_.find('*') != std::string::npos || !detail::is_utf8(name_)) {
    throw configuration_error("not a valid name for a sent event: \"" + detail::to_printable(name_) + "\"");
  }
  if (!data.is_object()) throw payload_error("data", "an event's data must be a JSON object");
  begin(name_);
  encode_to(text_, data, "data");
  data_size_ = text_.size() - data_begin_;
  text_ += '}';
}

INNGEST_INLINE void any_event::set_data(std::string_view object) {
  if (!object.starts_with('{')) throw payload_error("data", "an event's data must be a JSON object");
  text_.replace(data_begin_, data_size_, object);
  data_size_ = object.size();
}

INNGEST_INLINE void any_event::set_missing_ts(timestamp happened) {
  if (std::exchange(has_ts_, true)) return;
  text_.pop_back();
  encode_to(text_ += ",\"ts\":", happened.time_since_epoch().count(), "ts");
  text_ += '}';
}

INNGEST_INLINE void any_event::begin(std::string_view name) {
  text_ = "{\"name\":";
  encode_to(text_, name, "name");
  text_ += ",\"data\":";
  data_begin_ = text_.size();
}

}  // namespace inngest::inline INNGEST_ABI
