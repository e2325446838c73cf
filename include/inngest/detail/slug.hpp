#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The name of a function on a server, where several apps may have a function of this id.
inline std::string slug_of(std::string_view app_id, std::string_view function_id) {
  return std::string(app_id).append("-").append(function_id);
}

}  // namespace inngest::inline INNGEST_ABI::detail
