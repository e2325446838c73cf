#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/serve.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "body.hpp"
#include "body_text.hpp"
#include "interpret.hpp"
#include "reference.hpp"

// Random bodies, run by the SDK's handler and the engine's scheduler, end as the reference says.

namespace {

using namespace simulated;
using namespace inngest::embedded;
using inngest::step_hash;

/// An app of a few functions and a scheduler, on one thread, in a time of their own. Calls may overlap.
class quiet_world final : public observer {
 public:
  struct function {
    body steps{};
    int retries = 0;
  };

  /// `knows_ids` says that the interpreter knows the steps' full ids.
  quiet_world(std::uint64_t seed, const std::vector<function>& functions, bool knows_ids = true)
      : chance_(seed),
        knows_ids_(knows_ids),
        functions_(functions),
        app_(options()),
        handler_(app_, made()),
        scheduler_(
            definitions(), {}, [](int) { return std::chrono::seconds(1); }, now_) {
    keep();
  }

  /// What went wrong in a run from its start to the time when nothing is left to do; empty when all was
  /// right.
  std::string run() {
    accept(R"({"name":"sim/start","data":{"k":"k1","n":1}})");
    constexpr int most = 10'000;
    for (int i = 0; i < most && problem_.empty(); ++i) {
      if (!act()) break;
      ++actions_;
    }
    if (problem_.empty() && !scheduler_.is_idle()) problem_ = "a run goes on for ever, or nothing is due";
    note_deferred();
    for (const inngest::embedded::run& ended : store_.runs()) check_end(ended);
    return problem_;
  }

  std::size_t actions() const { return actions_; }
  const std::map<std::string, std::size_t>& ends() const { return ends_; }

  // ---- told by the interpreter ----

  void step_began(const std::string& run_id, const std::string& step_id, int attempt) override {
    if (knows_ids_) check_begin(run_id, step_id, attempt);
    if (chance_.one_in(4)) go_on_meanwhile();
  }
  void step_ended(const std::string& run_id, const std::string& step_id, int, bool succeeded) override {
    if (knows_ids_ && succeeded && !succeeded_.emplace(run_id, step_id).second)
      note("step \"" + step_id + "\" succeeded twice");
  }
  void slow(std::int64_t ms) override {
    now_ += std::chrono::milliseconds(ms % 1000);
    go_on_meanwhile();
  }
  void read(const std::string& run_id, const std::string& step_id) override {
    if (knows_ids_ && !kept_.contains({run_id, hash_of(step_id)}))
      note("the result of step \"" + step_id + "\" was read before it was kept");
  }

 private:
  void check_begin(const std::string& run_id, const std::string& step_id, int attempt) {
    if (kept_.contains({run_id, hash_of(step_id)}))
      note("step \"" + step_id + "\" ran though it has a result");
    if (++attempts_[{run_id, step_id}] > max_attempts_of(run_id) || attempt >= max_attempts_of(run_id))
      note("step \"" + step_id + "\" ran too often");
    const function& of = function_of(run_id);
    const auto open = reference(of.steps, memos_of(run_id), of.retries + 1).open;
    if (std::find(open.begin(), open.end(), step_id) == open.end())
      note("step \"" + step_id + "\" ran although the function does not come to it");
  }

  static std::string hash_of(const std::string& step) {
    return inngest::detail::to_hex(inngest::detail::sha1::of(step));
  }

  class network final : public inngest::http::transport {
   public:
    explicit network(quiet_world& world) : world_(world) {}
    inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
      return world_.serve(request);
    }

   private:
    quiet_world& world_;
  };

  inngest::client_options options() {
    return {.id = app_id,
            .mode = inngest::mode::dev,
            .transport = std::make_shared<network>(*this),
            .log = inngest::logger([](inngest::log_level, std::string_view) {}),
            .environment = [](const char*) { return std::optional<std::string>(); }};
  }

  std::vector<inngest::any_function> made() {
    std::vector<inngest::any_function> out;
    for (std::size_t i = 0; i < functions_.size(); ++i) {
      const std::string name = "f" + std::to_string(i);
      inngest::any_function::handler_type handler = [this, i](inngest::execution::replay& replay,
                                                              const inngest::handler_resources& resources,
                                                              std::string& result) {
        inngest::basic_context ctx(replay, resources);
        result += interpret(functions_[i].steps, ctx, *this);
      };
      out.emplace_back(app_id, inngest::function_options{.id = name, .retries = functions_[i].retries},
                       std::vector<inngest::trigger_definition>{
                           {.event = i == 0 ? std::string("sim/start") : "sim/" + name}},
                       std::move(handler));
    }
    return out;
  }

  std::vector<function_definition> definitions() const {
    std::vector<function_definition> out;
    for (const inngest::any_function& each : handler_.functions()) out.push_back(define(each));
    return out;
  }

  inngest::http::response serve(const inngest::http::request& request) {
    const std::string path = request.path();
    if (path.starts_with("/e/")) {
      const inngest::json ids = accept(request.body);
      return {.status = 200, .body = inngest::json{{"ids", ids}, {"status", 200}}.dump()};
    }
    if (path != "/v1/signals") return {.status = 404};
    const inngest::json body = inngest::json::parse(request.body);
    const auto woken = scheduler_.signal(body.at("signal"), body.at("data").dump(), now_);
    keep();
    if (!woken) return {.status = 404, .body = R"({"error":"nobody waits"})"};
    return {.status = 200, .body = inngest::json{{"data", {{"run_id", *woken}}}}.dump()};
  }

  std::vector<std::string> accept(std::string events) {
    auto ids = scheduler_.accept(std::move(events), now_);
    keep();
    return ids;
  }

  void keep() {
    for (auto changes = scheduler_.take_changes(); !changes.empty(); changes = scheduler_.take_changes()) {
      store_.commit({&changes, 1});
      for (const memo_record& each : changes.memos)
        kept_.emplace(each.run_id, inngest::detail::to_hex(each.step));
      scheduler_.committed(changes, now_);
    }
  }

  /// Other calls are made while one is under way.
  void go_on_meanwhile() {
    constexpr int deepest = 3;
    if (nesting_ == deepest) return;
    ++nesting_;
    for (std::size_t left = chance_.below(4); left > 0 && act(); --left) ++actions_;
    --nesting_;
  }

  /// False when there is nothing left to do.
  bool act() {
    if (chance_.one_in(12)) disturb();
    if (!under_way_.empty() && chance_.one_in(2)) {
      finish();
      return true;
    }
    if (auto next = take()) {
      inngest::http::response answer = next->what == job::kind::request ? fetched() : call(*next);
      under_way_.emplace_back(std::move(*next), std::move(answer));
      return true;
    }
    if (!under_way_.empty()) {
      finish();
      return true;
    }
    const auto due = scheduler_.next_due();
    if (due) now_ = std::max(now_, *due);
    return due.has_value();
  }

  void disturb() {
    const std::string k = "\"k" + std::to_string(chance_.below(3)) + '"';
    if (chance_.one_in(2)) {
      const std::string name(chance_.pick(event_names));
      accept("{\"name\":\"" + name + "\",\"data\":{\"k\":" + k + ",\"odd\":\"}\\\"]\"}}");
    } else {
      scheduler_.signal(chance_.one_in(2) ? "s1" : "s2", k, now_);
      keep();
    }
  }

  std::optional<job> take() {
    auto out = scheduler_.take_due(now_);
    keep();
    if (!out) out = scheduler_.take_due(now_);  // what a timer led to
    keep();
    return out;
  }

  void finish() {
    const std::size_t at = chance_.below(under_way_.size());
    auto [done, answer] = std::move(under_way_[at]);
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(at));
    scheduler_.finish(done, std::move(answer), now_);
    keep();
  }

  inngest::http::response fetched() {
    switch (chance_.below(4)) {
      case 0:
        return no_answer("nobody is there");
      case 1:
        return {.status = 500, .body = "\"\\\n"};
      default:
        return {.status = 200, .headers = {{"content-type", "text/plain"}}, .body = "{\"an\":[\"answer\"]}"};
    }
  }

  inngest::http::response call(const job& due) {
    using saved = inngest::execution::checkpoints::saved;
    std::size_t saves = chance_.below(4);
    const auto save = [&](const std::vector<inngest::protocol::operation>& results) {
      if (saves-- == 0) return saved::no;
      const auto operations = read_operations(inngest::protocol::write_operations(results));
      const bool is_taken = scheduler_.checkpoint(due.run_id, due.id, operations, now_);
      keep();
      return is_taken ? saved::yes : saved::stale;
    };
    return saves > 0 ? handler_.answer_in_process(scheduler_.request_for(due), save)
                     : handler_.answer_in_process(scheduler_.request_for(due));
  }

  const function& function_of(const std::string& run_id) const {
    const auto found = store_.find_run(run_id);
    return functions_[static_cast<std::size_t>(found->run.function_id[1] - '0')];
  }
  std::vector<memo> memos_of(const std::string& run_id) const {
    std::vector<memo> out;
    for (const memo_record& each : store_.memos_of(run_id))
      out.push_back({inngest::detail::to_hex(each.step), each.text});
    return out;
  }
  int max_attempts_of(const std::string& run_id) const { return function_of(run_id).retries + 1; }

  void check_end(const inngest::embedded::run& ended) {
    if (!ended.ended()) return note("run of " + ended.function_id + " has not ended");
    const std::vector<memo> memos = memos_of(ended.id);
    const function& of = function_of(ended.id);
    const outcome expected = reference(of.steps, memos, of.retries + 1);
    const std::string error = ended.error ? ended.error->name + ": " + ended.error->message : "";
    const bool is_refused = error.starts_with("Error: Signal conflict");
    ++ends_[is_refused ? "refused" : std::string(to_string(ended.status))];
    const bool agrees = (ended.status == run_status::completed && expected.what == outcome::completed &&
                         ended.output_text == expected.output) ||
                        (ended.status == run_status::failed && expected.what == outcome::failed &&
                         ended.error->name == expected.error_name) ||
                        is_refused;  // by a call whose answer came late, the reference may have seen more
    if (agrees && !is_refused) check_deferred(ended, expected);
    if (agrees) return;
    std::string told = "run of " + ended.function_id + " ended: " + ended.output_text + error +
                       "\nexpected: " + text_of(expected) + "\nresults:";
    for (const memo& each : memos) told += "\n  " + each.step + ' ' + shortened(each.text);
    note(told);
  }

  void note_deferred() {
    for (const inngest::embedded::run& begun : store_.runs()) {
      if (begun.event_name != "inngest/deferred.schedule") continue;
      const auto event = inngest::json::parse(store_.find_run(begun.id)->events.front().text);
      deferred_.insert(event.at("data").at("from").get<std::string>());
    }
  }

  void check_deferred(const inngest::embedded::run& ended, const outcome& expected) {
    std::multiset<std::string> wanted;
    for (const std::string& id : expected.deferred) wanted.insert(ended.id + '/' + id);
    std::multiset<std::string> begun;
    for (const std::string& from : deferred_) {
      if (from.starts_with(ended.id)) begun.insert(from);
    }
    if (begun == wanted) return;
    std::string told = "run of " + ended.function_id + " deferred";
    for (const std::string& id : expected.deferred) told += " \"" + id + '"';
    told += "\nbut what began was";
    for (const std::string& from : begun) told += ' ' + from;
    note(told);
  }

  static std::string text_of(const outcome& expected) {
    if (expected.what == outcome::completed) return expected.output;
    if (expected.what == outcome::failed) return expected.error_name;
    return "nothing, as step \"" + expected.missing_step + "\" has no result";
  }

  void note(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }

  using step_of_run = std::pair<std::string, std::string>;

  chance chance_;
  const bool knows_ids_;
  inngest::timestamp now_ = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  std::vector<function> functions_;
  inngest::client app_;
  inngest::handler handler_;
  memory_store store_;
  scheduler scheduler_;
  std::vector<std::pair<job, inngest::http::response>> under_way_;
  std::set<step_of_run> kept_;
  std::set<step_of_run> succeeded_;
  std::map<step_of_run, int> attempts_;
  std::multiset<std::string> deferred_;  // "<run>/<id of the call>"
  std::map<std::string, std::size_t> ends_;
  std::string problem_;
  std::size_t actions_ = 0;
  int nesting_ = 0;
};

using functions = std::vector<quiet_world::function>;

functions random_functions(chance& by, bool shares_ids) {
  functions out;
  constexpr std::size_t count = 3;
  for (std::size_t i = 0; i < count; ++i) {
    surroundings around{.events = {event_names.begin(), event_names.end()},
                        .signals = {"s1", "s2"},
                        .shares_ids_with_races = shares_ids};
    for (std::size_t later = i + 1; later < count; ++later) {
      around.functions.push_back("f" + std::to_string(later));
      around.deferred.push_back("f" + std::to_string(later));
    }
    out.push_back({.steps = random_body(by, around), .retries = static_cast<int>(by.below(4))});
  }
  return out;
}

/// The simplest functions that still go wrong, as far as single steps of simplification lead.
functions reduced(std::uint64_t seed, functions from, bool knows_ids) {
  const auto fails = [&](const functions& tried) {
    return !quiet_world(seed, tried, knows_ids).run().empty();
  };
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < from.size(); ++i) {
      for (body& simpler : smaller(from[i].steps)) {
        functions tried = from;
        tried[i].steps = std::move(simpler);
        if (!fails(tried)) continue;
        from = std::move(tried);
        again = true;
        break;
      }
    }
  }
  return from;
}

std::string text_of(const functions& all) {
  std::string out;
  for (const auto& each : all)
    out += "retries " + std::to_string(each.retries) + ", " + to_cpp(each.steps) + "\n";
  return out;
}

/// Runs the worlds of these seeds. Says how many runs ended in which way.
std::map<std::string, std::size_t> run_worlds(std::uint64_t first, std::uint64_t count, bool shares_ids) {
  std::map<std::string, std::size_t> ends;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    chance by(seed);
    const functions all = random_functions(by, shares_ids);
    quiet_world world(seed, all, !shares_ids);
    const std::string problem = world.run();
    ends["actions"] += world.actions();
    for (const auto& [how, number] : world.ends()) ends[how] += number;
    if (problem.empty()) continue;
    const functions simple = reduced(seed, all, !shares_ids);
    FAIL("seed " << seed << ": " << problem << "\nreduced: " << quiet_world(seed, simple, !shares_ids).run()
                 << "\n"
                 << text_of(simple));
  }
  return ends;
}

}  // namespace

TEST_CASE("random bodies end as the reference says", "[simulation][bodies]") {
  auto ends = run_worlds(1, 500, false);
  CAPTURE(ends["completed"], ends["failed"], ends["refused"], ends["actions"]);
  CHECK(ends["completed"] > 300);
  CHECK(ends["failed"] > 100);
}

TEST_CASE("races that share ids with what follows them end as the reference says", "[simulation][bodies]") {
  auto ends = run_worlds(10'000, 120, true);
  CAPTURE(ends["completed"], ends["failed"], ends["actions"]);
  CHECK(ends["completed"] > 80);
}

TEST_CASE("a body as C++ is the same body", "[simulation][bodies]") {
  const body all{sequence{
      {.kind = node_kind::run, .id = "\346\227\245\"1\\", .failures = 2, .is_final = true, .retries = 0},
      {.kind = node_kind::race,
       .branches =
           {sequence{{.kind = node_kind::wait, .id = "s2", .ms = 1000, .target = "sim/a", .match = "data.k"},
                     {.kind = node_kind::caught, .swallows = true, .branches = {sequence{}}}},
            sequence{
                {.kind = node_kind::signal_wait, .id = "s3", .ms = 1, .target = "s1", .replaces = true}}}},
      {.kind = node_kind::started,
       .count = 1,
       .unasked = 1,
       .branches = {sequence{{.kind = node_kind::run, .id = "s4"}, {.kind = node_kind::run, .id = "s5"}}}}}};
  const std::string text = R"(body{sequence{
  {.kind = node_kind::run, .id = "\346\227\245\"1\\", .failures = 2, .is_final = true, .retries = 0},
  {.kind = node_kind::race, .branches = {
      sequence{
        {.kind = node_kind::wait, .id = "s2", .ms = 1000, .target = "sim/a", .match = "data.k"},
        {.kind = node_kind::caught, .swallows = true, .branches = {
            sequence{}}}},
      sequence{
        {.kind = node_kind::signal_wait, .id = "s3", .ms = 1, .target = "s1", .replaces = true}}}},
  {.kind = node_kind::started, .count = 1, .unasked = 1, .branches = {
      sequence{
        {.kind = node_kind::run, .id = "s4"},
        {.kind = node_kind::run, .id = "s5"}}}}}})";
  CHECK(to_cpp(all) == text);
}

TEST_CASE("every body has simpler bodies down to the empty one", "[simulation][bodies]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    chance by(seed);
    surroundings around{.events = {"sim/a"}, .signals = {"s1"}, .functions = {"f1"}, .deferred = {"f1"}};
    body now = random_body(by, around);
    std::size_t steps = 0;
    for (auto all = smaller(now); !all.empty(); all = smaller(now)) {
      REQUIRE(std::find(all.begin(), all.end(), now) == all.end());
      now = by.pick(all);
      REQUIRE(++steps < 2'000);
    }
    REQUIRE(now == body{});
  }
}

TEST_CASE("the reference goes by the order of results", "[simulation][bodies]") {
  const auto result = [](std::string_view step, std::string text) {
    return memo{inngest::detail::to_hex(inngest::detail::sha1::of(step)), std::move(text)};
  };
  const sequence a{{.kind = node_kind::run, .id = "a"}};
  const sequence b{{.kind = node_kind::sleep, .id = "b"}, {.kind = node_kind::run, .id = "c"}};
  const node last{.kind = node_kind::run, .id = "a"};
  const body race{{{.kind = node_kind::race, .branches = {a, b}}, last}};
  const memo of_a = result("a", R"({"data":[1]})"), of_b = result("b", "null"),
             of_c = result("c", R"({"data":"c"})"), failed_a = result("a", R"({"error":{"name":"A"}})"),
             failed_c = result("c", R"({"error":{"name":"C"}})"), second_a = result("a:1", R"({"data":2})");

  CHECK(reference(race, {of_b}, 1).what == outcome::undecided);
  CHECK(reference(race, {of_b}, 1).open == std::vector<std::string>{"a", "c"});
  CHECK(reference(race, {of_b, of_c, of_a}, 1).missing_step == "a:1");
  CHECK(reference(race, {of_b, of_c, of_a, second_a}, 1).output == R"([{"won":1,"trace":[null,"c"]},2])");
  CHECK(reference(race, {of_b, of_a, of_c, second_a}, 1).output == R"([{"won":0,"trace":[[1]]},2])");
  CHECK(reference(race, {of_b, failed_a}, 1).error_name == "A");

  const body all{{{.kind = node_kind::parallel, .branches = {a, b}}}};
  CHECK(reference(all, {failed_a, of_b}, 1).missing_step == "c");
  CHECK(reference(all, {of_b, failed_c, failed_a}, 1).error_name == "A");
  CHECK(reference(all, {of_b, of_c, of_a}, 1).output == R"([[[[1]],[null,"c"]]])");

  const body retried{{{.kind = node_kind::fail, .id = "2", .failures = 2}}};
  CHECK(reference(retried, {}, 3).output == "[null]");
  CHECK(reference(retried, {}, 2).what == outcome::failed);
}
