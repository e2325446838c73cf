// Bulk operations: cancel, repeat and remove many runs.
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"

namespace bulk_testing {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"bulk/go", numbered>;
using rest = inngest::event<"bulk/rest", numbered>;

/// Functions of which one fails until it is repaired, and one sleeps.
struct shop {
  inngest::client app = support::quiet_client();
  std::atomic<bool> is_repaired{false};
  std::atomic<int> prices{0}, charges{0};

  inngest::function<int, go> order = app.create_function(
      {.id = "order", .retries = 0}, inngest::on<go>(), [this](inngest::context<go>& ctx) {
        ctx.step.run("price", [&] { return ++prices; });
        return ctx.step.run("charge", [&] {
          ++charges;
          if (!is_repaired) throw inngest::non_retriable_error("the bank is closed");
          return ctx.event.data.n;
        });
      });
  inngest::function<void, rest> sleeper =
      app.create_function({.id = "sleeper"}, inngest::on<rest>(),
                          [](inngest::context<rest>& ctx) { ctx.step.sleep("long", 1h); });

  std::vector<inngest::any_function> functions() const { return {order, sleeper}; }
};

std::shared_ptr<store> store_for(const store_records::folder& place, bool on_disk) {
  if (!on_disk) return std::make_shared<memory_store>();
  return std::make_shared<sqlite_store>(
      sqlite_options{.path = place.file, .sync = sqlite_options::synchronous::normal});
}

void send_orders(engine& engine, int from, int count) {
  std::vector<inngest::any_event> all;
  for (int i = 0; i < count; ++i) all.push_back(go{{.n = from + i}});
  engine.send(all);
}

bulk_operation ended(engine& engine, const std::string& id) {
  REQUIRE(support::eventually([&] { return engine.find_bulk(id)->state != bulk_state::running; }));
  return engine.find_bulk(id).value();
}

std::size_t count(engine& engine, run_status status) {
  return engine.find_runs({.status = status, .limit = 100'000}).size();
}

}  // namespace bulk_testing

using namespace bulk_testing;

TEST_CASE("failed runs are repeated in bulk, each once, and later ones are not", "[bulk]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, its.functions(), {.store = store_for(place, on_disk)}};
  send_orders(engine, 0, 70);
  REQUIRE(engine.wait_until_idle(support::patience));
  REQUIRE(count(engine, run_status::failed) == 70);

  // new runs fail meanwhile, also the repetitions: none of them belongs to the operation
  support::background others([&](const std::atomic<bool>& ends) {
    for (int n = 1000; !ends; n += 5) {
      send_orders(engine, n, 5);
      std::this_thread::sleep_for(5ms);
      support::eventually([&] { return ends || engine.queued_runs() < 100; });  // or there is no end to them
    }
  });
  const auto begun = engine.begin_bulk({.what = bulk_action::rerun,
                                        .runs = {.status = run_status::failed, .function = its.order.slug()},
                                        .per_second = 500});
  CHECK(begun.state == bulk_state::running);
  CHECK(begun.total >= 70);
  const bulk_operation done = ended(engine, begun.id);
  others.end();
  CHECK(done.state == bulk_state::completed);
  CHECK(done.ended_at);
  CHECK(done.failed == 0);
  REQUIRE(engine.wait_until_idle(support::patience));
  std::map<std::string, int> times;
  std::size_t repetitions = 0;
  for (const run& each : engine.runs()) {
    if (each.original_run_id.empty()) continue;
    ++repetitions;
    ++times[each.original_run_id];
    CHECK(each.original_run_id < done.id);
  }
  CHECK(repetitions == done.done);
  CHECK(times.size() == repetitions);
  CHECK(done.done >= 70);
}

TEST_CASE("bulk repetitions begin at the step that failed, or at a named one", "[bulk]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, its.functions(), {.store = store_for(place, on_disk)}};
  send_orders(engine, 0, 30);
  REQUIRE(engine.wait_until_idle(support::patience));
  its.is_repaired = true;
  const auto from_failed = engine.begin_bulk({.from_failed_step = true, .per_second = 1000});
  CHECK(from_failed.total == 30);
  CHECK(ended(engine, from_failed.id).done == 30);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(its.prices == 30);
  CHECK(its.charges == 60);
  CHECK(count(engine, run_status::completed) == 30);

  const auto named = engine.begin_bulk(
      {.runs = {.status = run_status::completed}, .from_step = "charge", .per_second = 1000});
  CHECK(ended(engine, named.id).done == 30);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(its.prices == 30);
  CHECK(its.charges == 90);

  const auto without =
      engine.begin_bulk({.runs = {.status = run_status::failed}, .from_step = "none", .per_second = 1000});
  const bulk_operation failed = ended(engine, without.id);
  CHECK(failed.done == 0);
  CHECK(failed.failed == 30);
  REQUIRE(failed.problems.size() == max_bulk_problems);
  CHECK(failed.problems.front().text == "Step not found in original run");
  CHECK(engine.find_run(failed.problems.front().run_id)->status == run_status::failed);
}

TEST_CASE(
    "a bulk repetition of what was not repeated yet takes each run once, and the last attempts that failed",
    "[bulk]") {
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  auto kept = store_for(place, on_disk);
  const bulk_request wanted{.runs = {.status = run_status::failed, .is_repeated = false},
                            .from_failed_step = true,
                            .per_second = 1000};
  {
    shop its;
    engine engine{its.app, its.functions(), {.store = kept}};
    send_orders(engine, 0, 20);
    REQUIRE(engine.wait_until_idle(support::patience));
    const auto first = engine.begin_bulk(wanted);
    CHECK(first.total == 20);
    CHECK(ended(engine, first.id).done == 20);
    REQUIRE(engine.wait_until_idle(support::patience));
    CHECK(count(engine, run_status::failed) == 40);  // the bank is still closed
    CHECK(engine.count_runs({.status = run_status::failed, .is_repeated = true}) == 20);
    for (const run& each : engine.find_runs({.is_repeated = false}))
      CHECK_FALSE(each.original_run_id.empty());
  }
  if (on_disk) {
    kept.reset();
    kept = store_for(place, on_disk);
  }
  shop its;
  its.is_repaired = true;
  engine engine{its.app, its.functions(), {.store = kept}};
  const auto second = engine.begin_bulk(wanted);
  CHECK(second.total == 20);
  CHECK(ended(engine, second.id).done == 20);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(its.prices == 0);  // kept through both repetitions
  CHECK(its.charges == 20);
  CHECK(count(engine, run_status::completed) == 20);
  const auto third = engine.begin_bulk(wanted);
  CHECK(third.total == 0);
  CHECK(ended(engine, third.id).done == 0);
  CHECK(engine.count_runs({.is_repeated = false}) == 20);
  // a run whose repetition is gone has not been repeated
  const auto removes = engine.begin_bulk(
      {.what = bulk_action::remove, .runs = {.status = run_status::completed}, .per_second = 1000});
  CHECK(ended(engine, removes.id).done == 20);
  CHECK(engine.count_runs({.status = run_status::failed, .is_repeated = false}) == 20);
}

TEST_CASE("two bulk operations side by side repeat what was not repeated yet once", "[bulk]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, its.functions(), {.store = store_for(place, on_disk)}};
  send_orders(engine, 0, 200);
  REQUIRE(engine.wait_until_idle(support::patience));
  its.is_repaired = true;
  const bulk_request wanted{.runs = {.status = run_status::failed, .is_repeated = false}, .per_second = 500};
  const std::string one = engine.begin_bulk(wanted).id, other = engine.begin_bulk(wanted).id;
  CHECK(ended(engine, one).done + ended(engine, other).done == 200);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(count(engine, run_status::completed) == 200);
}

TEST_CASE("runs are cancelled and removed in bulk", "[bulk]") {
  shop its;
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  const auto kept = store_for(place, on_disk);
  engine engine{its.app, its.functions(), {.store = kept}};
  std::vector<inngest::any_event> all;
  for (int i = 0; i < 25; ++i) all.push_back(rest{{.n = i}});
  engine.send(all);
  send_orders(engine, 0, 20);
  REQUIRE(support::eventually([&] { return count(engine, run_status::failed) == 20; }));
  REQUIRE(support::eventually([&] {
    const auto runs = engine.find_runs({.function = its.sleeper.slug()});
    return runs.size() == 25 && std::all_of(runs.begin(), runs.end(), [](const run& each) {
             return each.status == run_status::sleeping;
           });
  }));

  const auto cancels = engine.begin_bulk(
      {.what = bulk_action::cancel, .runs = {.status = run_status::sleeping}, .per_second = 1000});
  CHECK(cancels.total == 25);
  CHECK(ended(engine, cancels.id).done == 25);
  CHECK(count(engine, run_status::cancelled) == 25);
  CHECK(count(engine, run_status::failed) == 20);

  std::vector<std::string> removed;
  for (const run& each : engine.find_runs({.status = run_status::failed})) removed.push_back(each.id);
  const auto removes = engine.begin_bulk(
      {.what = bulk_action::remove,
       .runs = {.status = run_status::failed, .by = run_query::time::ended, .from = inngest::timestamp()},
       .per_second = 1000});
  CHECK(removes.total == 20);
  CHECK(ended(engine, removes.id).done == 20);
  CHECK(engine.store().count_runs().failed == 0);
  CHECK(engine.store().count_runs().cancelled == 25);
  for (const std::string& id : removed) {
    CHECK_FALSE(engine.find_run(id));
    CHECK(kept->memos_of(id).empty());
    CHECK(kept->logs_of(id).empty());
  }
  CHECK(engine.check().empty());
  const auto listed = engine.bulk_operations();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].id == removes.id);
  CHECK(listed[1].id == cancels.id);
  kept->forget(
      {.history = std::chrono::milliseconds(0)},
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()) + 1min);
  CHECK(engine.bulk_operations().empty());
}

TEST_CASE("a time span of ends selects runs, whenever they were queued", "[bulk]") {
  shop its;
  engine engine{its.app, its.functions(), {}};
  send_orders(engine, 0, 10);
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto oldest = engine.find_runs({.by = run_query::time::ended, .oldest_first = true});
  const auto middle = oldest.at(4).ended_at.value() + 1ms;
  const auto expected = static_cast<std::size_t>(
      std::count_if(oldest.begin(), oldest.end(), [&](const run& each) { return each.ended_at >= middle; }));
  const auto begun =
      engine.begin_bulk({.runs = {.by = run_query::time::ended, .from = middle}, .per_second = 1000});
  CHECK(begun.total == expected);
  CHECK(ended(engine, begun.id).done == expected);
}

TEST_CASE("a bulk operation keeps to its speed, and stops", "[bulk]") {
  shop its;
  engine engine{its.app, its.functions(), {}};
  send_orders(engine, 0, 400);
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto start = std::chrono::steady_clock::now();
  const auto slow = engine.begin_bulk({.per_second = 5});
  REQUIRE(support::eventually([&] { return engine.find_bulk(slow.id)->done >= 3; }));
  CHECK(std::chrono::steady_clock::now() - start >= 390ms);  // the first at once, two more
  CHECK(engine.stop_bulk(slow.id));
  CHECK_FALSE(engine.stop_bulk(slow.id));
  CHECK_FALSE(engine.stop_bulk("none"));
  const bulk_operation stopped = engine.find_bulk(slow.id).value();
  CHECK(stopped.state == bulk_state::stopped);
  CHECK(stopped.ended_at);
  CHECK(stopped.done < 400);
  std::this_thread::sleep_for(500ms);
  std::size_t repetitions = 0;
  for (const run& each : engine.runs()) repetitions += each.original_run_id.empty() ? 0U : 1U;
  CHECK(repetitions == stopped.done);
}

TEST_CASE("a bulk operation goes on after restarts, and repeats no run twice", "[bulk]") {
  const store_records::folder place;
  const bool on_disk = GENERATE(false, true);
  auto kept = store_for(place, on_disk);
  std::string id;
  {
    shop its;
    engine engine{its.app, its.functions(), {.store = kept}};
    send_orders(engine, 0, 60);
    REQUIRE(engine.wait_until_idle(support::patience));
    id = engine.begin_bulk({.runs = {.status = run_status::failed}, .per_second = 10}).id;
  }
  int restarts = 0;
  for (bool more = true; more; ++restarts) {
    if (on_disk) {
      kept.reset();
      kept = store_for(place, on_disk);
    }
    shop its;
    its.is_repaired = true;
    engine engine{its.app, its.functions(), {.store = kept}};
    const std::size_t before = engine.find_bulk(id)->done;
    const std::size_t more_runs = restarts < 3 ? 1 : 10;  // the first come early, however slow this is
    REQUIRE(support::eventually([&] {
      const auto now = engine.find_bulk(id);
      return now->state != bulk_state::running || now->done >= before + more_runs;
    }));
    more = engine.find_bulk(id)->state == bulk_state::running;
    if (!more) REQUIRE(engine.wait_until_idle(support::patience));
  }
  CHECK(restarts > 2);
  std::map<std::string, int> times;
  for (const run& each : kept->runs()) {
    if (!each.original_run_id.empty()) ++times[each.original_run_id];
  }
  CHECK(times.size() == 60);
  for (const auto& [original, count] : times) CHECK(count == 1);
  CHECK(kept->bulk_operations().at(0).done == 60);
}

TEST_CASE(
    "a bulk operation that goes on after a restart leaves its own runs out while the clock stands still",
    "[bulk]") {
  const auto now = std::chrono::system_clock::now();
  for (int i = 0; i < 12; ++i) {  // ids are by chance: one of two would be smaller than the operation's
    const auto kept = std::make_shared<inngest::embedded::memory_store>();
    std::string id;
    {
      shop its;
      engine engine{its.app, its.functions(), {.store = kept, .system_time = [now] { return now; }}};
      send_orders(engine, 0, 3);
      REQUIRE(engine.wait_until_idle(support::patience));
      id = engine.begin_bulk({.per_second = 20}).id;
    }
    shop its;
    engine engine{its.app, its.functions(), {.store = kept, .system_time = [now] { return now; }}};
    CHECK(ended(engine, id).done == 3);
    CHECK(engine.wait_until_idle(support::patience));
    CHECK(engine.runs().size() == 6);
  }
}

TEST_CASE(
    "a bulk operation stops when the clock was set back by days, as its own runs would look like earlier "
    "ones",
    "[bulk]") {
  const auto time = std::make_shared<std::atomic<int>>(0);  // days that the clock was set back
  shop its;
  engine engine{its.app, its.functions(), {.system_time = [time] {
                  return std::chrono::system_clock::now() - std::chrono::days(time->load());
                }}};
  send_orders(engine, 0, 30);
  REQUIRE(engine.wait_until_idle(support::patience));
  const std::string id = engine.begin_bulk({.per_second = 1}).id;
  *time = 3;
  REQUIRE(support::eventually([&] { return engine.find_bulk(id)->state != bulk_state::running; }));
  const bulk_operation stopped = engine.find_bulk(id).value();
  CHECK(stopped.state == bulk_state::stopped);
  CHECK(stopped.done < 30);
  REQUIRE(stopped.problems.size() == 1);
  CHECK_THAT(stopped.problems[0].text, ContainsSubstring("the clock was set back"));
}

TEST_CASE("a bulk operation waits while the runs that it began are not called", "[bulk]") {
  const auto app = support::quiet_client();
  std::atomic<bool> is_open{true};
  const auto f = app.create_function({.id = "f", .retries = 0, .concurrency = 1}, inngest::on<go>(),
                                     [&](inngest::context<go>&) { support::hold_until(is_open); });
  engine engine{app, {f}, {.workers = 4}};
  send_orders(engine, 0, 1200);
  REQUIRE(engine.wait_until_idle(support::patience));
  is_open = false;
  const auto begun = engine.begin_bulk({.per_second = 10'000});
  REQUIRE(support::eventually([&] { return engine.find_bulk(begun.id)->done >= 1000; }));
  std::this_thread::sleep_for(300ms);
  CHECK(engine.find_bulk(begun.id)->done < 1200);
  is_open = true;
  CHECK(ended(engine, begun.id).done == 1200);
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("wrong bulk requests name what is wrong", "[bulk]") {
  shop its;
  engine engine{its.app, its.functions(), {}};
  const auto refused = [&](const bulk_request& request, const char* part) {
    CHECK_THROWS_WITH(engine.begin_bulk(request), ContainsSubstring(part));
  };
  refused({.what = bulk_action::cancel, .runs = {.status = run_status::failed}}, "status");
  refused({.what = bulk_action::remove, .runs = {.statuses = {run_status::running}}}, "status");
  refused({.what = bulk_action::cancel, .from_step = "a"}, "from_step");
  refused({.what = bulk_action::remove, .from_failed_step = true}, "from_failed_step");
  refused({.runs = {.status = run_status::completed}, .from_failed_step = true}, "failed runs");
  refused({.from_step = "a", .from_failed_step = true}, "excludes");
  refused({.per_second = 0}, "per_second");
  refused({.per_second = 10'001}, "per_second");
  refused({.runs = {.where = "event.("}}, "where");
  CHECK(engine.bulk_operations().empty());
}

namespace {

/// A store of a user that knows nothing of bulk operations.
class plain_store final : public store {
 public:
  void commit(std::span<const changes> all) override { kept_.commit(all); }
  unfinished_work load() override { return kept_.load(); }
  void forget_before(inngest::timestamp time) override { kept_.forget_before(time); }
  std::optional<event_record> find_event(std::string_view id) const override { return kept_.find_event(id); }
  std::vector<event_record> find_events(const event_query& query) const override {
    return kept_.find_events(query);
  }
  std::optional<run_record> find_run(std::string_view id) const override { return kept_.find_run(id); }
  std::vector<run> find_runs(const run_query& query) const override { return kept_.find_runs(query); }
  std::vector<run> runs_of(std::string_view id) const override { return kept_.runs_of(id); }
  std::vector<run> runs() const override { return kept_.runs(); }
  std::vector<memo_record> memos_of(std::string_view id) const override { return kept_.memos_of(id); }
  run_counts count_runs() const override { return kept_.count_runs(); }

 private:
  memory_store kept_;
};

}  // namespace

TEST_CASE("a store without bulk operations refuses them, and still finds repetitions", "[bulk]") {
  shop its;
  engine engine{its.app, its.functions(), {.store = std::make_shared<plain_store>()}};
  send_orders(engine, 0, 3);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK_THROWS_AS(engine.begin_bulk({}), inngest::store_error);
  CHECK_THROWS_WITH(engine.bulk_operations(), ContainsSubstring("does not support bulk operations"));
  const std::string original = engine.runs().at(0).id;
  const std::string again = engine.rerun(original).value();
  REQUIRE(engine.reruns_of(original).size() == 1);
  CHECK(engine.reruns_of(original).at(0).id == again);
}

TEST_CASE("bulk operations over HTTP count first, tell how far they are, and stop", "[bulk][http_server]") {
  const store_records::folder place;
  shop its;
  engine engine{its.app, its.functions(), {.store = store_for(place, true)}};
  const http_server server{engine, {.port = 0}};
  support::http_client client(server.port());
  const auto post = [&](const std::string& path, const std::string& body, int status = 200) {
    const auto answer = client.Post(path, body, "application/json");
    REQUIRE(answer);
    INFO(answer->body);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  };
  const auto get = [&](const std::string& path, int status = 200) {
    const auto answer = client.Get(path);
    REQUIRE(answer);
    INFO(answer->body);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  };
  send_orders(engine, 0, 25);
  REQUIRE(engine.wait_until_idle(support::patience));
  its.is_repaired = true;

  const std::string filter = R"("filter":{"status":"failed","function":")" + its.order.slug() + "\"}";
  CHECK(post("/api/bulk", R"({"action":"rerun","dry_run":true,)" + filter + "}") == json{{"count", 25}});
  CHECK(post("/api/bulk", R"({"action":"cancel","dry_run":true,"filter":{}})") == json{{"count", 0}});
  CHECK(get("/api/bulk") == json{{"operations", json::array()}});
  const json begun =
      post("/api/bulk", R"({"action":"rerun","from_failed_step":true,"per_second":1000,)" + filter + "}");
  CHECK(begun.at("total") == 25);
  CHECK(begun.at("action") == "rerun");
  CHECK(begun.at("filter") == json{{"status", {"failed"}}, {"function", {its.order.slug()}}});
  const std::string id = begun.at("id");
  ended(engine, id);
  const json done = get("/api/bulk/" + id);
  CHECK(done.at("state") == "completed");
  CHECK(done.at("done") == 25);
  CHECK(done.at("problems").empty());
  CHECK(get("/api/bulk").at("operations") == json::array({done}));
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(its.prices == 25);
  const std::string anew = R"("filter":{"status":"failed","repeated":"false"})";
  CHECK(post("/api/bulk", R"({"action":"rerun","dry_run":true,)" + anew + "}") == json{{"count", 0}});
  CHECK(get("/api/runs/count?status=failed&repeated=true").at("count") == 25);

  const json slow = post("/api/bulk", R"({"action":"remove","per_second":1,"all":true})");
  const std::string slow_id = slow.at("id");
  const json stopped = post("/api/bulk/" + slow_id + "/stop", "");
  CHECK(stopped.at("state") == "stopped");
  const auto removed = stopped.at("done").get<std::size_t>();  // it may have begun
  CHECK_THAT(post("/api/bulk/" + slow_id + "/stop", "", 409).dump(), ContainsSubstring("stopped"));

  const auto refused = [&](const std::string& body, const char* part) {
    CHECK_THAT(post("/api/bulk", body, 400).dump(), ContainsSubstring(part));
  };
  refused("", "action");
  refused(R"({"action":"explode","filter":{}})", "action");
  refused(R"({"action":"rerun"})", "filter");
  refused(R"({"action":"rerun","filter":[]})", "filter");
  refused(R"({"action":"rerun","filter":{"state":"failed"}})", "state");
  refused(R"({"action":"rerun","filter":{"status":"broken"}})", "status");
  refused(R"({"action":"cancel","filter":{"status":"failed"}})", "status");
  refused(R"({"action":"rerun","filter":{},"per_second":0})", "per_second");
  refused(R"({"action":"rerun","filter":{},"per_second":"5"})", "per_second");
  refused(R"({"action":"rerun","filter":{},"per_second":-1})", "per_second");
  refused(R"({"action":"rerun","filter":{},"dry_run":1})", "dry_run");
  refused(R"({"action":"rerun","filter":{},"dryrun":true})", "dryrun");
  post("/api/bulk/none/stop", "", 404);
  get("/api/bulk/none", 404);

  // nothing makes an operation greater by mistake
  refused(R"({"action":"cancel","filter":{}})", "\"all\\\": true");
  refused(R"({"action":"cancel","filter":{"by":"ended"}})", "selects every run");
  refused(R"({"action":"cancel","filter":{"status":"running"},"all":true})", "contradicts");
  refused(R"({"action":"cancel","filter":null,"all":true})", "filter");
  refused(R"({"action":"cancel","filter":{},"all":"yes"})", "all");
  refused(R"({"action":"cancel","filter":{"function":""},"dry_run":true})", "filter.function");
  refused(R"({"action":"cancel","filter":{"status":"running","function":null}})", "filter.function");
  refused(R"({"action":"cancel","filter":{"status":"running","tag":[]}})", "filter.tag");
  refused(R"({"action":"cancel","filter":{"status":["running",""]}})", "filter.status");
  refused(R"({"action":"cancel","filter":{"status":"running","limit":10}})", "filter.limit");
  refused(R"({"action":"cancel","filter":{"status":"running","before":"x"}})", "filter.before");
  refused(R"({"action":"cancel","filter":{"status":"running"},"filter":{}})", "twice");
  refused(R"({"action":"rerun","filter":{"status":"failed"},"from_step":""})", "from_step");
  CHECK_THAT(post("/api/bulk?dry_run=true", R"({"action":"remove","all":true})", 400).dump(),
             ContainsSubstring("no parameters"));
  post("/api/bulk/" + id + "/stop", R"({"dry_run":true})", 400);
  CHECK(get("/api/bulk").at("operations").size() == 2);
  CHECK(engine.store().count_runs().failed + removed >= 25);
}

TEST_CASE("a client that repeats its request does not begin bulk operations without end",
          "[bulk][http_server]") {
  shop its;
  engine engine{its.app, its.functions(), {}};
  const http_server server{engine, {.port = 0}};
  support::http_client client(server.port());
  send_orders(engine, 0, 300);
  REQUIRE(engine.wait_until_idle(support::patience));
  // each takes five minutes, and they take no runs from each other
  const std::string body = R"({"action":"rerun","per_second":1,"filter":{"status":"failed"}})";
  std::size_t refusals = 0;
  for (int i = 0; i < 103; ++i) {
    const auto answer = client.Post("/api/bulk", body, "application/json");
    REQUIRE(answer);
    if (answer->status == 200) continue;
    CHECK(answer->status == 429);
    CHECK(answer->has_header("retry-after"));
    ++refusals;
  }
  CHECK(refusals == 3);
  for (const bulk_operation& each : engine.bulk_operations()) engine.stop_bulk(each.id);
}
