#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http/detail/status.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string_view reason_phrase(int status) {
  using row = std::pair<int, std::string_view>;
  static constexpr auto rows = std::to_array<row>({{200, "OK"},
                                                   {201, "Created"},
                                                   {204, "No Content"},
                                                   {206, "Partial Content"},
                                                   {303, "See Other"},
                                                   {400, "Bad Request"},
                                                   {401, "Unauthorized"},
                                                   {403, "Forbidden"},
                                                   {404, "Not Found"},
                                                   {405, "Method Not Allowed"},
                                                   {408, "Request Timeout"},
                                                   {409, "Conflict"},
                                                   {413, "Content Too Large"},
                                                   {414, "URI Too Long"},
                                                   {415, "Unsupported Media Type"},
                                                   {417, "Expectation Failed"},
                                                   {421, "Misdirected Request"},
                                                   {429, "Too Many Requests"},
                                                   {431, "Request Header Fields Too Large"},
                                                   {500, "Internal Server Error"},
                                                   {501, "Not Implemented"},
                                                   {503, "Service Unavailable"},
                                                   {505, "HTTP Version Not Supported"}});
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const row& candidate) { return candidate.first == status; });
  return found == rows.end() ? "Status" : found->second;
}

}  // namespace inngest::inline INNGEST_ABI::detail
