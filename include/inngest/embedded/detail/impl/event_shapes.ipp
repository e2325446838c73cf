#pragma once

#include <algorithm>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/event_shapes.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE json shape_writer::write(const detail::json_shape& shape) {
  using kind = detail::json_shape::kind;
  json out{{"type", shape.what == kind::any      ? "any"
                    : shape.what == kind::value  ? shape.type
                    : shape.what == kind::list   ? "array"
                    : shape.what == kind::object ? "object"
                                                 : "map"}};
  if (!shape.values.empty()) out["values"] = shape.values;
  const bool contains_itself = std::find(path_.begin(), path_.end(), &shape) != path_.end();
  if (contains_itself || path_.size() == deepest || left_ == 0) return out;
  --left_;
  path_.push_back(&shape);
  if (shape.element) out["element"] = write(shape.element());
  if (shape.what == kind::object) out["fields"] = json::array();
  for (const detail::json_shape::member& member : shape.members) {
    json field = write(member.shape());
    field["name"] = member.name;
    if (member.is_optional) field["optional"] = true;
    out["fields"].push_back(std::move(field));
  }
  path_.pop_back();
  return out;
}

INNGEST_INLINE json shapes_of(std::span<const any_function> functions, const std::string& slug) {
  json out = json::object();
  for (const any_function& function : functions) {
    if (!slug.empty() && function.slug() != slug) continue;
    for (const detail::event_shape& event : function.event_shapes()) {
      const bool is_sent_by_servers = event.name.starts_with("inngest/");
      if (slug.empty() && is_sent_by_servers) continue;
      json shape = shape_writer().write(event.data());
      json& known = out[std::string(event.name)];
      if (known.is_null() || known["type"] == "any") known = std::move(shape);
    }
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
