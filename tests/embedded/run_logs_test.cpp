// What handlers and the engine log: with fields, and kept with the run.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/log/sinks.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"
#include "support/http_client.hpp"

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"logs/go", numbered>;

/// A record that outlives the sink's call.
struct kept_record {
  inngest::log_level level;
  std::string message, app, function, run, step;
  std::optional<int> attempt;
};

class record_book {
 public:
  inngest::logger logger(inngest::log_level level = inngest::log_level::info) {
    return inngest::logger(
        [this](const inngest::log_record& record) {
          const std::lock_guard lock(mutex_);
          const inngest::log_fields& of = record.fields;
          all_.push_back({record.level, std::string(record.message), std::string(of.app),
                          std::string(of.function), std::string(of.run), std::string(of.step), of.attempt});
        },
        level);
  }
  std::vector<kept_record> with(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    std::vector<kept_record> out;
    std::copy_if(all_.begin(), all_.end(), std::back_inserter(out),
                 [&](const kept_record& each) { return each.message.find(part) != std::string::npos; });
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<kept_record> all_;
};

inngest::client client_with(inngest::logger log) {
  return inngest::client(
      {.id = "shop", .send_attempts = 1, .log = std::move(log), .environment = [](const char*) {
         return std::nullopt;
       }});
}

inngest::client quiet_client() {
  return client_with(inngest::logger(inngest::log_to_stderr, inngest::log_level::off));
}

std::vector<std::string> texts(const std::vector<run_log_line>& lines) {
  std::vector<std::string> out;
  for (const run_log_line& line : lines) out.push_back(line.text);
  return out;
}

std::shared_ptr<store> store_of(bool on_disk, const store_records::folder& place) {
  if (!on_disk) return std::make_shared<memory_store>();
  return std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
}

}  // namespace

TEST_CASE("lines of handlers and of the engine say what they are about", "[embedded][log]") {
  record_book book;
  inngest::client app = client_with(book.logger());
  const auto f = app.create_function({.id = "f", .retries = 1}, inngest::on<go>(), [](auto& ctx) {
    ctx.log.info("before");
    ctx.step.run("pay", [&] {
      ctx.log.warn("in the step");
      if (ctx.attempt == 0) throw std::runtime_error("no answer");
    });
    ctx.log.debug("not passed on");
  });
  engine engine{app, {f}, {.retry_delay = [](int) { return 0ms; }}};
  const auto id = engine.send(go{}).ids.at(0);
  REQUIRE(engine.wait_until_idle(support::patience));
  const std::string run_id = engine.runs_of(id).at(0).id;

  const auto before = book.with("before");
  REQUIRE(!before.empty());
  CHECK(before[0].app == "shop");
  CHECK(before[0].function == "f");
  CHECK(before[0].run == run_id);
  CHECK(before[0].step.empty());
  CHECK(before[0].attempt == 0);
  const auto in_step = book.with("in the step");
  REQUIRE(in_step.size() == 2);
  CHECK(in_step[0].step == "pay");
  CHECK(in_step[0].level == inngest::log_level::warn);
  CHECK(in_step[1].attempt == 1);
  const auto failed = book.with("no answer");
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].app == "shop");
  CHECK(failed[0].function == "f");
  CHECK(failed[0].run == run_id);
  CHECK(failed[0].attempt == 0);
  CHECK(book.with("not passed on").empty());
}

TEST_CASE("a simple sink still gets level and text, and any sink may throw", "[log]") {
  std::vector<std::string> lines;
  const inngest::logger simple([&](inngest::log_level level, std::string_view text) {
    lines.push_back(std::string(to_string(level)) + " " + std::string(text));
  });
  simple.log(inngest::log_level::warn, "careful", {.app = "shop"});
  simple.debug("not passed on");
  CHECK(lines == std::vector<std::string>{"warn careful"});
  CHECK_NOTHROW(
      inngest::logger([](const inngest::log_record&) { throw 7; }, inngest::log_level::error).error("x"));
  CHECK_NOTHROW(inngest::logger(inngest::record_sink()).error("to nobody"));
}

TEST_CASE("records become lines of text and of JSON", "[log]") {
  const inngest::log_record record{
      .time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'123)),
      .level = inngest::log_level::error,
      .message = "first\nsecond \"quoted\" \xff",
      .fields = {.app = "shop", .function = "charge", .run = "r1", .step = "pay\tit", .attempt = 2}};
  CHECK(inngest::text_of(record) ==
        "2023-11-14T22:13:20.123Z error: first second \"quoted\" ?  app=shop function=charge run=r1 step=pay "
        "it "
        "attempt=2");
  const json told = json::parse(inngest::json_of(record));
  CHECK(told["time"] == "2023-11-14T22:13:20.123Z");
  CHECK(told["level"] == "error");
  CHECK(told["message"] == "first\nsecond \"quoted\" ?");
  CHECK(told["attempt"] == 2);
  CHECK(inngest::json_of(record).find('\n') == std::string::npos);
  const json bare = json::parse(inngest::json_of({.level = inngest::log_level::info, .message = "x"}));
  CHECK(bare.size() == 3);

  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  inngest::logger(inngest::json_log(file)).info("one");
  inngest::logger(inngest::text_log(file)).warn("two");
  std::rewind(file);
  char line[200];
  REQUIRE(std::fgets(line, sizeof line, file));
  CHECK(json::parse(line)["message"] == "one");
  REQUIRE(std::fgets(line, sizeof line, file));
  CHECK_THAT(line, ContainsSubstring("warn: two\n"));
  std::fclose(file);
}

TEST_CASE("a run's lines are kept with it, and survive a restart", "[embedded][log]") {
  const bool on_disk = GENERATE(false, true);
  CAPTURE(on_disk);
  const store_records::folder place;
  std::shared_ptr<store> kept = store_of(on_disk, place);
  std::string id;
  {
    inngest::client app = quiet_client();  // what is kept does not depend on the level of the client's log
    const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(), [](auto& ctx) {
      ctx.step.run("a", [&] { ctx.log.info("from a"); });
      ctx.log.debug("too detailed");
      ctx.step.run("b", [&]() -> int {
        ctx.log.warn("from b");
        throw inngest::non_retriable_error("broken");
      });
    });
    engine engine{app, {f}, {.store = kept}};
    id = engine.runs_of(engine.send(go{}).ids.at(0)).at(0).id;
    REQUIRE(engine.wait_for(id, support::patience).ended());
    const auto is_error = [](const auto& line) { return line.level == inngest::log_level::error; };
    REQUIRE(eventually([&] {
      const auto lines = engine.logs_of(id);
      return std::any_of(lines.begin(), lines.end(), is_error);
    }));
    const auto lines = engine.logs_of(id);
    CAPTURE(texts(lines));
    REQUIRE(lines.size() >= 4);
    CHECK(lines[0].text == "from a");
    CHECK(lines[0].step == "a");
    CHECK(lines[0].level == inngest::log_level::info);
    CHECK(lines[1].text == "from b");
    const auto failure = std::find_if(lines.begin(), lines.end(), is_error);
    CHECK(failure - lines.begin() > 1);  // after those of the handler
    CHECK_THAT(failure->text, ContainsSubstring("failed"));

    http_server server{engine, {.port = 0}};
    support::http_client client(server.port());
    const auto answer = client.Get("/api/runs/" + id);
    REQUIRE(answer);
    const json told = json::parse(answer->body);
    REQUIRE(told["logs"].size() == lines.size());
    CHECK(told["logs"][1]["text"] == "from b");
    CHECK(told["logs"][1]["level"] == "warn");
  }
  if (on_disk) {
    kept.reset();
    kept = store_of(on_disk, place);
  }
  CHECK(texts(kept->logs_of(id)).front() == "from a");
  CHECK(kept->logs_of("no such run").empty());
  CHECK(kept->unreadable().empty());
  kept->forget_before(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now() + 1h));
  CHECK(!kept->find_run(id));
  CHECK(kept->logs_of(id).empty());
}

TEST_CASE("only the newest lines of a run are kept, and each is short", "[embedded][log]") {
  const bool on_disk = GENERATE(false, true);
  CAPTURE(on_disk);
  const store_records::folder place;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto& ctx) {
    for (int i = 0; i < 100; ++i) ctx.log.info("line " + std::to_string(i));
    ctx.log.info(std::string(1999, 'x') + "\xc3\xbc");  // must not be cut within a character
  });
  engine engine{app, {f}, {.store = store_of(on_disk, place), .run_log_lines = 10}};
  const std::string id = engine.runs_of(engine.send(go{}).ids.at(0)).at(0).id;
  REQUIRE(engine.wait_for(id, support::patience).ended());
  REQUIRE(eventually(
      [&] { return engine.logs_of(id).size() == 10 && engine.logs_of(id).back().text[0] == 'x'; }));
  const auto lines = engine.logs_of(id);
  CHECK(lines.front().text == "line 91");
  CHECK(lines.back().text == std::string(1999, 'x') + "...");
}

TEST_CASE("a long step's lines are stored before it ends", "[embedded][log]") {
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  std::atomic<bool> ends{false};
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("a", [&] {
      ctx.log.info("begun");
      support::hold_until(ends);
    });
  });
  engine engine{app, {f}, {.store = store_of(on_disk, place)}};
  const std::string id = engine.runs_of(engine.send(go{}).ids.at(0)).at(0).id;
  CHECK(eventually([&] { return texts(engine.logs_of(id)) == std::vector<std::string>{"begun"}; }));
  ends = true;
  CHECK(engine.wait_for(id, support::patience).ended());
}

TEST_CASE("a store that is full holds back lines without end, and goes on later", "[embedded][log]") {
  class full_store final : public support::forwarding_store {
   public:
    std::atomic<bool> is_full{false};
    std::atomic<std::size_t> largest{0};
    void commit(std::span<const changes> all) override {
      std::size_t lines = 0;
      for (const changes& each : all) lines += each.log_lines.size();
      largest = (std::max)(largest.load(), lines);
      if (is_full) throw inngest::store_error("disk", "is full");
      memory.commit(all);
    }
    std::vector<run_log_line> logs_of(std::string_view id) const override { return memory.logs_of(id); }
  };
  const auto kept = std::make_shared<full_store>();
  inngest::client app = quiet_client();
  std::atomic<bool> logged{false}, goes_on{false};
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("a", [&] {
      kept->is_full = true;
      for (int i = 0; i < 50'000; ++i) ctx.log.info("line");
      logged = true;
      support::hold_until(goes_on);
    });
  });
  engine engine{app, {f}, {.store = kept}};
  const std::string id = engine.runs_of(engine.send(go{}).ids.at(0)).at(0).id;
  REQUIRE(eventually([&] { return logged.load(); }));
  std::this_thread::sleep_for(1500ms);  // the engine tries again meanwhile
  CHECK(kept->largest <= 40'000);
  kept->is_full = false;
  goes_on = true;
  CHECK(engine.wait_for(id, support::patience).status == run_status::completed);
  CHECK(eventually([&] { return engine.logs_of(id).size() == 500; }));
}

TEST_CASE("a slow commit is logged", "[embedded][log]") {
  class slow_store final : public support::forwarding_store {
   public:
    std::atomic<bool> is_slow{false};
    void commit(std::span<const changes> all) override {
      if (is_slow) std::this_thread::sleep_for(1100ms);
      memory.commit(all);
    }
    bool is_on_disk() const override { return true; }
  };
  record_book book;
  const auto kept = std::make_shared<slow_store>();
  inngest::client app = client_with(book.logger());
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  engine engine{app, {f}, {.store = kept}};
  kept->is_slow = true;
  engine.send(go{});
  kept->is_slow = false;
  CHECK(eventually([&] { return book.with("a commit of the engine's store took").size() == 1; }));
}

TEST_CASE("other programs read the file by names", "[embedded][log][store]") {
  const store_records::folder place;
  inngest::client app = quiet_client();
  using other = inngest::event<"logs/other", numbered>;
  const auto sleeps = app.create_function({.id = "sleeps"}, inngest::on<go>(), [](auto& ctx) {
    ctx.log.info("going to sleep");
    ctx.step.sleep("rest", 1h);
  });
  const auto waits = app.create_function({.id = "waits"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.template wait_for_event<other>("answer", {.timeout = 1h});
  });
  const auto ends = app.create_function({.id = "ends"}, inngest::on<go>(), [](auto&) { return 7; });
  const auto fails = app.create_function({.id = "fails", .retries = 1}, inngest::on<go>(),
                                         [](auto&) { throw std::runtime_error("no"); });
  engine engine{app, {sleeps, waits, ends, fails}, {.store = store_of(true, place), .retry_delay = [](int) {
                                                      return 1h;
                                                    }}};
  engine.send(go{});
  inngest::detail::sqlite::database file(place.file.string(), inngest::detail::sqlite::access::reads);
  const auto text = [&](const std::string& statement) {
    auto found = file.query(statement);
    std::optional<std::string> out;
    if (found.next()) found.read(out);
    return out.value_or("");
  };
  const auto status = [&](const std::string& function) {
    return text("SELECT status FROM readable_runs WHERE function = 'shop-" + function + "'");
  };
  CHECK(eventually([&] { return status("sleeps") == "sleeping"; }));
  CHECK(eventually([&] { return status("waits") == "waiting"; }));
  CHECK(eventually([&] { return status("ends") == "completed"; }));
  CHECK(eventually([&] { return status("fails") == "waiting"; }));
  CHECK(text("SELECT waits_for FROM readable_runs WHERE function = 'shop-waits'") == "event logs/other");
  CHECK(text("SELECT waits_for FROM readable_runs WHERE function = 'shop-fails'") == "the next attempt");
  CHECK(text("SELECT until FROM readable_runs WHERE function = 'shop-sleeps'").size() == 24);
  CHECK(text("SELECT until FROM readable_runs WHERE function = 'shop-waits'").size() == 24);
  CHECK(text("SELECT until FROM readable_runs WHERE function = 'shop-ends'").empty());
  CHECK(text("SELECT output FROM readable_runs WHERE function = 'shop-ends'") == "7");
  CHECK(eventually([&] { return text("SELECT text FROM readable_logs") == "going to sleep"; }));
  CHECK(text("SELECT level FROM readable_logs") == "info");
  // names of the views are those of the library
  for (const auto& each : inngest::detail::enumerators<progress>) {
    const std::string found =
        text("SELECT what FROM (SELECT " + std::to_string(static_cast<int>(each.value)) +
             " AS n, (SELECT sql FROM sqlite_schema WHERE name = 'readable_timeline') AS what)");
    CHECK_THAT(found, ContainsSubstring("WHEN " + std::to_string(static_cast<int>(each.value)) + " THEN '") &&
                          ContainsSubstring(std::string(each.name) + "'"));
  }
}
