#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/ai.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/middleware/metrics.hpp>
#include <inngest/middleware/tracing.hpp>

#include "../support/handler_driver.hpp"

// Every kind of step and every middleware, for the tests that put them together.

namespace middleware_tables {

using namespace std::chrono_literals;
using inngest::json;
using inngest::step_kind;

struct item {
  std::string name;
  int count = 0;
};
INNGEST_FIELDS(item, name, count)
using ordered = inngest::event<"kinds/ordered", item>;
using answered = inngest::event<"kinds/answered", item>;
using context = inngest::context<ordered>;
using called_function = inngest::function<item, ordered>;

/// A model of nobody's.
struct house_model {
  using answer_type = json;
};
template <class Request>
inngest::ai::gateway_request make_request(const house_model&, const Request& request) {
  return {.url = "http://localhost/model", .format = "openai-chat", .body = inngest::encode(request)};
}

// ---- steps ----------------------------------------------------------------------------------------------

/// A step, or several, and what they give as text.
struct step_row {
  const char* name = "";
  /// What step_info says of the step "s"; nothing for rows that are about more than one step.
  std::optional<step_kind> kind{};
  std::function<std::string(context&, const called_function& called)> use{};
  /// What transform_step_input is given of the step "s".
  std::string input{};
  /// What it gives when middleware makes an 8 of each 7 there, if that is not the same.
  std::string changed{};
};

inline std::string words_of(const inngest::sent_signal& sent) { return sent.run_id.value_or("nobody"); }

inline const std::vector<step_row>& all_steps() {
  static const std::vector<step_row> all{
      {"run", step_kind::run,
       [](context& ctx, auto&) {
         return ctx.step.run("s", [&] { return item{"r", 1}; }).name;
       }},
      {"run with arguments", step_kind::run,
       [](context& ctx, auto&) {
         return ctx.step.run(
             "s", [](int n) { return std::to_string(n); }, 7);
       },
       "[7]", "8"},
      {"start", std::nullopt,
       [](context& ctx, auto&) {
         auto a = ctx.step.start("a", [] { return std::string("A"); });
         auto b = ctx.step.start("b", [] { return std::string("B"); });
         return a.get() + b.get();
       }},
      {"parallel", std::nullopt,
       [](context& ctx, auto&) {
         auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [] { return std::string("A"); }); },
                                          [&] { return ctx.step.run("b", [] { return std::string("B"); }); });
         return a + b;
       }},
      {"race", std::nullopt,
       [](context& ctx, auto&) {
         return ctx.group.race([&] { return ctx.step.run("a", [] { return std::string("A"); }); },
                               [&] {
                                 ctx.step.sleep("b", 10s);
                                 return std::string("B");
                               });
       }},
      {"experiment", step_kind::experiment,
       [](context& ctx, auto&) {
         const auto chosen = ctx.group.experiment(
             "s", inngest::experiment::fixed("new"),
             inngest::variant("old", [&] { return ctx.step.run("old", [] { return std::string("O"); }); }),
             inngest::variant("new", [&] { return ctx.step.run("new", [] { return std::string("N"); }); }));
         return chosen.variant + chosen.result;
       }},
      {"sleep", step_kind::sleep,
       [](context& ctx, auto&) {
         ctx.step.sleep("s", 20ms);
         return std::string("slept");
       }},
      {"a wait in time", step_kind::wait_for_event,
       [](context& ctx, auto&) {
         const auto event = ctx.step.wait_for_event<answered>("s", {.timeout = 1h});
         return event ? event->data.name : "none";
       }},
      {"a wait that times out", step_kind::wait_for_event,
       [](context& ctx, auto&) {
         const auto event = ctx.step.wait_for_event<answered>("s", {.timeout = 20ms, .expression = "false"});
         return std::string(event ? "event" : "none");
       }},
      {"a signal", step_kind::wait_for_signal,
       [](context& ctx, auto&) {
         const auto reply = ctx.step.wait_for_signal<item>("s", {.signal = "kinds/go", .timeout = 1h});
         return reply ? reply->name : "none";
       }},
      {"invoke", step_kind::invoke,
       [](context& ctx, auto& called) {
         return ctx.step.invoke("s", called, item{"i", 7}).name;
       },
       R"([{"name":"i","count":7}])", "invoked with 8"},
      {"send_event", step_kind::send_event,
       [](context& ctx, auto&) {
         return std::to_string(ctx.step.send_event("s", answered{{.name = "sent"}}).ids.size());
       }},
      {"send_signal", step_kind::send_signal,
       [](context& ctx, auto&) { return words_of(ctx.step.send_signal("s", "kinds/nobody", item{})); }},
      {"publish", step_kind::publish,
       [](context& ctx, auto&) {
         try {
           ctx.step.publish("s", "channel", "topic", item{});
         } catch (const inngest::step_error&) {
           return std::string("refused");  // the engine has nobody who listens
         }
         return std::string("published");
       }},
      {"fetch", step_kind::fetch,
       [](context& ctx, auto&) { return ctx.step.fetch("s", {.url = "http://localhost/page"}).body; }},
      {"ai.infer", step_kind::ai_infer,
       [](context& ctx, auto&) {
         return ctx.step.ai.infer("s", house_model{}, json{{"q", 1}}).at("answer").get<std::string>();
       }},
      {"ai.wrap", step_kind::ai_wrap,
       [](context& ctx, auto&) { return ctx.step.ai.wrap("s", [] { return std::string("wrapped"); }); }},
      {"ai.wrap with arguments", step_kind::ai_wrap,
       [](context& ctx, auto&) {
         return ctx.step.ai.wrap(
             "s", [](int n) { return std::to_string(n); }, 7);
       },
       "[7]", "8"},
      {"defer", step_kind::defer,
       [](context& ctx, auto&) {
         ctx.defer("s", inngest::deferred_function<item>("app", {.id = "later"}, {}, {}), item{"d", 7});
         return std::string("deferred");
       },
       R"([{"name":"d","count":7}])"},
      {"a failed step", step_kind::run,
       [](context& ctx, auto&) {
         try {
           ctx.step.run("s", []() -> std::string { throw inngest::non_retriable_error("bad"); });
         } catch (const inngest::step_error& error) {
           return std::string(error.what());
         }
         return std::string("none");
       }},
  };
  return all;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

/// A row of each kind, and whether the app runs its body. A new kind does not compile here, and then needs a
/// row.
struct kind_facts {
  const char* row = "";
  bool has_body = false;
};
inline kind_facts facts_of(step_kind kind) {
  switch (kind) {
    case step_kind::run:
      return {"run", true};
    case step_kind::send_event:
      return {"send_event", true};
    case step_kind::send_signal:
      return {"send_signal", true};
    case step_kind::publish:
      return {"publish", true};
    case step_kind::ai_wrap:
      return {"ai.wrap", true};
    case step_kind::experiment:
      return {"experiment", true};
    case step_kind::sleep:
      return {"sleep"};
    case step_kind::wait_for_event:
      return {"a wait in time"};
    case step_kind::wait_for_signal:
      return {"a signal"};
    case step_kind::invoke:
      return {"invoke"};
    case step_kind::fetch:
      return {"fetch"};
    case step_kind::ai_infer:
      return {"ai.infer"};
    case step_kind::defer:
      return {"defer"};
  }
  return {};
}

#pragma GCC diagnostic pop

// ---- middleware -----------------------------------------------------------------------------------------

/// Wraps each result in an object, and takes it out again.
struct wrapping final : inngest::middleware {
  std::string wrap_step_handler(const inngest::call_info&, const inngest::step_info&,
                                inngest::next_call<std::string> next) override {
    return "{\"wrapped\":" + next() + "}";
  }
  std::string wrap_function_handler(const inngest::call_info&,
                                    inngest::next_call<std::string> next) override {
    return "{\"wrapped\":" + next() + "}";
  }
  std::string wrap_step(const inngest::call_info&, const inngest::step_info&,
                        inngest::next_call<std::string> next) override {
    const json result = json::parse(next());
    return (result.is_object() && result.contains("wrapped") ? result["wrapped"] : result).dump();
  }
};

/// Puts a prefix before each step's id.
struct prefixing final : inngest::middleware {
  void transform_step_input(const inngest::call_info&, const inngest::step_info&,
                            inngest::step_input& step) override {
    step.id = "tenant/" + step.id;
  }
};

using maker = std::function<inngest::middleware_list()>;

inline const std::vector<std::pair<std::string, maker>>& all_middleware() {
  static const auto measured = [](const inngest::measurement&) {};
  static const auto traced = [](const inngest::span&) {};
  static const std::vector<std::pair<std::string, maker>> all{
      {"no middleware", [] { return inngest::middleware_list{}; }},
      {"encryption", [] { return inngest::middleware_list{inngest::encryption({.key = "secret"})}; }},
      {"metrics", [] { return inngest::middleware_list{inngest::metrics(measured)}; }},
      {"tracing", [] { return inngest::middleware_list{inngest::tracing(traced)}; }},
      {"results in an object", [] { return inngest::middleware_list{std::make_shared<wrapping>()}; }},
      {"prefixed ids", [] { return inngest::middleware_list{std::make_shared<prefixing>()}; }},
      {"all of them",
       [] {
         return inngest::middleware_list{inngest::tracing(traced), std::make_shared<prefixing>(),
                                         inngest::encryption({.key = "secret"}), inngest::metrics(measured),
                                         std::make_shared<wrapping>()};
       }},
  };
  return all;
}

// ---- functions ------------------------------------------------------------------------------------------

/// A value that the handler asks for.
struct brackets {
  std::string open = "<", close = ">";
};
inline brackets& given_brackets() {
  static brackets value;
  return value;
}

inline inngest::client_options options_with(inngest::middleware_list middleware) {
  auto options = support::quiet_options();
  options.middleware = std::move(middleware);
  options.dependencies = {inngest::provide(given_brackets())};
  return options;
}

using first_gate = inngest::event<"kinds/gate.1", item>;
using second_gate = inngest::event<"kinds/gate.2", item>;

/// A step before, the row's, a step after, and the functions that they use. With gates it waits between them
/// for events.
struct made_functions {
  called_function called;
  inngest::any_function later;
  inngest::any_function f;
  std::vector<inngest::any_function> all() const { return {f, called, later}; }
};

/// How often the handler came to the row's step, and got beyond it.
struct visits {
  std::size_t before = 0;
  std::size_t after = 0;
};

inline made_functions functions_of(const inngest::client& app, const step_row& row, int retries = 0,
                                   bool gates = false, std::shared_ptr<visits> seen = {}) {
  auto called = app.create_function({.id = "called"}, inngest::on<ordered>({.expression = "false"}),
                                    [](inngest::context<ordered>& ctx) {
                                      const int count = ctx.event.data.count;
                                      return item{count == 7 ? "invoked" : "invoked with 8", count};
                                    });
  auto later = app.create_deferred_function<item>(
      {.id = "later"}, [](inngest::context<inngest::deferred<item>>& ctx) { return ctx.event.data.count; });
  auto f = app.create_function(
      {.id = "f", .retries = retries}, inngest::on<ordered>(), [&row, called, gates, seen](context& ctx) {
        const auto& around = ctx.get<brackets>();
        const std::string before = ctx.step.run("before", [&] { return around.open; });
        if (gates) ctx.step.wait_for_event<first_gate>("gate 1", {.timeout = 1h});
        if (seen) ++seen->before;
        const std::string result = row.use(ctx, called);
        if (seen) ++seen->after;
        if (gates) ctx.step.wait_for_event<second_gate>("gate 2", {.timeout = 1h});
        return before + result + ctx.step.run("after", [&] { return around.close; });
      });
  return {called, later, f};
}

}  // namespace middleware_tables
