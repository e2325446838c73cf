// Code of docs/embedding.md and docs/page.md.

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

#include "docs/studio.hpp"

using namespace std::chrono_literals;

namespace docs::embedding {

struct Frame {};
void render(Frame& frame);

void sqlite() {
  // [sqlite]
  #include <inngest/embedded.hpp>
  #include <inngest/embedded/sqlite_store.hpp>

  inngest::embedded::engine engine{
      app, {ingest, synthesize},
      {.store = std::make_shared<inngest::embedded::sqlite_store>(
           inngest::embedded::sqlite_options{.path = "engine.db"})}};

  auto sent = app.send(BrandIngested{{.workspace_id = "w1"}});  // the engine receives the client's events
  engine.wait_until_idle(10s);
  for (const auto& run : engine.runs_of(sent.ids[0])) std::cout << format_timeline(run);
  // [sqlite]
}

void stop_token(inngest::context<BrandIngested>& ctx, std::vector<Frame>& frames) {
  // [stop-token]
  ctx.step.run("render", [&](inngest::stop_token stop) {  // the same as ctx.stop_token()
    for (auto& frame : frames) {
      if (stop.stop_requested()) throw std::runtime_error("interrupted");
      render(frame);
    }
  });
  // [stop-token]
}

void server(inngest::embedded::engine& engine) {
  // [server]
  #include <inngest/embedded/http_server.hpp>

  inngest::embedded::http_server server{engine};  // http://127.0.0.1:8288
  // [server]
}

void page(inngest::embedded::engine& engine) {
  // [page]
  inngest::embedded::http_server server{engine};  // then open http://127.0.0.1:8288
  // [page]

  // [sign-in]
  std::cout << server.sign_in_url() << "\n";  // http://127.0.0.1:8288/sign-in?token=...
  // [sign-in]
}

}  // namespace docs::embedding
