// What a server answers to a registration, to events, to signals, and with state that was too large for a
// call: an answer that can't be read becomes an error of the library, or counts for nothing.
#include <inngest/serve.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

using test_event = inngest::event<"test/event">;

class scripted final : public inngest::http::transport {
 public:
  inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
    return answer;
  }
  inngest::http::response answer;
};

struct app {
  std::shared_ptr<scripted> server = std::make_shared<scripted>();
  inngest::client client{{.id = "app",
                          .mode = inngest::mode::dev,
                          .transport = server,
                          .send_attempts = 1,
                          .log = inngest::logger([](inngest::log_level, std::string_view) {}),
                          .environment = [](const char*) { return std::optional<std::string>(); }}};
  inngest::handler handler{client,
                           {client.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
                             return ctx.step.run("a", [] { return 1; });
                           })}};
};

/// Calls that may fail with an error of the library, and with no other.
template <class Call>
void try_to(Call call) {
  try {
    call();
  } catch (const inngest::error& problem) {
    FUZZ_CHECK(problem.what()[0] != '\0');
  }
}

}  // namespace

void targets::fuzz_server_answer(std::string_view input) {
  static const app a;
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input.front());
  constexpr int statuses[] = {200, 206, 400, 401, 404, 500};
  a.server->answer = {.status = statuses[first % 6],
                      .headers = {{"X-Inngest-Server-Kind", first > 127 ? "cloud" : "dev"}},
                      .body = std::string(input.substr(1))};
  const auto synced = a.handler.sync("http://localhost/api/inngest");
  FUZZ_CHECK(!synced.message.empty());
  try_to([] { a.client.send(test_event{}); });
  try_to([] { a.client.send_signal("s", 1); });
  try_to([] { a.client.publish("c", "t", 1); });
  const auto called = a.handler({.method = "POST",
                                 .url = "/?fnId=app-f&stepId=step",
                                 .body = R"({"ctx":{"run_id":"R","use_api":true}})"});
  FUZZ_CHECK(called.status >= 200 && called.status < 600);
}
