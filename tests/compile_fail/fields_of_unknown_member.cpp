// expect in 10 lines: uri
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct asset {
  std::string id;
  std::string url;
  int size = 0;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(asset, id, uri, size)
#else
INNGEST_FIELDS(asset, id, url, size)
#endif
using ingested = inngest::event<"asset/ingested", asset>;

void use(const inngest::client& app) {
  const auto f = app.create_function({.id = "f"}, inngest::on<ingested>(),
                                     [](inngest::context<ingested>& ctx) { return ctx.event.data.id; });
  static_cast<void>(f);
  app.send(ingested{{.id = "a", .url = "u"}});
}
