#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// A part of a path, decoded. A plus is a plus there.
std::string decoded_path_part(std::string_view part);

/// The parts of a path: "/v1/runs/x" is {"v1", "runs", "x"}. Who may ask and what is answered are both
/// decided by these, so no spelling of a path is guarded as one route and answered as another.
std::vector<std::string> path_parts(std::string_view path);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/path_parts.ipp>
#endif
