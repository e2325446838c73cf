#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Decodes a part of a path. A plus is not decoded.
std::string decoded_path_part(std::string_view part);

/// The parts of a path: "/v1/runs/x" is {"v1", "runs", "x"}. Access control and routing both use these parts,
/// so a path can't be checked as one route and answered as another.
std::vector<std::string> path_parts(std::string_view path);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/path_parts.ipp>
#endif
