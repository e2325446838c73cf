#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/middleware.hpp>

#include "../catch.hpp"
#include "../support/handler_driver.hpp"

// What middleware makes of the id, the name and the input of a step or a deferred call.

namespace {

using inngest::json;
using inngest::step_input;
using support::answer;
using support::hash_of;
using support::run_driver;

using asked = inngest::event<"changed/asked">;
using context = inngest::context<asked>;

struct note {
  std::string text;
};
INNGEST_FIELDS(note, text)

using noted = inngest::event<"changed/noted", note>;

class changing final : public inngest::middleware {
 public:
  using change = std::function<void(step_input&)>;
  explicit changing(change how) : how_(std::move(how)) {}

  void transform_step_input(const inngest::call_info&, const inngest::step_info&,
                            step_input& changed) override {
    how_(changed);
  }

 private:
  change how_;
};

inngest::client_options options_with(changing::change how) {
  auto out = support::quiet_options();
  out.middleware = {std::make_shared<changing>(std::move(how))};
  return out;
}

template <class Handler>
inngest::any_function function_of(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<asked>(), std::move(handler));
}

/// A driver of a function with this handler, whose steps middleware changes.
template <class Handler>
run_driver run_with(changing::change how, Handler handler) {
  return run_driver(function_of(std::move(handler)), options_with(std::move(how)));
}

const inngest::deferred_function<note>& deferred() {
  static const auto function =
      support::quiet_client().create_deferred_function<note>({.id = "later"}, [](auto&) {});
  return function;
}

void move_to_tenant(step_input& step) {
  step.id = "tenant/" + step.id;
  step.name = "N";
}

}  // namespace

TEST_CASE("middleware changes the id and the name of a deferred call as those of a step",
          "[middleware][defer]") {
  auto run = run_with(move_to_tenant, [](context& ctx) { ctx.defer("d", deferred(), note{"n"}); });
  const json added = run.discover().op();
  CHECK(added.at("op") == "DeferAdd");
  CHECK(added.at("id") == hash_of("tenant/d"));
  CHECK(added.at("name") == "N");
  CHECK(added.at("displayName") == "N");
  CHECK(added.at("userland").at("id") == "tenant/d");
  CHECK(added.at("opts").at("input") == json{{"text", "n"}});

  auto unnamed = run_with([](step_input& step) { step.id = "e"; },
                          [](context& ctx) { ctx.defer("d", deferred(), note{"n"}); });
  CHECK(unnamed.discover().op().at("displayName") == "e");
}

TEST_CASE("a deferred call whose id middleware has changed can be taken back", "[middleware][defer]") {
  const auto f = function_of([](context& ctx) { ctx.defer("d", deferred(), note{"n"}).abort(); });
  json body = json::parse(support::call{}.text());
  body["defers"] = {{hash_of("tenant/d"), {{"abortable", true}}}};
  const inngest::handler handler(inngest::client(options_with(move_to_tenant)), {f});
  const json aborted = answer(handler(support::post(f.slug(), body.dump()))).op();
  CHECK(aborted.at("op") == "DeferAbort");
  CHECK(aborted.at("displayName") == "N");
  CHECK(aborted.at("opts") ==
        json{{"target_hashed_id", hash_of("tenant/d")}, {"fn_slug", "app-later"}, {"id", "tenant/d"}});
}

namespace {

/// A middleware that leaves this text as the input.
changing::change leaving(std::string input) {
  return [input = std::move(input)](step_input& step) { step.input = input; };
}

/// Calls one kind of step that has an input; a failure that a handler could catch would be lost.
void call_step(context& ctx, const std::string& kind) {
  static const auto called = support::quiet_client().create_function(
      {.id = "called"}, inngest::on<noted>(), [](inngest::context<noted>&) { return 1; });
  const auto body = [](const std::string& text) { return text; };
  try {
    if (kind == "invoke") ctx.step.invoke("s", called, note{"n"});
    if (kind == "defer") ctx.defer("s", deferred(), note{"n"});
    if (kind == "run") ctx.step.run("s", body, std::string("n"));
    if (kind == "ai.wrap") ctx.step.ai.wrap("s", body, std::string("n"));
    if (kind == "parallel run") {
      ctx.group.parallel([&] { ctx.step.run("s", body, std::string("n")); },
                         [&] { ctx.step.run("t", body, std::string("n")); });
    }
  } catch (const std::exception&) {
  }
}

answer answer_with(const changing::change& how, const std::string& kind) {
  return run_with(how, [kind](context& ctx) { call_step(ctx, kind); }).discover();
}

}  // namespace

TEST_CASE("an input that middleware has spoiled fails the attempt with an error that names the step",
          "[middleware]") {
  const std::string problem = "step \"s\": middleware::transform_step_input must leave a JSON array of ";
  const auto fails = [&](const std::string& kind, const std::string& input, const std::string& expected) {
    INFO(kind << " with the input " << input);
    const answer reply = answer_with(leaving(input), kind);
    CHECK(reply.status == 400);
    CHECK(reply.header("x-inngest-no-retry") == "true");
    CHECK(reply.body().at("name") == "inngest::payload_error");
    CHECK(reply.body().at("message") == problem + expected);
  };
  for (const std::string input : {"", "{}", "7", "no JSON", "[no JSON]", "[1", "[1] 2", "[1]}"}) {
    for (const char* kind : {"invoke", "defer"}) fails(kind, input, "one argument");
    for (const char* kind : {"run", "ai.wrap", "parallel run"}) fails(kind, input, "arguments");
  }
  for (const char* kind : {"invoke", "defer"}) {
    for (const char* input : {"[]", "[{},{}]"}) fails(kind, input, "one argument");
  }
}

TEST_CASE("white space around an input that middleware has changed does not matter", "[middleware]") {
  const auto how = leaving(" [ {\"text\":\"m\"} ]\n");
  CHECK(answer_with(how, "invoke").op().at("opts").at("payload").at("data") == json{{"text", "m"}});
  CHECK(answer_with(how, "defer").op().at("opts").at("input") == json{{"text", "m"}});
  CHECK(answer_with(leaving(" [\"m\"]\n"), "run").op().at("data") == "m");
}

TEST_CASE("middleware that changes no input leaves the data as the handler gave it", "[middleware]") {
  const changing::change none = [](step_input&) {};
  CHECK(answer_with(none, "invoke").op().at("opts").at("payload").at("data") == json{{"text", "n"}});
  CHECK(answer_with(none, "defer").op().at("opts").at("input") == json{{"text", "n"}});
  CHECK(answer_with(none, "run").op().at("data") == "n");
}

TEST_CASE("a step without arguments ignores the input that middleware gives it", "[middleware]") {
  auto run = run_with(leaving("no JSON"), [](context& ctx) { return ctx.step.run("s", [] { return 1; }); });
  CHECK(run.discover().op().at("data") == 1);
}

TEST_CASE("a blank id that middleware leaves fails the attempt with an error that names the step",
          "[middleware]") {
  for (const std::string id : {"", " \t\n"}) {
    for (const char* kind : {"invoke", "defer", "run", "ai.wrap", "parallel run"}) {
      INFO(kind << " with the id '" << id << "'");
      const answer reply = answer_with([id](step_input& step) { step.id = id; }, kind);
      CHECK(reply.status == 400);
      CHECK(reply.header("x-inngest-no-retry") == "true");
      CHECK(reply.body().at("name") == "inngest::step_options_error");
      CHECK(reply.body().at("message") ==
            "step \"s\": middleware::transform_step_input must not leave its id empty or blank");
    }
  }
}
