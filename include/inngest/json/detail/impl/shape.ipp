#pragma once

#include <inngest/config.hpp>
#include <inngest/json/detail/shape.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE const json_shape::member* json_shape::find(std::string_view wanted) const {
  for (const member& candidate : members) {
    if (candidate.name == wanted) return &candidate;
  }
  return nullptr;
}

INNGEST_INLINE void add_member_of_alternative(std::vector<json_shape::member>& all,
                                              const json_shape::member& added) {
  if (all.front().name == added.name) return;  // the discriminator
  for (json_shape::member& known : all) {
    if (known.name != added.name) continue;
    if (known.shape != added.shape) known.shape = &shape_of<nlohmann::json>;
    return;
  }
  all.push_back(added);
  all.back().is_optional = true;  // the other alternatives need not have it
}

}  // namespace inngest::inline INNGEST_ABI::detail
