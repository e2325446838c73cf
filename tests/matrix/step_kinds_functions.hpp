#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <inngest/ai.hpp>
#include <inngest/inngest.hpp>

#include "matrix/step_kinds_world.hpp"

// A function with one step of each row, and the functions that it needs.

namespace step_kinds {

using inngest::json;

struct item {
  std::string text{};
};
INNGEST_FIELDS(item, text)
using go = inngest::event<"matrix/go", item>;
using answered = inngest::event<"matrix/answered", item>;
using told = inngest::event<"matrix/told", item>;
using child_called = inngest::event<"matrix/child.called", item>;
using wait_wanted = inngest::event<"matrix/wait.wanted", item>;
using context = inngest::context<go>;
using child_function = inngest::function<std::string, child_called>;
using deferred_item = inngest::deferred_function<item>;

/// What the steps of the main function use.
struct tools {
  world& at;
  const child_function& child;
  const deferred_item& deferred;
  /// The id of the disturbed step.
  std::string_view name = "s";

  inngest::step_id id() const { return inngest::step_id(name); }
  /// The options of the disturbed step where it has a body.
  inngest::step_options body() const {
    inngest::step_options out{.id = id()};
    if (at.is(disturbance::step_timed_out)) out.deadline = 20ms;
    return out;
  }
  /// The disturbed step itself.
  std::string run(context& ctx) const {
    return ctx.step.run(body(), [&](std::stop_token stop) { return at.visit(stop), std::string("s"); });
  }
  std::string other(context& ctx, const char* id) const {
    return ctx.step.run(inngest::step_options{.id = inngest::step_id(std::string_view(id))},
                        [&] { return at.note(id); });
  }
  inngest::invoke_options invoke() const {
    if (at.is(disturbance::step_timed_out)) return {.timeout = at.wait_time()};
    return {};
  }
};

using use = std::string (*)(context&, const tools&);

inline std::string seven(context& ctx, const tools& with, bool wraps) {
  const auto body = [&](const std::string& what, int count, std::stop_token stop) {
    with.at.visit(stop);
    return std::to_string(count) + " " + what;
  };
  const auto with_stop = [&](const std::string& what, int count) {
    return body(what, count, ctx.stop_token());
  };
  return wraps ? ctx.step.ai.wrap(with.body(), with_stop, std::string("apples"), 7)
               : ctx.step.run(with.body(), with_stop, std::string("apples"), 7);
}

/// The rows' steps, in the order of the rows.
inline constexpr auto uses = std::to_array<std::pair<std::string_view, use>>({
    {"step.run", [](context& ctx, const tools& with) { return with.run(ctx); }},
    {"step.run with arguments", [](context& ctx, const tools& with) { return seven(ctx, with, false); }},
    {"step.start",
     [](context& ctx, const tools& with) {
       auto a = ctx.step.start("a", [&] { return with.at.note("a"); });
       auto s = ctx.step.start(
           with.body(), [&](std::stop_token stop) { return with.at.visit(stop), std::string("s"); });
       const std::string first = a.get();
       return first + "+" + s.get();
     }},
    {"a repeated id",
     [](context& ctx, const tools& with) {
       const std::string a = ctx.step.run(with.id(), [&] { return with.at.note("a"); });
       const std::string b = ctx.step.run(with.id(), [&] { return with.at.note("b"); });
       return a + "+" + b + "+" + with.run(ctx);
     }},
    {"group.parallel",
     [](context& ctx, const tools& with) {
       const auto [a, s, slept] = ctx.group.parallel([&] { return with.other(ctx, "a"); },
                                                     [&] { return with.run(ctx); },
                                                     [&] {
                                                       ctx.step.sleep("nap", 1ms);
                                                       return std::string("slept");
                                                     });
       return a + "+" + s + "+" + slept;
     }},
    {"group.parallel over a range",
     [](context& ctx, const tools& with) {
       const std::vector<const char*> all{"a", "b", "s"};
       std::string out;
       for (const std::string& each : ctx.group.parallel(all, [&](const char* id) {
              return std::string_view(id) == "s" ? with.run(ctx) : with.other(ctx, id);
            }))
         out += each + "+";
       return out;
     }},
    {"group.race",
     [](context& ctx, const tools& with) {
       return ctx.group.race([&] { return with.run(ctx); },
                             [&] {
                               ctx.step.sleep("loser", with.at.long_time * 2);
                               return std::string("slept");
                             });
     }},
    {"a race in a parallel group",
     [](context& ctx, const tools& with) {
       const auto [s, b, c] = ctx.group.parallel(
           [&] {
             return ctx.group.race([&] { return with.run(ctx); },
                                   [&] {
                                     ctx.step.sleep("loser", with.at.long_time * 2);
                                     return std::string("slept");
                                   });
           },
           [&] {
             return std::get<0>(ctx.group.parallel([&] { return with.other(ctx, "b"); },
                                                   [&] { ctx.step.sleep("nap", 1ms); }));
           },
           [&] {
             ctx.step.sleep("nap first", 1ms);
             return with.other(ctx, "c");
           });
       return s + "+" + b + "+" + c;
     }},
    {"group.experiment",
     [](context& ctx, const tools& with) {
       const auto choose = inngest::experiment::custom([&](const auto&) {
         with.at.note("chosen");
         return std::string("new");
       });
       const auto chosen = ctx.group.experiment("pick", choose,
                                                inngest::variant("old", [&] { return with.other(ctx, "a"); }),
                                                inngest::variant("new", [&] { return with.run(ctx); }));
       return chosen.variant + ": " + chosen.result;
     }},
    {"step.sleep",
     [](context& ctx, const tools& with) {
       ctx.step.sleep(with.id(), with.at.sleep_time());
       return std::string("slept");
     }},
    {"step.sleep_until",
     [](context& ctx, const tools& with) {
       // the first call decides, as in a user's function
       const auto until = ctx.step.run("when", [&] {
         return (std::chrono::system_clock::now() + with.at.sleep_time()).time_since_epoch() / 1ms;
       });
       ctx.step.sleep_until(with.id(), inngest::timestamp(std::chrono::milliseconds(until)));
       return std::string("slept");
     }},
    {"step.wait_for_event",
     [](context& ctx, const tools& with) {
       const auto event = ctx.step.wait_for_event<answered>(with.id(), {.timeout = with.at.wait_time()});
       return event ? event->data.text : "nothing";
     }},
    {"step.wait_for_signal",
     [](context& ctx, const tools& with) {
       const auto signal = ctx.step.wait_for_signal<item>(
           with.id(), {.signal = "matrix/signal", .timeout = with.at.wait_time()});
       return signal ? signal->text : "nothing";
     }},
    {"step.send_event",
     [](context& ctx, const tools& with) {
       return std::to_string(ctx.step.send_event(with.id(), told{{.text = "told"}}).ids.size()) + " sent";
     }},
    {"step.send_signal",
     [](context& ctx, const tools& with) {
       const auto sent = ctx.step.send_signal(with.id(), "matrix/listener", item{"a signal"});
       return std::string(sent.run_id ? "woke a run" : "woke nobody");
     }},
    {"step.publish",
     [](context& ctx, const tools& with) {
       ctx.step.publish(with.id(), "matrix", "news", item{"news"});
       return std::string("published");
     }},
    {"step.score",
     [](context& ctx, const tools& with) {
       ctx.step.score(with.id(), "quality", 0.5);
       return std::string("scored");
     }},
    {"step.set_metadata",
     [](context& ctx, const tools& with) {
       ctx.step.set_metadata(with.id(), "notes", {{"by", "matrix"}});
       return std::string("noted");
     }},
    {"step.invoke",
     [](context& ctx, const tools& with) {
       return ctx.step.invoke(with.id(), with.child, item{"child"}, with.invoke());
     }},
    {"step.invoke by ids",
     [](context& ctx, const tools& with) {
       const inngest::function_ref<child_called, std::string> child{.app_id = "app", .function_id = "child"};
       return ctx.step.invoke(with.id(), child, item{"child"}, with.invoke());
     }},
    {"step.fetch",
     [](context& ctx, const tools& with) {
       const auto answer = ctx.step.fetch(with.id(), {.url = with.at.site.url("/page")});
       return std::to_string(answer.status_code) + " " + answer.body;
     }},
    {"step.ai.infer",
     [](context& ctx, const tools& with) {
       return text(ctx.step.ai.infer(
           with.id(), inngest::ai::openai_compatible{.model = "small", .base_url = with.at.site.url("/v1")},
           json{{"messages", {{{"role", "user"}, {"content", "say hello"}}}}}));
     }},
    {"step.ai.wrap",
     [](context& ctx, const tools& with) {
       return ctx.step.ai.wrap(
           with.body(), [&](std::stop_token stop) { return with.at.visit(stop), std::string("s"); });
     }},
    {"step.ai.wrap with arguments", [](context& ctx, const tools& with) { return seven(ctx, with, true); }},
    {"ctx.defer",
     [](context& ctx, const tools& with) {
       ctx.defer("later", with.deferred, item{"deferred"});
       ctx.step.sleep("nap", 1ms);  // the call ends, so that its server knows
       return with.run(ctx);
     }},
});

consteval bool has_use_of_every_row() {
  if (uses.size() != rows.size()) return false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (uses[i].first != rows[i].name) return false;
  }
  return true;
}
static_assert(has_use_of_every_row(), "a row's step is missing, or not in its place");

/// The body of steps whose body is the library's own: what they do is an HTTP request to the server.
class body_of_library_steps final : public inngest::middleware {
 public:
  explicit body_of_library_steps(world& at) : at_(at) {}

  std::string wrap_step_handler(const inngest::call_info&, const inngest::step_info& step,
                                inngest::next_call<std::string> next) override {
    if (step.id != "s") return next();
    at_.visit();
    return next();
  }

 private:
  world& at_;
};

inline bool is_library_step(const step_row& row) {
  return row.kind == step_kind::send_event || row.kind == step_kind::send_signal ||
         row.needs == need::messages;
}

/// Whether the step has nothing of its own that fails once: then the handler does, when it has the result.
inline bool cannot_fail_once(const step_row& row) { return row.under_way != stage::in_code; }

inline std::string caught(const std::string& name) { return "caught " + name; }

/// The functions that the main one needs.
struct other_functions {
  child_function child;
  deferred_item deferred;
  inngest::any_function listener, waiter;
};

inline other_functions others_of(const inngest::client& app, world& at) {
  auto child = app.create_function({.id = "child", .retries = at.fails_for_good() ? 0 : 3},
                                   inngest::on<child_called>(), [&at](auto& ctx) {
                                     const std::string from = ctx.event.data.text;
                                     ctx.step.run("s", [&] { at.visit_child(ctx.stop_token()); });
                                     return "from the " + from;
                                   });
  auto deferred = app.create_deferred_function<item>(
      {.id = "deferred"}, [&at](auto& ctx) { ctx.step.run("note", [&] { at.note(ctx.event.data.text); }); });
  auto listener = app.create_function({.id = "listener"}, inngest::on<told>(), [&at](auto& ctx) {
    ctx.step.run("note", [&] { at.note(ctx.event.data.text); });
  });
  auto waiter = app.create_function({.id = "waiter"}, inngest::on<wait_wanted>(), [&at](auto& ctx) {
    const auto signal = ctx.step.template wait_for_signal<item>(
        "wait", {.signal = "matrix/listener", .timeout = world::long_time * 3});
    ctx.step.run("note", [&] { at.note(signal ? signal->text : "no signal"); });
  });
  return {child, deferred, listener, waiter};
}

/// The functions of a case. The first is the one with the step.
inline std::vector<inngest::any_function> functions_of(const inngest::client& app, const step_row& row,
                                                       world& at) {
  const other_functions others = others_of(app, at);
  const bool is_slow_to_fail = at.is(disturbance::step_timed_out);
  inngest::function_options options{.id = "main", .retries = is_slow_to_fail ? 1 : 4};
  if (at.is(disturbance::run_timed_out)) options.timeouts.finish = 1h;
  if (is_library_step(row)) options.middleware = {std::make_shared<body_of_library_steps>(at)};
  const use step = uses[static_cast<std::size_t>(&row - rows.data())].second;
  const bool handler_fails_once = at.is(disturbance::failing_once) && cannot_fail_once(row);
  const bool catches = at.is(disturbance::failing_and_caught) || at.is(disturbance::step_timed_out);
  const auto main = app.create_function(
      std::move(options), inngest::on<go>(),
      [&at, others, step, handler_fails_once, catches](context& ctx) {
        const tools with{at, others.child, others.deferred};
        ctx.step.run("before", [&] { at.note("before"); });
        std::string got;
        if (catches) {
          try {
            got = step(ctx, with);
          } catch (const inngest::step_error& problem) {
            got = caught(problem.name());
          } catch (const inngest::step_options_error&) {
            got = caught(std::string(options_error));
          }
        } else {
          got = step(ctx, with);
        }
        if (handler_fails_once && ctx.attempt == 0) throw std::runtime_error("the handler fails");
        ctx.step.run("after", [&] { at.note("after"); });
        return got;
      },
      inngest::on_failure([&at](auto& ctx) { ctx.step.run("note", [&] { at.note("on_failure"); }); }),
      inngest::on_cancel([&at](auto& ctx) { ctx.step.run("note", [&] { at.note("on_cancel"); }); }),
      inngest::on_success([&at](auto& ctx) { ctx.step.run("note", [&] { at.note("on_success"); }); }));
  return {main, others.child, others.deferred, others.listener, others.waiter};
}

}  // namespace step_kinds
