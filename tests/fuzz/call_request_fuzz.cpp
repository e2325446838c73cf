// The first byte says which step is asked for, the rest is the body of a call: whatever it holds, the handler
// answers as the protocol has it.
#include <inngest/client.hpp>
#include <inngest/serve.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace fuzzed {

using inngest::json;
using namespace std::chrono_literals;

struct item {
  std::string id;
  std::optional<int> count;
};
INNGEST_FIELDS(item, id, count)
struct order {
  std::vector<item> items;
};
INNGEST_FIELDS(order, items)
INNGEST_DEFAULTS(order, items)
using placed = inngest::event<"order.placed", order>;
using paid = inngest::event<"order.paid", item>;

class silent_server : public inngest::http::transport {
 public:
  inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
    return {.status = 200, .body = R"({"ids":["e1"]})"};
  }
};

inngest::handler make_handler() {
  const inngest::client app({.id = "app",
                             .mode = inngest::mode::dev,
                             .transport = std::make_shared<silent_server>(),
                             .log = inngest::logger([](inngest::log_level, std::string_view) {}),
                             .environment = [](const char*) { return std::optional<std::string>(); }});
  auto child = app.create_function({.id = "child"}, inngest::on<paid>(), [](auto&) { return item{}; });
  auto f = app.create_function({.id = "f"}, inngest::on<placed, paid>(), [child](auto& ctx) {
    const std::size_t size = ctx.event.match([](const placed& e) { return e.data.items.size(); },
                                             [](const paid& e) { return e.data.id.size(); });
    const auto first = ctx.step.run("a", [&] { return item{"a", static_cast<int>(size)}; });
    ctx.log.info(first.id);
    auto started = ctx.step.start("b", [] { return json{{"b", 1}}; });
    auto [x, y] = ctx.group.parallel(
        [&] {
          ctx.step.sleep("nap", 1s);
          return ctx.step.run("c", []() -> int { throw std::runtime_error("c"); });
        },
        [&] { return ctx.step.template wait_for_event<paid>("wait", {.timeout = 1h}); });
    try {
      ctx.step.run("d", [] { throw inngest::retry_after_error("later", 5s); });
    } catch (const std::exception& problem) {
      ctx.step.run("compensate", [reason = std::string(problem.what())] { return reason; });
    }
    for (int i = 0; i < 3; ++i) ctx.step.run("again", [i] { return i; });
    const item called = ctx.step.invoke("invoke", child, {.id = "x", .count = 1});
    const auto sent = ctx.step.send_event("send", paid{{called.id, x}});
    const std::string won =
        ctx.group.race([&] { return ctx.step.run("left", [] { return std::string("l"); }); },
                       [&] {
                         ctx.step.sleep("limit", 1s);
                         return std::string("late");
                       });
    return json{won, sent.ids, started.get(), y ? y->data.id : ""};
  });
  return inngest::handler(app, {f, child});
}

std::string target(std::uint8_t chosen) {
  constexpr std::string_view ids[] = {"a",      "b",     "c",       "d",       "nap",
                                      "wait",   "again", "again:1", "again:2", "compensate",
                                      "invoke", "send",  "left",    "limit",   "unknown"};
  if (chosen == 0 || chosen > std::size(ids)) return "step";
  return inngest::detail::to_hex(inngest::detail::sha1::of(ids[chosen - 1]));
}

}  // namespace fuzzed

void targets::fuzz_call_request(std::string_view input) {
  static const inngest::handler handler = fuzzed::make_handler();
  if (input.empty()) return;
  const std::string target = fuzzed::target(static_cast<unsigned char>(input.front()));
  const bool targeted = target != "step";
  const auto answer = handler({.method = "POST",
                               .url = "/api/inngest?fnId=app-f&stepId=" + target,
                               .body = std::string(input.substr(1))});

  const int status = answer.status;
  FUZZ_CHECK(status == 200 || status == 206 || status == 400 || status == 500);
  FUZZ_CHECK(answer.headers.find("x-inngest-sdk").has_value());
  FUZZ_CHECK(inngest::json::accept(answer.body));
  FUZZ_CHECK(!targeted || status != 200);  // who asks for one step is not told the function's result
  if (status == 206) {
    const auto operations = inngest::json::parse(answer.body);
    FUZZ_CHECK(operations.is_array() && !operations.empty());
    FUZZ_CHECK(!targeted || operations.size() == 1);
    for (const auto& op : operations) {
      FUZZ_CHECK(op.at("id").get<std::string>().size() == 40);
      FUZZ_CHECK(!targeted || op.at("id") == target);
      FUZZ_CHECK(!targeted || op.at("op") != "StepPlanned");
    }
  }
}
