// Code of docs/changing.md.

#include <string>

#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"

namespace docs::changing {

struct import_v1_request { std::string file; };
INNGEST_FIELDS(import_v1_request, file)
using import_requested_v1 = inngest::event<"data/import.requested.v1", import_v1_request>;
struct import_request { std::string file; };
INNGEST_FIELDS(import_request, file)
using import_requested = inngest::event<"data/import.requested", import_request>;

void import_v1(inngest::context<import_requested_v1>& ctx);
void import_v2(inngest::context<import_requested>& ctx);

void two_functions(const inngest::client& app) {
  // [two]
  auto old_import = app.create_function({.id = "import"}, inngest::on<import_requested_v1>(), import_v1);
  auto new_import = app.create_function({.id = "import-2"}, inngest::on<import_requested>(), import_v2);
  // [two]
}

void version(inngest::context<import_requested>& ctx) {
  // [version]
  const int version = ctx.step.run("version", [] { return 2; });
  // [version]
}

void replay(inngest::testing::harness& t, const inngest::any_function& new_import, const std::string& body) {
  // [replay]
  auto run = t.replay(new_import, inngest::testing::read_recorded_run(body));
  CHECK(run.completed());
  // [replay]
}

}  // namespace docs::changing
