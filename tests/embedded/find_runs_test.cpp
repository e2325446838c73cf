// What an engine finds: by tags and keys, by what runs do now, and by conditions; in process and over HTTP.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/testing.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

namespace find_runs_testing {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;
using order = inngest::event<"shop/order", json>;
using packed = inngest::event<"shop/packed", json>;
using outcomes = std::multiset<std::string>;

/// Functions of a shop, whose orders end as they say.
struct shop {
  inngest::client app = support::quiet_client();
  inngest::any_function pay =
      app.create_function({.id = "pay",
                           .retries = 0,
                           .concurrency = {{.limit = 50, .key = "event.data.customer"}},
                           .idempotency = "event.data.order",
                           .tags = {{.name = "customer", .value = "event.data.customer"},
                                    {.name = "note", .value = "event.data.note"}}},
                          inngest::on<order>(), [](inngest::context<order>& ctx) -> json {
                            const std::string how = ctx.event.data.at("how");
                            ctx.tag("how", how);
                            ctx.step.run("charge", [&] {
                              ctx.tag("amount", 7);
                              return 1;
                            });
                            if (how == "fails") throw inngest::non_retriable_error("no money for " + how);
                            if (how == "sleeps") ctx.step.sleep("nap", 1h);
                            if (how == "waits") ctx.step.wait_for_event<packed>("packed", {.timeout = 1h});
                            return {{"paid", ctx.event.data.value("amount", 0)}};
                          });
  inngest::any_function pack = app.create_function({.id = "pack"}, inngest::on<packed>(),
                                                   [](inngest::context<packed>&) { return "packed"; });

  std::vector<inngest::any_function> functions() const { return {pay, pack}; }
};

engine_options on(const store_records::folder* place) {
  if (!place) return {};
  return {.store = std::make_shared<sqlite_store>(sqlite_options{.path = place->file})};
}

/// Sends an order, and waits until its run does what it says.
std::string place_order(engine& running, const std::string& how, json more) {
  more["how"] = how;
  const auto sent = running.send(order{more});
  std::string id;
  REQUIRE(eventually([&] {
    const auto all = running.runs_of(sent.ids.front());
    if (all.size() != 1) return false;
    id = all.front().id;
    const auto found = running.find_run(id);
    return found->ended() || found->status == run_status::sleeping || found->status == run_status::waiting;
  }));
  return id;
}

/// How the runs of a query ended, or what they do.
outcomes found_by(const engine& running, const run_query& query) {
  outcomes out;
  for (const run& each : running.find_runs(query)) {
    for (const run_tag& tag : each.tags) {
      if (tag.name == "how") out.insert(tag.value);
    }
  }
  CHECK(running.count_runs(query) == out.size());
  return out;
}

}  // namespace find_runs_testing

using namespace find_runs_testing;

TEST_CASE("runs are found by tags, keys, errors, conditions and what they do now, also after a restart",
          "[embedded][find]") {
  const store_records::folder place;
  const bool is_on_disk = GENERATE(false, true);
  const shop s;
  auto options = on(is_on_disk ? &place : nullptr);
  if (!is_on_disk) options.store = std::make_shared<memory_store>();
  const auto look = [&](const engine& running) {
    CHECK(found_by(running, {}) == outcomes{"fails", "pays", "pays", "sleeps", "waits"});
    CHECK(found_by(running, {.tags = {{"customer", "c1"}}}) == outcomes{"pays", "sleeps"});
    CHECK(found_by(running, {.tags = {{"customer", "c1"}, {"how", "pays"}}}) == outcomes{"pays"});
    CHECK(found_by(running, {.tags = {{"amount", "7"}}}).size() == 5);
    CHECK(found_by(running, {.tags = {{"note", "missing"}}}).empty());
    CHECK(found_by(running, {.concurrency_key = "c2"}) == outcomes{"fails", "pays"});
    CHECK(found_by(running, {.idempotency_key = "3"}) == outcomes{"fails"});
    CHECK(found_by(running, {.key = "4"}) == outcomes{"sleeps"});
    CHECK(found_by(running, {.error = "NO MONEY"}) == outcomes{"fails"});
    CHECK(found_by(running, {.status = run_status::sleeping}) == outcomes{"sleeps"});
    CHECK(found_by(running, {.status = run_status::waiting}) == outcomes{"waits"});
    CHECK(found_by(running, {.status = run_status::running}).empty());
    CHECK(found_by(running, {.statuses = {run_status::failed, run_status::sleeping}}) ==
          outcomes{"fails", "sleeps"});
    CHECK(found_by(running, {.where = "event.data.amount > 10"}) == outcomes{"pays", "sleeps"});
    CHECK(found_by(running, {.where = "output.paid == 20"}) == outcomes{"pays"});
    CHECK(found_by(running, {.where = "error.message.contains('money')"}) == outcomes{"fails"});
    CHECK(found_by(running, {.where = "events.size() == 1 && event.name == 'shop/order'"}).size() == 5);
    CHECK(found_by(running, {.where = "no_such_name"}).empty());
    CHECK(found_by(running, {.app = "quiet", .where = "true"}).empty());
    CHECK(found_by(running, {.event_name = "shop/order"}).size() == 5);
    CHECK_THROWS_AS(running.find_runs({.where = "event.data.n >"}), inngest::expression_error);
  };
  {
    engine running(s.app, s.functions(), options);
    place_order(running, "pays", {{"customer", "c1"}, {"order", 1}, {"amount", 20}});
    place_order(running, "pays", {{"customer", "c2"}, {"order", 2}, {"amount", 5}});
    place_order(running, "fails", {{"customer", "c2"}, {"order", 3}});
    place_order(running, "sleeps", {{"customer", "c1"}, {"order", 4}, {"amount", 30}});
    place_order(running, "waits", {{"customer", "c3"}, {"order", 5}});
    look(running);
  }
  if (is_on_disk) {
    options.store.reset();  // opens the file again
    options = on(&place);
  }
  engine again(s.app, s.functions(), options);
  look(again);
}

TEST_CASE("a page with a condition is filled across pages, and ends", "[embedded][find]") {
  const shop s;
  engine running(s.app, s.functions());
  for (int i = 0; i < 12; ++i) place_order(running, "pays", {{"customer", "c"}, {"order", i}, {"amount", i}});
  run_query query{.limit = 2, .where = "int(event.data.amount) % 3 == 0"};
  std::vector<std::string> found;
  for (int pages = 0; pages < 20; ++pages) {
    const run_page page = running.find_run_page(query);
    CHECK(page.runs.size() <= 2);
    for (const run& each : page.runs) found.push_back(each.idempotency_key);
    if (page.next.empty()) break;
    query.before = page.next;
  }
  CHECK(found == std::vector<std::string>{"9", "6", "3", "0"});
  const run_histogram over_time = running.histogram({}, 7);
  std::size_t completed = 0;
  for (const auto& bucket : over_time.buckets) completed += bucket.completed;
  CHECK(over_time.buckets.size() == 7);
  CHECK(completed == 12);
  CHECK_FALSE(over_time.counted_from);
}

TEST_CASE("a histogram of a short span counts no run that is later", "[embedded][find]") {
  const store_records::folder place;
  engine_options options = on(GENERATE(false, true) ? &place : nullptr);
  options.history = std::chrono::hours(100 * 366 * 24);
  if (!options.store) options.store = std::make_shared<memory_store>();
  changes kept;
  for (const int time : {100, 103, 111}) {  // the last one after the span, within its rounded buckets
    run_record& added = kept.runs.emplace_back(
        store_records::run_of("r" + std::to_string(time), {"e" + std::to_string(time)}));
    added.run.queued_at = store_records::at(time);
    added.run.status = run_status::completed;
    added.run.ended_at = store_records::at(time);
  }
  store_records::commit(*options.store, kept);
  const shop s;
  const engine running(s.app, s.functions(), options);
  const run_histogram found =
      running.histogram({.from = store_records::at(100), .until = store_records::at(110)}, 9);
  std::size_t completed = 0;
  for (const auto& bucket : found.buckets) completed += bucket.completed;
  CHECK(completed == 2);
}

TEST_CASE("a run whose signal another run has taken over is found waiting for its timeout",
          "[embedded][find]") {
  const store_records::folder place;
  const engine_options options = on(GENERATE(false, true) ? &place : nullptr);
  const auto app = support::quiet_client();
  const auto wait =
      app.create_function({.id = "wait"}, inngest::on<order>(), [](inngest::context<order>& ctx) {
        const inngest::signal_options wanted{
            .signal = "go", .timeout = 1h, .on_conflict = inngest::signal_conflict::replace};
        return ctx.step.wait_for_signal<json>("approval", wanted).has_value();
      });
  const auto look = [](const engine& running, const std::string& first, const std::string& second) {
    CHECK(running.find_run(first)->status == run_status::waiting);
    CHECK(running.find_run(first)->waits_for == "timeout of step approval");
    CHECK(running.find_run(first)->until.has_value());
    CHECK(running.find_run(second)->waits_for == "signal go");
    CHECK(running.count_runs({.status = run_status::waiting}) == 2);
    CHECK(running.find_runs({.status = run_status::running}).empty());
    CHECK(running.metrics().waiting == 2);
  };
  std::string first, second;
  {
    engine running(app, {wait}, options);
    const auto waits = [&](const std::string& id) {
      return eventually([&] { return running.find_run(id)->waits_for == "signal go"; });
    };
    first = running.start(wait);
    CHECK(waits(first));
    second = running.start(wait);
    CHECK(waits(second));
    look(running, first, second);
  }
  if (!options.store) return;
  const engine again(app, {wait}, options);
  look(again, first, second);
}

TEST_CASE("events are found by name, time and condition", "[embedded][find]") {
  const store_records::folder place;
  const shop s;
  engine running(s.app, s.functions(), on(GENERATE(false, true) ? &place : nullptr));
  running.send(
      {order{{{"how", "pays"}, {"order", 1}}}, order{{{"how", "pays"}, {"order", 2}}}, packed{{{"n", 3}}}});
  CHECK(running.wait_until_idle(support::patience));
  CHECK(running.find_events({}).size() == 3);
  CHECK(running.find_events({.name = "shop/packed"}).size() == 1);
  CHECK(running.find_events({.where = "event.data.order == 2"}).size() == 1);
  CHECK(running.find_events({.search = "pack"}).size() == 1);
  const auto all = running.find_events({});
  CHECK(running.find_events({.id = all[1].id}).size() == 1);
  CHECK(running.find_events({.until = all.back().received_at}).empty());
  CHECK(running.find_events({.from = all.back().received_at}).size() == 3);
}

TEST_CASE("tags are checked, and a function's tags belong to its options", "[embedded][find]") {
  const auto app = support::quiet_client();
  const auto with_tag = [&](const std::string& name, const std::string& value) {
    return app.create_function({.id = "f", .tags = {{.name = name, .value = value}}}, inngest::on<order>(),
                               [](inngest::context<order>&) { return 1; });
  };
  CHECK_THROWS_WITH(with_tag("a:b", "event.data.x"), ContainsSubstring("has a colon"));
  CHECK_THROWS_WITH(with_tag("", "event.data.x"), ContainsSubstring("needs a name"));
  CHECK_THROWS_WITH(with_tag("a", "event.data.x >"), ContainsSubstring("tags: a"));
  CHECK_THROWS_WITH(with_tag("a", ""), ContainsSubstring("needs an expression"));
  const auto tags_badly =
      app.create_function({.id = "g", .retries = 0}, inngest::on<order>(), [](inngest::context<order>& ctx) {
        ctx.tag("a", std::string(300, 'x'));
        return 1;
      });
  engine running(app, {tags_badly});
  const auto sent = running.send(order{json::object()});
  CHECK(running.wait_until_idle(support::patience));
  CHECK_THAT(running.runs_of(sent.ids.front()).front().error.value().message, ContainsSubstring("256 bytes"));
}

TEST_CASE("the harness shows the tags of a run, and a later value replaces an earlier one",
          "[testing][find]") {
  const auto app = support::quiet_client();
  const auto function = app.create_function({.id = "f", .tags = {{.name = "who", .value = "event.data.who"}}},
                                            inngest::on<order>(), [](inngest::context<order>& ctx) {
                                              ctx.tag("state", "begun");
                                              ctx.step.run("a", [] { return 1; });
                                              ctx.tag("state", "ended");
                                              ctx.tag("vip", true);
                                              return 1;
                                            });
  inngest::testing::harness test(app, {function});
  const auto run = test.send(order{{{"who", "ann"}}});
  CHECK(run.tags() == std::vector<run_tag>{{"state", "ended"}, {"vip", "true"}, {"who", "ann"}});
}

TEST_CASE("the routes find, count and refuse", "[http_server][find]") {
  const shop s;
  engine running(s.app, s.functions());
  place_order(running, "pays", {{"customer", "c1"}, {"order", 1}, {"amount", 20}});
  place_order(running, "fails", {{"customer", "c2"}, {"order", 2}});
  http_server server(running, {.port = 0});
  const auto client = inngest::detail::default_transport();
  const auto get = [&](const std::string& route) {
    const auto answer = client->send({.url = server.url() + route}, 60s);
    json out = json::parse(answer.body);
    out["status"] = answer.status;
    return out;
  };
  const json runs = get("/api/runs?tag=customer:c2&status=failed&by=ended");
  REQUIRE(runs["runs"].size() == 1);
  CHECK(runs["next"].is_null());
  CHECK(runs["runs"][0]["tags"] == json{{"customer", "c2"}, {"how", "fails"}, {"amount", "7"}});
  CHECK(runs["runs"][0]["concurrency_keys"] == json{"c2"});
  CHECK(runs["runs"][0]["idempotency_key"] == "2");
  CHECK(get("/api/runs/count?where=event.data.order%3E0")["count"] == 2);
  CHECK(get("/api/runs/count?error=money")["count"] == 1);
  const json over_time = get("/api/runs/histogram?buckets=3");
  CHECK(over_time["buckets"].size() == 3);
  int failed = 0;
  for (const json& bucket : over_time["buckets"]) failed += bucket["failed"].get<int>();
  CHECK(failed == 1);
  CHECK(get("/api/events?name=shop/order&limit=1")["next"].is_string());
  CHECK(get("/api/functions?search=PAC")["functions"].size() == 1);
  CHECK(get("/api/functions?app=other")["functions"].empty());
  for (const char* wrong :
       {"/api/runs?stauts=failed", "/api/runs/count?where=1%2B", "/api/runs/histogram?buckets=0",
        "/api/events?status=failed", "/api/functions?status=x", "/api/runs?limit=1000"}) {
    INFO(wrong);
    CHECK(get(wrong)["status"] == 400);
  }
}
