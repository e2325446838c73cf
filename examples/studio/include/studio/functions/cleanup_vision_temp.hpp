#pragma once

#include <string>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/services.hpp>

namespace studio {

struct cleanup_result {
  std::string path;
  bool deleted = false;  // false: it was already gone
};
INNGEST_FIELDS(cleanup_result, path, deleted)

inline auto cleanup_vision_temp(const inngest::client& app, const services& world) {
  return app.create_function({.id = "cleanup-vision-temp"}, inngest::on<VisionCleanupRequested>(),
                             [world](inngest::context<VisionCleanupRequested>& ctx) -> cleanup_result {
                               const std::string& path = ctx.event.data.path;
                               const bool deleted = ctx.step.run("delete-temp-path",
                                                                 [&] { return world.blobs->remove(path); });
                               return {.path = path, .deleted = deleted};
                             });
}

}  // namespace studio
