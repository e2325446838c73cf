#pragma once

#include <chrono>
#include <string>

#include <inngest/inngest.hpp>

#include <studio/blob_storage.hpp>
#include <studio/services.hpp>

namespace studio {

struct purge_result {
  int deleted = 0;
};
INNGEST_FIELDS(purge_result, deleted)

/// Removes blobs older than `age` under the prefix, page by page, and returns their number.
inline int purge(blob_storage& blobs, const std::string& prefix, std::chrono::hours age) {
  int deleted = 0;
  blob_page page = blobs.list(prefix);
  while (true) {
    for (const blob& old : page.blobs) {
      if (old.age > age && blobs.remove(old.path)) ++deleted;
    }
    if (!page.next) return deleted;
    page = blobs.list(prefix, *page.next);
  }
}

inline auto cleanup_old_blobs(const inngest::client& app, const services& world) {
  return app.create_function({.id = "cleanup-old-blobs", .name = "Scheduled Blob Cleanup"},
                             inngest::cron("0 4 * * 0"), [world](auto& ctx) -> purge_result {
                               constexpr auto month = std::chrono::hours(24 * 30);
                               return {.deleted = ctx.step.run("purge-old-vision-blobs", [&] {
                                 return purge(*world.blobs, "vision/", month);
                               })};
                             });
}

}  // namespace studio
