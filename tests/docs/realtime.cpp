// Code of docs/realtime.md.

#include <string>

#include <inngest/inngest.hpp>
#include <inngest/realtime.hpp>

namespace docs::realtime {

struct Progress {
  int percent = 0;
  std::string doing{};
};
INNGEST_FIELDS(Progress, percent, doing)

using ImportProgress = inngest::topic<"progress", Progress>;
using ImportSummary = inngest::topic<"summary", std::string>;
using Import = inngest::channel<"import:{id}", ImportProgress, ImportSummary>;

void show(int percent);
void append(const std::string& words);

void subscribe(const inngest::client& app) {
  // [subscribe]
  #include <inngest/realtime.hpp>

  auto watching = inngest::realtime::subscribe(
      app, Import{7},
      inngest::realtime::on<ImportProgress>([](const Progress& p) { show(p.percent); }),
      inngest::realtime::on_stream<ImportSummary>([](const inngest::realtime::message& m) {
        if (m.kind == inngest::realtime::message_kind::chunk) append(m.data<std::string>());
      }));
  // [subscribe]
}

}  // namespace docs::realtime
