#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/realtime.hpp>
#include <inngest/testing.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/http_connection.hpp"
#include "support/message_of.hpp"

// Realtime and metadata on an embedded engine: in the process, and through its server.

namespace {

using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::http_server;
using inngest::embedded::run_note;
using support::eventually;
namespace realtime = inngest::realtime;
using strings = std::vector<std::string>;

struct Progress {
  int percent = 0;
};
INNGEST_FIELDS(Progress, percent)
using ImportProgress = inngest::topic<"progress", Progress>;
using ImportLog = inngest::topic<"log", std::string>;
using Import = inngest::channel<"import:{id}", ImportProgress, ImportLog>;

struct import_asked {
  std::string id{};
};
INNGEST_FIELDS(import_asked, id)
using asked = inngest::event<"import/asked", import_asked>;

constexpr const char* signing_key = "signkey-test-0123456789abcdef0123456789abcdef";

inngest::client_options quiet(const std::string& id = "app") {
  return {.id = id,
          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
          .environment = [](const char*) { return std::nullopt; }};
}

/// A client of a server, as another process would have it.
inngest::client remote_client(const std::string& url, const std::string& key = {}) {
  inngest::client_options options = quiet("remote");
  options.mode = key.empty() ? inngest::mode::dev : inngest::mode::cloud;
  options.api_base_url = url;
  options.event_api_base_url = url;
  options.signing_key = key;
  options.transport = std::make_shared<inngest::httplib_transport>();
  return inngest::client(options);
}

/// Collects what a subscription receives.
class received {
 public:
  void operator()(const realtime::message& m) {
    const std::lock_guard lock(mutex_);
    all_.push_back(m);
  }
  void fail(const std::exception& problem) {
    const std::lock_guard lock(mutex_);
    problems_.emplace_back(problem.what());
  }
  std::vector<realtime::message> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  strings texts() const {
    strings out;
    for (const auto& m : all()) out.push_back(std::string(to_string(m.kind)) + " " + m.topic + " " + m.text);
    return out;
  }
  strings problems() const {
    const std::lock_guard lock(mutex_);
    return problems_;
  }
  std::size_t count() const { return all().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<realtime::message> all_;
  strings problems_;
};

realtime::subscription watch(const inngest::client& app, const std::string& channel, const strings& topics,
                             received& into, realtime::subscribe_options options = {}) {
  options.backoff = 1ms;
  options.max_backoff = 20ms;
  options.on_error = [&into](const std::exception& problem) { into.fail(problem); };
  auto out = realtime::subscribe(
      app, channel, topics, [&into](const realtime::message& m) { into(m); }, std::move(options));
  CHECK(out.wait_until_open(support::patience));
  return out;
}

/// A function with a progress bar.
auto make_import(const inngest::client& app) {
  return app.create_function({.id = "import"}, inngest::on<asked>(), [app](auto& ctx) {
    const Import channel{ctx.event.data.id};
    ctx.step.template publish<ImportProgress>("begin", channel, {.percent = 10});
    ctx.step.run("work", [&] {
      app.publish<ImportLog>(channel, "working");
      return 1;
    });
    ctx.step.template publish<ImportProgress>("end", channel, {.percent = 100});
    ctx.step.score("rate", "quality", 0.5);
    ctx.step.set_metadata("describe", "rows", {{"count", 7}});
    return "done";
  });
}

}  // namespace

TEST_CASE("a subscriber sees the progress of a run, in the process and through the server",
          "[embedded][realtime]") {
  const inngest::client app(quiet());
  const auto import = make_import(app);
  engine running(app, {import});
  http_server server(running, {.port = 0});
  const inngest::client remote = remote_client(server.url());
  received here, there;
  auto in_process = watch(app, "import:7", {"progress", "log"}, here);
  auto over_http = watch(remote, "import:7", {"progress", "log"}, there);
  std::vector<int> typed;
  std::mutex mutex;
  auto by_type = running.subscribe(Import{7}, realtime::on<ImportProgress>([&](const Progress& p) {
                                     const std::lock_guard lock(mutex);
                                     typed.push_back(p.percent);
                                   }));
  REQUIRE(by_type.wait_until_open(support::patience));

  const std::string event = running.send(asked{{.id = "7"}}).ids.at(0);
  const strings expected{R"(data progress {"percent":10})", R"(data log "working")",
                         R"(data progress {"percent":100})"};
  CHECK(eventually([&] { return here.count() == 3 && there.count() == 3; }));
  CHECK(here.texts() == expected);
  CHECK(there.texts() == expected);
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return typed == std::vector<int>{10, 100};
  }));
  const std::string run = running.runs_of(event).at(0).id;
  for (const auto& m : there.all()) {
    CHECK(m.run_id == run);  // also of the client's publish, which names no run
    CHECK(m.channel == "import:7");
    CHECK(m.created_at.has_value());
  }
  CHECK(there.all().at(0).data<Progress>().percent == 10);
  REQUIRE(running.wait_until_idle(support::patience));
  CHECK(running.find_run(run)->output<std::string>() == "done");
}

TEST_CASE("metadata that is set again and again does not count again and again", "[embedded][realtime]") {
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  std::shared_ptr<inngest::embedded::store> store;
  if (on_disk)
    store = std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = place.file});
  else
    store = std::make_shared<inngest::embedded::memory_store>();
  const inngest::client app(quiet());
  const auto import = make_import(app);
  engine running(app, {import}, {.store = store});
  const std::string run = running.start(import, {{"id", "1"}});
  REQUIRE(running.wait_until_idle(support::patience));
  const std::size_t before = store->notes_of(run).size();
  const std::string large(60'000, 'x');
  app.set_metadata({.run_id = run, .step_id = "s"}, "progress", {{"of", "step"}});
  app.set_metadata({.run_id = run}, "progress", {{"first", 1}}, inngest::metadata_change::merge);
  for (int round = 0; round < 20; ++round)
    app.set_metadata({.run_id = run}, "progress", {{"round", round}, {"text", large}});
  CHECK(store->notes_of(run).size() == before + 2);
  const json all = inngest::embedded::combined_metadata(store->notes_of(run));
  const auto last = std::find_if(all.begin(), all.end(), [](const json& each) {
    return each["kind"] == "userland.progress" && each["target"].is_null();
  });
  REQUIRE(last != all.end());
  CHECK(last->at("values") == json{{"round", 19}, {"text", large}});
  const auto add = [&](int n) {
    app.set_metadata({.run_id = run}, "progress", {{"text" + std::to_string(n), large}},
                     inngest::metadata_change::merge);
  };
  CHECK_THROWS_WITH(([&] {
                      for (int n = 0; n < 20; ++n) add(n);
                    })(),
                    Catch::Matchers::ContainsSubstring("more than 1 MB"));
  app.set_metadata({.run_id = run}, "progress", {{"round", 20}});  // makes room
  CHECK(store->notes_of(run).size() == before + 2);
}

TEST_CASE("another process publishes, scores and sets metadata through the engine's server",
          "[embedded][realtime]") {
  const inngest::client app(quiet());
  const auto import = make_import(app);
  engine running(app, {import});
  http_server server(running, {.port = 0, .signing_key = signing_key});
  const inngest::client remote = remote_client(server.url(), signing_key);
  received there;
  auto watching = watch(remote, "c", {"t"}, there);
  remote.publish("c", "t", json{{"a", "ä"}});
  remote.publish("c", "other", 1);
  remote.publish("d", "t", 2);
  remote.publish("c", "t", "text");
  CHECK(eventually([&] { return there.count() == 2; }));
  CHECK(there.texts() == strings{R"(data t {"a":"ä"})", R"(data t "text")"});

  const std::string run = running.start(import, {{"id", "1"}});
  REQUIRE(running.wait_until_idle(support::patience));
  remote.score(run, "quality", 0.25);
  CHECK_THROWS_WITH(remote.score("unknown", "quality", 1),
                    Catch::Matchers::ContainsSubstring("there is no run \"unknown\""));
  const inngest::client stranger = remote_client(server.url(), "signkey-test-ffff");
  CHECK_THROWS_AS(stranger.publish("c", "t", 1), inngest::unauthorized);
  CHECK_THROWS_AS(realtime::token(stranger, "c", {"t"}), inngest::unauthorized);
  CHECK(running.store().notes_of(run).size() == 6);
  CHECK(inngest::embedded::combined_metadata(running.store().notes_of(run)) ==
        json::parse(R"([{"kind":"inngest.score","target":null,"values":{"quality":{"value":0.25}}},
                        {"kind":"userland.rows","target":null,"values":{"count":7}}])"));
}

TEST_CASE("a stream arrives in pieces while it is written", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  const inngest::client remote = remote_client(server.url());
  const bool publishes_remotely = GENERATE(false, true);
  const inngest::client& publisher = publishes_remotely ? remote : app;
  received here, there;
  auto in_process = watch(app, "chat:1", {"log"}, here);
  auto over_http = watch(remote, "chat:1", {"log"}, there);

  auto writer = realtime::open_stream(publisher, "chat:1", "log");
  writer.write("one \xc3");
  CHECK(eventually([&] { return here.count() == 2 && there.count() == 2; }));  // before the rest is written
  writer.write("\xa4 two");
  CHECK(eventually([&] { return there.count() == 3; }));
  writer.close();
  CHECK(eventually([&] { return here.count() == 4 && there.count() == 4; }));
  const auto all = there.all();
  const std::string id = all.at(0).stream_id;
  CHECK_FALSE(id.empty());
  CHECK(there.texts() == strings{"datastream-start log \"" + id + "\"", "chunk log \"one \"",
                                 "chunk log \"ä two\"", "datastream-end log \"" + id + "\""});
  CHECK(here.texts() == there.texts());
  for (const auto& m : all) CHECK(m.stream_id == id);
  CHECK_THROWS_AS(writer.write("more"), inngest::configuration_error);
}

TEST_CASE("a stream of a thousand pieces arrives whole, and a longer one is refused",
          "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  const inngest::client remote = remote_client(server.url());
  received there;
  auto watching = watch(remote, "c", {"t"}, there);
  auto writer = realtime::open_stream(remote, "c", "t");
  std::string all;
  for (int i = 0; i < 999; ++i) {
    const std::string piece(static_cast<std::size_t>(i) + 1, static_cast<char>('a' + i % 26));
    writer.write(piece);
    all += piece;
  }
  CHECK_THROWS_AS(writer.write(std::string(3000, 'x')), inngest::too_large);
  writer.close();
  CHECK(eventually(
      [&] { return there.count() > 0 && there.all().back().kind == realtime::message_kind::stream_end; }));
  std::string joined;
  for (const auto& m : there.all()) {
    if (m.kind == realtime::message_kind::chunk) joined += m.data<std::string>();
  }
  CHECK((joined == all));

  support::http_client plain(server.port());
  const auto refused =
      plain.Post("/v1/realtime/publish?channel=c&topic=t", std::string(1200 * 1024, 'x'), "text/stream");
  REQUIRE(refused);
  CHECK(refused->status == 413);
}

TEST_CASE("a stream whose publisher disappears ends for its subscribers", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  received here;
  auto watching = watch(app, "c", {"t"}, here);
  {
    support::http_connection publisher(server.port());
    publisher.send(
        "POST /v1/realtime/publish?channel=c&topic=t HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: text/stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    CHECK(eventually([&] { return here.count() == 2; }));
  }
  CHECK(eventually([&] { return here.count() == 3; }));
  CHECK(here.all().back().kind == realtime::message_kind::stream_end);
}

TEST_CASE("bytes that are passed through reach the subscribers as they are", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  received there;
  auto watching = watch(remote_client(server.url()), "run-1", {"$stream"}, there);
  support::http_client plain(server.port());
  const auto answer =
      plain.Post("/v1/realtime/publish/tee?channel=run-1", "data: {\"x\":1}\n\n", "text/event-stream");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(eventually([&] { return there.count() == 1; }));
  CHECK(there.texts() == strings{R"(raw $stream {"x":1})"});
}

TEST_CASE("what runs note survives a restart on SQLite, and the page shows it", "[embedded][realtime]") {
  const store_records::folder place;
  const auto open_store = [&] {
    return std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = place.file});
  };
  std::string run;
  {
    const inngest::client app(quiet());
    const auto import = make_import(app);
    engine running(app, {import}, {.store = open_store()});
    run = running.start(import, {{"id", "1"}});
    REQUIRE(running.wait_for(run, support::patience).status == inngest::embedded::run_status::completed);
    REQUIRE(running.wait_until_idle(support::patience));
    app.score(run, "later", 1);
  }
  const inngest::client app(quiet());
  engine running(app, {make_import(app)}, {.store = open_store()});
  app.score(run, "after", 2);
  http_server server(running, {.port = 0});
  support::http_client browser(server.port());
  const auto answer = browser.Get("/api/runs/" + run);
  REQUIRE(answer);
  const json shown = json::parse(answer->body);
  strings messages;
  for (const json& message : shown.at("messages"))
    messages.push_back(message.at("channel").get<std::string>() + " " +
                       message.at("topic").get<std::string>() + " " + message.at("data").dump());
  CHECK(messages == strings{R"(import:1 progress {"percent":10})", R"(import:1 log "working")",
                            R"(import:1 progress {"percent":100})"});
  CHECK(shown.at("metadata") == json::parse(R"([
      {"kind":"inngest.score","target":null,
       "values":{"quality":{"value":0.5},"later":{"value":1},"after":{"value":2}}},
      {"kind":"userland.rows","target":null,"values":{"count":7}}])"));
}

TEST_CASE("a subscription continues on the engine that replaces the first one", "[embedded][realtime]") {
  const store_records::folder place;
  const auto open_store = [&] {
    return std::make_shared<inngest::embedded::sqlite_store>(
        inngest::embedded::sqlite_options{.path = place.file});
  };
  const inngest::client app(quiet());
  received here;
  realtime::subscription watching;
  {
    engine first(app, {}, {.store = open_store()});
    watching = watch(app, "c", {"t"}, here);
    app.publish("c", "t", 1);
    CHECK(eventually([&] { return here.count() == 1; }));
  }
  CHECK(eventually([&] { return !here.problems().empty(); }));
  CHECK(here.problems().front() == "the engine has ended");
  engine second(app, {}, {.store = open_store()});
  // the state may still be that of the first connection
  CHECK(eventually([&] { return second.realtime()->subscribers() == 1; }));
  CHECK(eventually([&] { return watching.state() == realtime::subscription_state::open; }));
  app.publish("c", "t", 2);
  CHECK(eventually([&] { return here.count() == 2; }));
  watching.stop();
  CHECK(watching.state() == realtime::subscription_state::stopped);
  app.publish("c", "t", 3);
  CHECK(here.count() == 2);
}

TEST_CASE("a subscriber that does not keep up is told so, and delays nobody", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  const bool is_remote = GENERATE(false, true);
  const inngest::client subscriber = is_remote ? remote_client(server.url()) : app;
  std::mutex gate;
  received into;
  realtime::subscribe_options options{.on_error = [&](const std::exception& p) { into.fail(p); },
                                      .backoff = 1ms};
  auto slow = realtime::subscribe(
      subscriber, "c", {"t"},
      [&](const realtime::message& m) {
        const std::lock_guard waits(gate);
        into(m);
      },
      options);
  REQUIRE(slow.wait_until_open(support::patience));
  std::unique_lock closed(gate);  // open again before the subscription ends, whatever becomes of the test
  received fast;
  auto other = watch(app, "c", {"t"}, fast);
  const std::string large(100'000, 'x');
  // 8 MB may wait, and up to 10 MB more in the two sockets of a remote subscriber.
  const int count = is_remote ? 200 : 150;
  for (int i = 0; i < count; ++i) {
    app.publish("c", "t", large);  // returns at once
    if (i % 20 == 19) CHECK(eventually([&] { return fast.count() == static_cast<std::size_t>(i) + 1; }));
  }
  CHECK(fast.problems().empty());
  closed.unlock();
  CHECK(eventually([&] { return !into.problems().empty(); }));
  CHECK(eventually([&] { return slow.state() == realtime::subscription_state::open; }));
  CHECK(into.count() < static_cast<std::size_t>(count));
  CHECK(eventually([&] {
    app.publish("c", "t", "new");
    const auto all = into.all();
    return !all.empty() && all.back().text == "\"new\"";
  }));
}

TEST_CASE("a hundred subscribers all receive every message", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  const inngest::client remote = remote_client(server.url());
  std::vector<received> all(100);
  std::vector<realtime::subscription> open;
  for (std::size_t i = 0; i < all.size(); ++i)
    open.push_back(watch(i % 2 == 0 ? remote : app, "c", {"t"}, all[i]));
  CHECK(running.realtime()->subscribers() == 100);
  for (int i = 0; i < 20; ++i) remote.publish("c", "t", i);
  for (const received& each : all) CHECK(eventually([&] { return each.count() == 20; }));
  for (const received& each : all) CHECK(each.all().back().text == "19");
  open.clear();
  CHECK(eventually([&] { return running.realtime()->subscribers() == 0; }));
}

TEST_CASE("a callback may stop or destroy its own subscription", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  std::optional<realtime::subscription> mine;
  std::atomic<int> calls = 0;
  const bool destroys = GENERATE(false, true);
  mine = realtime::subscribe(app, "c", {"t"}, [&](const realtime::message&) {
    ++calls;
    destroys ? mine.reset() : mine->stop();
  });
  REQUIRE(mine->wait_until_open(support::patience));
  app.publish("c", "t", 1);
  CHECK(eventually([&] { return calls == 1; }));
  CHECK(eventually([&] { return running.realtime()->subscribers() == 0; }));
  app.publish("c", "t", 2);
  CHECK(calls == 1);
}

TEST_CASE("a callback that destroys its own subscription is the last one to be called",
          "[embedded][realtime]") {
  struct notes {
    std::mutex mutex{};
    strings lines{};
    void add(const std::string& line) {
      const std::lock_guard lock(mutex);
      lines.push_back(line);
    }
    strings all() {
      const std::lock_guard lock(mutex);
      return lines;
    }
  };
  const std::string destroyer = GENERATE(as<std::string>{}, "on_message", "on_error", "on_state");
  const auto told = std::make_shared<notes>();
  inngest::client_options settings = quiet();
  settings.log = inngest::logger(
      [kept = std::weak_ptr(told)](inngest::log_level, std::string_view text) {
        const auto into = kept.lock();
        if (into && text.find("subscri") != std::string_view::npos) into->add("logged");
      },
      inngest::log_level::warn);
  const inngest::client app(settings);
  engine running(app, {});
  std::mutex place;  // a state is told as soon as the thread runs, when the handle may not be in its place
  std::optional<realtime::subscription> mine;
  const auto callback = [&](const std::string& name) {
    return [&mine, &place, told, name, destroyer](const auto&) {
      told->add(name);
      if (name == destroyer) {
        const std::lock_guard lock(place);
        mine.reset();
        told->add("destroyed");
      }
      if (name == destroyer || name == "on_message") throw std::runtime_error(name);
    };
  };
  {
    const std::lock_guard lock(place);
    mine = realtime::subscribe(app, "c", {"t"}, callback("on_message"),
                               {.on_error = callback("on_error"), .on_state = callback("on_state")});
  }
  if (destroyer != "on_state") {
    REQUIRE(mine->wait_until_open(support::patience));
    app.publish("c", "t", 1);
  }
  REQUIRE(eventually([&] { return told.use_count() == 1; }));  // the thread has let go of its callbacks
  const strings lines = told->all();
  REQUIRE_FALSE(lines.empty());
  CAPTURE(lines);
  CHECK(lines.back() == "destroyed");
}

TEST_CASE("a callback that stops its own subscription is followed by what is left to tell",
          "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  std::optional<realtime::subscription> mine;
  std::atomic<int> problems = 0;
  std::atomic<int> ends = 0;
  mine = realtime::subscribe(app, "c", {"t"},
                             [&](const realtime::message&) {
                               mine->stop();
                               throw std::runtime_error("after the stop");
                             },
                             {.on_error = [&](const std::exception&) { ++problems; },
                              .on_state =
                                  [&](realtime::subscription_state next) {
                                    if (next == realtime::subscription_state::stopped) ++ends;
                                  }});
  REQUIRE(mine->wait_until_open(support::patience));
  app.publish("c", "t", 1);
  CHECK(eventually([&] { return ends == 1; }));
  CHECK(problems == 1);
}

TEST_CASE("the server's subscriptions need a token, which lasts for a minute", "[embedded][realtime]") {
  using clock = std::chrono::system_clock;
  std::atomic<std::int64_t> shift = 0;
  const inngest::client app(quiet());
  engine running(app, {}, {.system_time = [&] { return clock::now() + std::chrono::seconds(shift.load()); }});
  http_server server(running, {.port = 0, .signing_key = signing_key});
  const std::string token = realtime::token(app, "c", {"t"});
  const auto status = [&](const std::string& path, const std::string& headers = {}) {
    support::http_connection client(server.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return client.read_until("\r\n").substr(9, 3);
  };
  CHECK(status("/v1/realtime/sse") == "401");
  CHECK(status("/v1/realtime/sse?token=x.y.z") == "401");
  CHECK(status("/v1/realtime/sse?token=" + token + "x") == "401");
  CHECK(status("/v1/realtime/sse?token=" + token) == "200");
  CHECK(status("/v1/realtime/sse", "Authorization: Bearer " + token + "\r\n") == "200");
  // a page of another origin may read it, but not publish
  {
    support::http_connection page(server.port());
    page.send("GET /v1/realtime/sse?token=" + token +
              " HTTP/1.1\r\nHost: localhost\r\n"
              "Origin: https://elsewhere.example\r\n\r\n");
    CHECK(page.read_until("\r\n\r\n").find("access-control-allow-origin: *") != std::string::npos);
    CHECK(page.read_until(":\n\n").find("3") != std::string::npos);  // it hears something at once
  }
  {
    support::http_connection page(server.port());
    page.send(
        "POST /v1/realtime/publish?channel=c&topic=t HTTP/1.1\r\nHost: localhost\r\n"
        "Origin: https://elsewhere.example\r\nContent-Length: 1\r\n\r\n1");
    CHECK(page.read_answer().status == 403);
  }
  shift = 1;
  CHECK(status("/v1/realtime/sse?token=" + token) == "200");
  shift = 61;
  CHECK(status("/v1/realtime/sse?token=" + token) == "401");
  // a token of another engine
  const inngest::client other_app(quiet("other"));
  engine other(other_app, {});
  CHECK(status("/v1/realtime/sse?token=" + realtime::token(other_app, "c", {"t"})) == "401");
}

TEST_CASE("subscribers leave connections to others", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0, .max_connections = 16});
  const std::string token = realtime::token(app, "c", {"t"});
  const auto subscribe = [&](support::http_connection& client) {
    client.send("GET /v1/realtime/sse?token=" + token + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.read_until("\r\n").substr(9, 3);
  };
  std::vector<support::http_connection> subscribers;
  for (int i = 0; i < 8; ++i) CHECK(subscribe(subscribers.emplace_back(server.port())) == "200");
  support::http_connection refused(server.port());
  CHECK(subscribe(refused) == "503");
  support::http_client other(server.port());
  const auto sent = other.Post("/e/key", R"({"name":"a/b"})", "application/json");
  REQUIRE(sent);
  CHECK(sent->status == 200);
  subscribers.pop_back();
  CHECK(eventually([&] {
    support::http_connection next(server.port());
    return subscribe(next) == "200";
  }));
}

TEST_CASE("the limits of what is passed on hold for every spelling of a path", "[embedded][realtime]") {
  const inngest::client app(quiet());
  engine running(app, {});
  http_server server(running, {.port = 0});
  support::http_client plain(server.port());
  const std::string large(3 * 1024 * 1024, 'x');
  for (const char* path : {"/v1/realtime/publish/tee?channel=c", "/v1/realtime/publish/%74ee?channel=c",
                           "/v1/re%61ltime/publish/tee?channel=c"}) {
    const auto answer = plain.Post(path, large, "text/plain");
    REQUIRE(answer);
    CHECK(answer->status == 413);
  }
  received there;
  // One in the process may have no more than 1,000 messages waiting, and its thread may get no processor.
  auto watching = watch(remote_client(server.url()), "c", {"t"}, there);
  const auto answer = plain.Post("/v1/realtime/p%75blish?channel=c&topic=t", large, "text/stream");
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(eventually([&] { return there.count() == 1002; }));  // a start, 1,000 pieces and the end
}

TEST_CASE("a stream is read in time that grows with its size", "[embedded][realtime]") {
  struct nothing {
    void broadcast(const realtime::message&) {}
    void note(const realtime::message&) {}
  } engine;
  inngest::embedded::stream_publisher<nothing> stream(engine, {.url = "/?channel=c&topic=t"});
  CHECK_FALSE(stream.take(std::string(64 * 1024 * 1024, 'x')));  // with its square it would take an hour
}

TEST_CASE("messages and metadata are judged where they come in", "[embedded][realtime]") {
  const inngest::client app(quiet());
  const auto import = make_import(app);
  engine running(app, {import});
  http_server server(running, {.port = 0});
  support::http_client plain(server.port());
  const auto post = [&](const std::string& path, const std::string& body,
                        const char* type = "application/json") {
    const auto answer = plain.Post(path, body, type);
    REQUIRE(answer);
    return std::to_string(answer->status) + " " + answer->body;
  };
  using Catch::Matchers::ContainsSubstring;
  const std::string publish = "/v1/realtime/publish";
  CHECK_THAT(post(publish + "?topic=t", "1"), ContainsSubstring("400") && ContainsSubstring("channel"));
  CHECK_THAT(post(publish + "?channel=c", "1"), ContainsSubstring("400") && ContainsSubstring("topic"));
  CHECK_THAT(post(publish + "?channel=c&topic=t", "\"" + std::string(520 * 1024, 'x') + "\""),
             ContainsSubstring("413"));
  CHECK_THAT(post("/v1/realtime/token", "[]"), ContainsSubstring("400"));
  CHECK_THAT(post("/v1/realtime/token", R"([{"channel":"c"}])"), ContainsSubstring("body[0].name"));
  CHECK_THAT(post("/v1/realtime/token", R"([{"channel":"c","name":"t","kind":"run"}])"),
             ContainsSubstring("201"));

  received there;
  auto watching = watch(app, "c", {"t"}, there);
  post(publish + "?channel=c&topic=t", "not JSON", "text/plain");
  post(publish + "?channel=c&topic=t", "{\n \"a\":\n 1}\n");
  post(publish + "?channel=c&topic=t", "bad \xff bytes", "text/plain");
  CHECK(eventually([&] { return there.count() == 3; }));
  CHECK(there.all().at(0).data<std::string>() == "not JSON");
  CHECK(there.all().at(1).data<json>() == json{{"a", 1}});
  CHECK(there.all().at(2).data<std::string>() == "bad ? bytes");

  const std::string run = running.start(import, {{"id", "1"}});
  REQUIRE(running.wait_until_idle(support::patience));
  const std::size_t before = running.store().notes_of(run).size();
  const auto change = [&](const std::string& text) {
    return post("/v1/runs/" + run + "/metadata", R"({"target":{},"metadata":[)" + text + "]}");
  };
  CHECK_THAT(change(R"({"kind":"inngest.secret","op":"set","values":{}})"), ContainsSubstring("reserved"));
  CHECK_THAT(change(R"({"kind":"userland.a","op":"multiply","values":{}})"),
             ContainsSubstring("metadata[0].op"));
  CHECK_THAT(change(R"({"kind":"userland.a","op":"set","values":[]})"),
             ContainsSubstring("metadata[0].values"));
  CHECK_THAT(change(R"({"kind":"inngest.score","op":"merge","values":{"a":{"value":"b"}}})"),
             ContainsSubstring("400"));
  CHECK_THAT(change(R"({"kind":"userland.a","op":"set","values":{"x":")" + std::string(70'000, 'x') + "\"}}"),
             ContainsSubstring("413"));
  CHECK_THAT(post("/v1/runs/" + run + "/metadata", R"({"target":{"step_attempt":1},"metadata":[]})"),
             ContainsSubstring("step_id"));
  CHECK(running.store().notes_of(run).size() == before);
  // the first valid change of a refused request is not made
  CHECK_THAT(change(R"({"kind":"userland.a","op":"set","values":{}},{"kind":"","op":"set","values":{}})"),
             ContainsSubstring("metadata[1].kind"));
  CHECK(running.store().notes_of(run).size() == before);
  for (const char* valid : {R"({"kind":"userland.n","op":"set","values":{"a":1,"b":2}})",
                            R"({"kind":"userland.n","op":"add","values":{"a":4,"c":5}})",
                            R"({"kind":"userland.n","op":"delete","values":{"b":null}})",
                            R"({"kind":"userland.n","op":"merge","values":{"d":[1]}})"})
    CHECK_THAT(change(valid), ContainsSubstring("200"));
  const json all = inngest::embedded::combined_metadata(running.store().notes_of(run));
  CHECK(all.back() == json::parse(R"({"kind":"userland.n","target":null,"values":{"a":5.0,"c":5,"d":[1]}})"));
}

TEST_CASE("a run keeps its newest messages, and long ones shortened", "[embedded][realtime]") {
  const inngest::client app(quiet());
  const auto chatty = app.create_function({.id = "chatty"}, inngest::on<asked>(), [app](auto& ctx) {
    ctx.step.run("talk", [&] {
      for (int i = 0; i < 250; ++i) app.publish("c", "t", i);
      app.publish("c", "t", std::string(100'000, 'x'));
    });
  });
  engine running(app, {chatty});
  const std::string run = running.start(chatty, {{"id", "1"}});
  REQUIRE(running.wait_until_idle(support::patience));
  const auto notes = running.store().notes_of(run);
  REQUIRE(notes.size() == inngest::embedded::max_run_messages);
  CHECK(notes.front().text == "51");
  CHECK(notes.back().text.size() < 10'000);
  CHECK(json::parse(notes.back().text).get<std::string>().ends_with("x..."));
}

TEST_CASE("a test sees what a run has published, scored and noted", "[testing][realtime]") {
  const inngest::client app(quiet());
  const auto import = app.create_function({.id = "import"}, inngest::on<asked>(), [app](auto& ctx) {
    const Import channel{ctx.event.data.id};
    ctx.step.template publish<ImportProgress>("begin", channel, {.percent = 10});
    ctx.step.sleep("pause", 1h);
    ctx.step.run("talk", [&] {
      auto log = realtime::open_stream<ImportLog>(app, channel);
      log.write("two ");
      log.write("pieces");
      log.close();
    });
    ctx.step.template publish<ImportProgress>("end", channel, {.percent = 100});
    ctx.step.score("rate", "quality", 0.5);
    ctx.step.set_metadata("describe", "rows", {{"count", 7}});
  });
  inngest::testing::harness t(app, {import});
  auto run = t.send(asked{{.id = "7"}});
  CHECK(run.published<ImportProgress>("import:7").size() == 1);
  CHECK_FALSE(run.score("quality").has_value());
  CHECK(run.metadata("rows").is_null());
  t.advance(1h);
  CHECK(run.completed());
  const auto progress = run.published<ImportProgress>("import:7");
  REQUIRE(progress.size() == 2);  // although each call has replayed the handler
  CHECK(progress.back().percent == 100);
  CHECK(run.published<ImportLog>("import:7") == strings{"two pieces"});
  CHECK(run.published<ImportLog>("import:8").empty());
  CHECK(run.published().size() == 3);
  CHECK(run.score("quality") == 0.5);
  CHECK(run.metadata("rows") == json{{"count", 7}});
  t.fail_step("end");
  auto failing = t.send(asked{{.id = "8"}});
  t.advance(1h);
  CHECK(failing.published<ImportProgress>("import:8").size() == 1);
}
