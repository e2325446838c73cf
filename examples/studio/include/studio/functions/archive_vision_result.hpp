#pragma once

#include <string>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/fetch.hpp>
#include <studio/media.hpp>
#include <studio/services.hpp>

namespace studio {

struct archive_result {
  std::string status;
  std::string image_hash;
};
INNGEST_CAMEL_FIELDS(archive_result, status, image_hash)

inline auto archive_vision_result(const inngest::client& app, const services& world) {
  return app.create_function({.id = "archive-vision-result", .name = "Archive Vision Result"},
                             inngest::on<VisionArchiveRequested>(),
                             [world](inngest::context<VisionArchiveRequested>& ctx) -> archive_result {
                               const VisionResult& result = ctx.event.data;
                               const std::string place = "vision/archive/" + result.image_hash;

                               ctx.step.run("archive-metadata", [&] {
                                 const std::string path = place + ".json";
                                 world.blobs->put(path, inngest::encode(result));
                                 return inngest::json{{"path", path}};
                               });
                               ctx.step.run("archive-source-image", [&] {
                                 const fetched source = fetch(result.image_url);
                                 const std::string path = place + extension_of(source.content_type);
                                 world.blobs->put(path, source.body);
                                 return inngest::json{{"path", path}};
                               });
                               return {.status = "archived", .image_hash = result.image_hash};
                             });
}

}  // namespace studio
