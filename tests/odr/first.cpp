// Two sources use all of the library and share its types; see second.cpp.

#include <cstdlib>

#include "everything.hpp"

struct number {
  int n = 0;
};
INNGEST_FIELDS(number, n)

using go = inngest::event<"odr/go", number>;

const inngest::client& app();
bool second_sees_the_same_types(const inngest::embedded::run& run);

int main() {
  const auto twice = app().create_function({.id = "twice"}, inngest::on<go>(), [](inngest::context<go>& ctx) {
    return ctx.step.run("double", [&] { return 2 * ctx.event.data.n; });
  });
  inngest::embedded::engine engine(app(), {twice});

  httplib::Server server;
  inngest::serve(server, app(), {twice});

  const auto sent = engine.send(go{{.n = 21}});
  const auto run = engine.wait_for(engine.runs_of(sent.ids.front()).front().id, std::chrono::seconds(10));
  return second_sees_the_same_types(run) ? EXIT_SUCCESS : EXIT_FAILURE;
}
