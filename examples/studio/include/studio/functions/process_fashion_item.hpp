#pragma once

#include <optional>
#include <string>

#include <inngest/inngest.hpp>

#include <studio/events.hpp>
#include <studio/image.hpp>
#include <studio/image_model.hpp>
#include <studio/services.hpp>

namespace studio {

struct fashion_result {
  std::string status;
  int attempts = 0;
  std::optional<std::string> url{};
  std::optional<std::string> reason{};
};
INNGEST_FIELDS(fashion_result, status, attempts, url, reason)

/// Generates a picture, stores it as a blob and returns its path.
inline std::string generate_item(const services& world, const FashionItem& item, int attempt,
                                 const std::string& prompt) {
  const image made = world.images->generate(prompt, fetch_image(item.image_url));
  const std::string path = "fashion/" + item.job_id + "/attempt-" + std::to_string(attempt) + ".ppm";
  world.blobs->put(path, write_ppm(made));
  return path;
}

inline verdict verify_item(const services& world, const FashionItem& item, const std::string& path) {
  return world.images->verify(read_ppm(world.blobs->get(path)), fetch_image(item.reference_image));
}

inline auto process_fashion_item(const inngest::client& app, const services& world) {
  return app.create_function(
      {.id = "process-fashion-item", .concurrency = 5}, inngest::on<FashionItemRequested>(),
      [world](inngest::context<FashionItemRequested>& ctx) -> fashion_result {
        const FashionItem& item = ctx.event.data;
        const int most = item.max_attempts.value_or(7);
        ctx.step.run("update-status-processing",
                     [&] { world.data->save_fashion_job(item.job_id, {.status = "processing"}); });

        std::string prompt = "Show the item as in the reference.";
        std::string reason = "no attempt was allowed";
        for (int attempt = 1; attempt <= most; ++attempt) {
          const std::string number = std::to_string(attempt);
          const std::string path = ctx.step.run("generate-attempt-" + number,
                                                [&] { return generate_item(world, item, attempt, prompt); });
          const verdict judged =
              ctx.step.run("verify-attempt-" + number, [&] { return verify_item(world, item, path); });

          if (judged.accepted) {
            const std::string url = world.blob_url + path;
            ctx.step.run("save-success", [&] {
              world.data->save_fashion_job(item.job_id,
                                           {.status = "success", .attempts = attempt, .url = url});
            });
            return {.status = "success", .attempts = attempt, .url = url};
          }
          reason = judged.feedback;
          prompt += "\n" + judged.feedback;
        }

        ctx.step.run("mark-failed", [&] {
          world.data->save_fashion_job(item.job_id, {.status = "failed", .attempts = most, .reason = reason});
        });
        return {.status = "failed", .attempts = most, .reason = reason};
      });
}

}  // namespace studio
