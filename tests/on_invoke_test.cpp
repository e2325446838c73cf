#include <string>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

// Functions that nothing but an invoke starts.

namespace on_invoke {

using inngest::json;

struct image {
  std::string path;
  int width = 0;
};
INNGEST_FIELDS(image, path, width)
using uploaded = inngest::event<"images/uploaded", image>;
using invoked = inngest::invoked<image>;

struct gallery {
  inngest::client app = support::quiet_client();
  inngest::function<std::string, invoked> resize =
      app.create_function({.id = "resize"}, inngest::on_invoke<image>(), [](inngest::context<invoked>& ctx) {
        return ctx.step.run("scale",
                            [&] { return ctx.event.data.path + "@" + std::to_string(ctx.event.data.width); });
      });
  inngest::function<std::string, uploaded> publish = app.create_function(
      {.id = "publish"}, inngest::on<uploaded>(),
      [this](inngest::context<uploaded>& ctx) { return ctx.step.invoke("resize", resize, ctx.event.data); });
};

}  // namespace on_invoke

using namespace on_invoke;

TEST_CASE("a function without triggers is registered with none", "[invoke][registration]") {
  gallery g;
  CHECK(g.resize.triggers().empty());
  const json described = json::parse(inngest::protocol::describe_function(
      g.resize.slug(), g.resize.options(), g.resize.triggers(), "http://localhost/api/inngest"));
  CHECK(described.at("triggers") == json::array());
}

TEST_CASE("a function without triggers runs when it is invoked, with typed data", "[invoke][harness]") {
  gallery g;
  inngest::testing::harness t(g.app, {g.resize, g.publish});
  auto run = t.send(uploaded{{.path = "cat.png", .width = 64}});
  CHECK(run.output<std::string>() == "cat.png@64");
  CHECK(t.runs_of(g.resize).size() == 1);
  CHECK(t.start(g.resize, {{"path", "dog.png"}, {"width", 8}}).output<std::string>() == "dog.png@8");
}

TEST_CASE("no event starts a function without triggers", "[invoke][harness]") {
  gallery g;
  inngest::testing::harness t(g.app, {g.resize});
  t.send_to_all(uploaded{{.path = "cat.png"}});
  CHECK(t.runs().empty());
}

TEST_CASE("a function for invokes runs over HTTP, on an engine, and with on_failure", "[invoke][engine]") {
  const auto app = support::quiet_client();
  std::string failed;
  auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on_invoke<image>(),
      [](inngest::context<invoked>&) { throw inngest::non_retriable_error("no"); },
      inngest::on_failure([&](inngest::failure_context<invoked>& ctx) { failed = ctx.event->data.path; }));
  auto both = app.create_function({.id = "both"},
                                  inngest::any_of(inngest::on_invoke<image>(), inngest::on<uploaded>()),
                                  [](auto& ctx) { return std::string(ctx.event.name()); });

  support::run_driver over_http(both);
  over_http.with_event({{"name", "inngest/function.invoked"}, {"data", {{"path", "p"}, {"width", 1}}}});
  CHECK(over_http.finish().result == "inngest/function.invoked");
  over_http.with_event({{"name", "images/uploaded"}, {"data", {{"path", "p"}, {"width", 1}}}});
  CHECK(over_http.finish().result == "images/uploaded");

  inngest::embedded::engine engine(app, {f, both});
  const std::string run = engine.start(f, {{"path", "cat.png"}, {"width", 2}});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.find_run(run)->error.has_value());
  CHECK(failed == "cat.png");
}

TEST_CASE("what a server adds to an invoke's data is no part of a map, but of a JSON document", "[invoke]") {
  using counts = std::map<std::string, int>;
  const auto app = support::quiet_client();
  const auto sum = app.create_function({.id = "sum"}, inngest::on_invoke<counts>(),
                                       [](inngest::context<inngest::invoked<counts>>& ctx) {
                                         return static_cast<int>(ctx.event.data.size());
                                       });
  using changed = inngest::event<"shop/changed", inngest::json>;
  const auto keys = app.create_function({.id = "keys"}, inngest::on<changed>(),
                                        [](inngest::context<changed>& ctx) { return ctx.event.data.dump(); });
  using go = inngest::event<"shop/go">;
  const auto parent =
      app.create_function({.id = "parent"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
        return std::to_string(ctx.step.invoke("sum", sum, counts{{"a", 1}, {"b", 2}})) +
               ctx.step.invoke("keys", keys, inngest::json{{"c", 3}});
      });
  inngest::testing::harness t{app, {sum, keys, parent}};
  const auto output = t.send(go{}).output<std::string>();
  CHECK(output.substr(0, 1) == "2");
  const auto read = inngest::json::parse(output.substr(1));
  CHECK(read.at("c") == 3);
  CHECK(read.contains("_inngest"));
}
