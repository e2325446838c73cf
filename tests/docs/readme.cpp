// Code of README.md.

#include <chrono>
#include <iostream>

#include <inngest/embedded.hpp>

#include "docs/studio.hpp"

using namespace std::chrono_literals;

namespace docs::readme {

void embedded() {
  // [embedded]
  inngest::embedded::engine engine{app, {ingest}};  // #include <inngest/embedded.hpp>
  const auto sent = app.send(BrandIngested{{.workspace_id = "w1", .url = "https://example.com/logo.png"}});
  const auto run = engine.wait_for(engine.runs_of(sent.ids.front()).front().id, 1min);
  std::cout << run.output<Receipt>().status << "\n";  // "completed"
  // [embedded]
}

}  // namespace docs::readme
