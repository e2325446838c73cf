// expect: inngest: a member named in INNGEST_FIELDS has a type that is not JSON
// expect in 10 lines: asset::links
// expect in 10 lines: connection
// expect in 10 lines: needs_INNGEST_FIELDS_or_to_json
// at most 40 lines
#include <map>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

class connection {
 public:
  explicit connection(int handle) : handle_(handle) {}

 private:
  int handle_;
};

struct asset {
  std::string id;
  std::map<std::string, std::vector<connection>> links;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(asset, id, links)
#else
INNGEST_FIELDS(asset, id)
#endif
using ingested = inngest::event<"asset/ingested", asset>;

void use(const inngest::client& app) {
  const auto f = app.create_function({.id = "f"}, inngest::on<ingested>(),
                                     [](inngest::context<ingested>& ctx) { return ctx.event.data.id; });
  static_cast<void>(f);
  app.send(ingested{{.id = "a"}});
}
