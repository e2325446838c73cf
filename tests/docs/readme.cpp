// Code of README.md.

#include <chrono>
#include <iostream>

#include <inngest/embedded.hpp>
#include <inngest/runs.hpp>

#include "docs/studio.hpp"

using namespace std::chrono_literals;

namespace docs::readme {

extern const inngest::function<Receipt, BrandIngested> ingest;

void embedded() {
  // [embedded]
  // #include <inngest/embedded.hpp> and <inngest/runs.hpp>
  inngest::embedded::engine engine{app, {ingest}};
  const BrandIngested event{{.workspace_id = "w1", .url = "https://example.com/logo.png"}};
  const Receipt receipt = inngest::runs(app).send_and_wait(ingest, event, 1min);
  std::cout << receipt.status << "\n";  // "completed"
  // [embedded]
}

}  // namespace docs::readme
