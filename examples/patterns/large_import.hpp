#pragma once

// A large file, imported in a thousand steps that run in parallel. A crash repeats only the parts that were
// under way.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

namespace patterns {

struct import_request {
  std::string file;
  std::int64_t bytes = 0;
};
INNGEST_FIELDS(import_request, file, bytes)
using import_requested = inngest::event<"data/import.requested", import_request>;

/// A part of a file.
struct part {
  std::int64_t begin = 0, end = 0;
};

inline std::vector<part> parts_of(std::int64_t bytes, std::int64_t count) {
  std::vector<part> out;
  const std::int64_t size = std::max<std::int64_t>(1, (bytes + count - 1) / count);
  for (std::int64_t at = 0; at < bytes; at += size) out.push_back({at, std::min(at + size, bytes)});
  return out;
}

struct importer {
  /// Imports the lines that begin in a part, and returns their number. It may be repeated for the same part.
  std::function<int(const std::string& file, const part&)> import_lines;
};

inline auto import_file(const inngest::client& app, const importer& services) {
  // [import]
  return app.create_function(
      {.id = "import-file", .retries = 4, .concurrency = 20}, inngest::on<import_requested>(),
      [services](inngest::context<import_requested>& ctx) {
        const std::string file = ctx.event.data.file;
        const auto import_part = [&](const part& p) {
          return ctx.step.start("part-" + std::to_string(p.begin),
                                [services, file, p] { return services.import_lines(file, p); });
        };
        std::vector<decltype(import_part({}))> parts;
        for (const part& p : parts_of(ctx.event.data.bytes, 1000)) parts.push_back(import_part(p));
        int lines = 0;
        for (auto& imported : parts) lines += imported.get();
        return lines;
      });
  // [import]
}

}  // namespace patterns
