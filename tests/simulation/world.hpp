#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_committer.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/engine_monitor.hpp>
#include <inngest/embedded/detail/finder.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/detail/scheduling/run_activity.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/protocol/operation.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chance.hpp"
#include "checks.hpp"
#include "disk.hpp"
#include "functions.hpp"
#include "network.hpp"
#include "process.hpp"
#include "promises.hpp"
#include "query_checks.hpp"
#include "script.hpp"
#include "sent_events.hpp"
#include "shop.hpp"
#include "state_checks.hpp"

// A world in one thread: an engine's core, functions, a disk, a network, a clock. A script says what happens;
// all that is left to chance follows from its seeds.

namespace simulated {

class world final : public observer {
 public:
  struct options {
    bool with_sqlite = false;
    /// Keep the story of what happened.
    bool tells = false;
  };

  explicit world(const script& script, options chosen)
      : script_(script),
        options_(chosen),
        deployment_(script, *this),
        disk_(chosen.with_sqlite),
        checks_(disk_.memory()) {
    chance by(script.seed ^ 0x2545F4914F6CDD1DU);
    is_on_disk_ = !by.one_in(4);
    id_chance_ = by.next();
    tell("functions: " + std::to_string(deployment_.all().size()) +
         (is_on_disk_ ? ", on disk" : ", in memory"));
    begin_process(deployment_.all());
    if (!deployment_.far_places(deployment_.all()).empty())
      register_far(deployment_.far_places(deployment_.all()));
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Does all of the script, then goes on without faults until nothing is left to do.
  /// \throws violation
  void run() {
    for (const action& next : script_.actions) {
      act(next);
      if (next.seed % 64 == 0) check_load();
    }
    come_to_rest();
  }

  std::size_t actions_done() const { return actions_done_; }
  const std::string& story() const { return story_; }

  // ---- what embedded::api asks of an engine ---------------------------------------------------------------

  std::vector<std::string> accept(std::string events, std::string_view seed = {}) {
    must_live();
    const auto settle = [this](std::uint64_t change) { return settles(change); };
    const auto stored = [this](const std::string& id) { return disk_.memory().find_event(id); };
    const std::string own_seed = seed.empty() ? std::string() : known_seed(seed);
    auto ids = core().accept(std::move(events), own_seed, sender_, now(), stored, settle);
    checks_.accepted(ids);
    if (!own_seed.empty() && ids_of_seeds_.try_emplace(own_seed, ids).first->second != ids)
      throw_violation("events that were sent again with the seed " + own_seed + " have other ids");
    return ids;
  }
  std::optional<std::string> signal(const std::string& name, const std::string& data) {
    must_live();
    auto out = core().signal(name, data, now());
    must_settle();
    return out;
  }
  std::optional<inngest::embedded::run> find_run(const std::string& id) const {
    auto found = disk_.memory().find_run(id);
    return found ? std::optional(std::move(found->run)) : std::nullopt;
  }
  std::vector<inngest::embedded::run> runs_of(const std::string& event_id) const {
    return disk_.memory().runs_of(event_id);
  }
  const inngest::embedded::store& store() const { return disk_.memory(); }
  std::vector<inngest::embedded::function_definition> functions() const { return {}; }
  bool cancel(const std::string& run_id) {
    must_live();
    const bool done = core().cancel(run_id, now());
    if (done) must_settle();
    return done;
  }
  /// Half of the repetitions begin at a step, which may have any state.
  inngest::embedded::rerun_plan some_plan(const inngest::embedded::run_record& earlier) {
    if (earlier.run.timeline.empty() || !chance_ || chance_->one_in(2)) return {};
    const auto& entry = earlier.run.timeline[chance_->below(earlier.run.timeline.size())];
    if (entry.step.empty()) return {};
    try {
      return plan_rerun(earlier, disk_.memory().memos_of(earlier.run.id), {.step = entry.step});
    } catch (const inngest::configuration_error&) {  // several steps have the name
      return {};
    }
  }
  std::optional<std::string> rerun(const std::string& run_id,
                                   const std::optional<inngest::embedded::rerun_step>& from = {}) {
    must_live();
    const auto earlier = disk_.memory().find_run(run_id);
    if (!earlier) return std::nullopt;
    auto plan = some_plan(*earlier);
    if (from) plan = plan_rerun(*earlier, disk_.memory().memos_of(run_id), *from);
    std::string id = core().rerun(*earlier, now(), std::move(plan));
    must_settle();
    return id.empty() ? std::nullopt : std::optional(std::move(id));
  }
  inngest::embedded::invoked_run invoke(const std::string& slug, const std::string& data,
                                        const std::string& key) {
    must_live();
    auto out = core().invoke(slug, data, key, now());
    must_settle();
    return out;
  }
  inngest::embedded::bulk_cancellation cancel_many(inngest::embedded::bulk_cancellation wanted) {
    must_live();
    auto out = core().cancel_many(std::move(wanted), now());
    must_settle();
    return out;
  }
  std::vector<inngest::embedded::bulk_cancellation> bulk_cancellations() {
    return core().state().bulk_cancellations(now());
  }
  bool remove_bulk_cancellation(const std::string& id) {
    must_live();
    const bool done = core().remove_bulk_cancellation(id);
    must_settle();
    return done;
  }

  const std::shared_ptr<inngest::embedded::realtime_hub>& realtime() const { return hub_; }
  void broadcast(inngest::realtime::message message) {
    must_live();
    hub_->publish(std::move(message));
  }
  void note(inngest::realtime::message message) {
    if (!message.run_id.empty()) add_notes({inngest::embedded::note_of(message)});
  }
  void add_notes(std::vector<inngest::embedded::run_note> notes) {
    must_live();
    core().add_notes(std::move(notes), now());
    must_settle();
  }

  // ---- observer: what bodies do --------------------------------------------------------------------------

  void step_began(const std::string& run_id, const std::string& step_id, int attempt) override {
    if (is_dead_) return;
    tell("  step " + step_id + " of " + run_id + " begins, attempt " + std::to_string(attempt));
    body_record& record = bodies_[run_id + '/' + step_id];
    if (record.has_result && !checks_.is_doubtful(run_id))
      throw_violation("step " + step_id + " of run " + run_id + " has its result, and runs again");
    if (!checks_.is_doubtful(run_id) && has_memo(run_id, step_id))
      throw_violation("step " + step_id + " of run " + run_id +
                      " has its result in the store, and runs again");
    ++record.times;
    constexpr int most = 12;  // of four attempts, with some that a crash has taken
    if (record.times - record.excused > most && !checks_.is_doubtful(run_id))
      throw_violation("step " + step_id + " of run " + run_id + " ran " + std::to_string(record.times) +
                      " times");
    if (executing_) executing_->steps.push_back(run_id + '/' + step_id);
    if (number_of(step_id) % 29 == 0) kill("step " + step_id + " ends the process");
  }
  void step_ended(const std::string& run_id, const std::string& step_id, int, bool succeeded) override {
    if (!is_dead_) bodies_[run_id + '/' + step_id].has_result = succeeded;
  }
  /// Other things happen meanwhile, in the middle of a call.
  void slow(std::int64_t ms) override {
    if (is_dead_ || is_calm_ || depth_ > 2) return;
    pass(std::chrono::milliseconds(ms));
    const std::size_t count = chance_->below(4);
    for (std::size_t i = 0; i < count && !is_dead_; ++i) {
      constexpr action_kind near[] = {action_kind::advance, action_kind::work, action_kind::take,
                                      action_kind::begin, action_kind::answer};
      action next = random_action(*chance_);
      if (chance_->one_in(2)) next.what = chance_->pick(near);
      if (next.what == action_kind::stop) next.what = action_kind::work;
      act(next);
    }
  }
  void read(const std::string&, const std::string&) override {}

 private:
  /// The process has ended in the middle of what it did.
  struct killed {};

  /// What is known of the body of a run's step.
  struct body_record {
    int times = 0;
    int excused = 0;  // by an end of the process in order, which uses up no attempt
    bool has_result = false;
  };

  // ---- processes ----------------------------------------------------------------------------------------

  engine_core& core() { return *process_->core; }

  void must_live() const {
    if (is_dead_) throw inngest::unreachable("the process has ended");
  }

  void begin_process(const std::vector<std::size_t>& places) {
    present_ = places;
    tell_functions();
    const auto transport = std::make_shared<loopback<world>>(*this);
    process_.emplace(process{
        .here = inngest::handler(make_client(app_id, transport), deployment_.functions(places, false), {}),
        .far = inngest::handler(make_client(far_app_id, transport),
                                deployment_.functions(deployment_.all(), true), {})});
    here_.clear();
    for (const inngest::any_function& here : process_->here.functions()) {
      auto found = definitions_.find(here.slug());
      if (found == definitions_.end())
        found = definitions_.emplace(here.slug(), inngest::embedded::define(here)).first;
      here_.push_back(found->second);
    }
    inngest::embedded::unfinished_work work = disk_.load();
    clock_ = std::make_unique<inngest::embedded::engine_clock>();
    clock_->go_on_from(time_to_continue_from(work, disk_.memory()), steady());
    checks_.forget_times(now());
    std::vector<std::size_t> known = places;
    for (const std::size_t place : deployment_.far_places(registered_)) known.push_back(place);
    std::erase_if(known, [&](std::size_t place) {
      return deployment_.plans()[place].is_elsewhere &&
             std::count(registered_.begin(), registered_.end(), place) == 0;
    });
    checks_.use(known_functions(deployment_.plans(), known));
    checks_.process_began();
    at_app_.clear();
    process_->core = std::make_unique<engine_core>(
        here_, std::move(work),
        engine_core::options{.retry_delay = [](int) { return std::chrono::seconds(3); },
                             .max_chain = 1'000'000,
                             .collects_progress = script_.seed % 4 == 0,
                             .ids = inngest::detail::ulid_source([this] { return random_id(); })},
        now());
    if (core().has_uncommitted()) {  // a constructor throws when it can't
      engine_core::batch batch = core().begin_commit();
      keep(batch.all);
      core().end_commit(std::move(batch), "", now());
    }
    is_dead_ = false;
    doubt_runs_without_function();
  }

  /// While its function is gone nobody knows how often a run may be tried.
  void doubt_runs_without_function() {
    for (const std::string& id : checks_.active()) {
      const auto* run = core().state().find_run(id);
      if (run && !checks_.find(run->record.run.function_slug)) checks_.doubt(id);
    }
  }

  void tell_functions() {
    if (!options_.tells) return;
    for (const std::size_t place : present_) tell("process with " + deployment_.plans()[place].slug());
    if (process_) return;
    for (const std::size_t place : deployment_.all()) {
      const inngest::any_function& one = deployment_.function(place);
      tell(inngest::protocol::describe_function(one.slug(), one.options(), one.triggers(), ""));
      tell(to_cpp(deployment_.plans()[place].handler));
    }
  }

  std::array<std::uint8_t, 16> random_id() {
    std::array<std::uint8_t, 16> out{};
    chance by(id_chance_++);
    const std::uint64_t halves[2] = {by.next(), by.next()};
    std::memcpy(out.data(), halves, sizeof halves);
    return out;
  }

  /// Seeds of the client come from its own randomness: here they are numbered.
  std::string known_seed(std::string_view seed) {
    const std::uint64_t number = seeds_.try_emplace(std::string(seed), seeds_.size() + 1).first->second;
    return seed_of(number);
  }
  static std::string seed_of(std::uint64_t number) {
    std::array<std::uint8_t, 10> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    return "1743130137367," + inngest::detail::to_base64(bytes);
  }

  /// The process ends here and now. What it still does has no effect.
  void kill(const std::string& why) {
    if (is_dead_) return;
    tell("the process is killed: " + why);
    is_dead_ = true;
    if (process_->committing && !process_->is_kept_already && chance_->one_in(2))
      keep(process_->committing->all);
  }

  /// Another process, after the last has ended. Not while a body of it is running.
  void go_on_after_death() {
    for (auto& [step, record] : bodies_) record.has_result = false;  // the store knows which have one
    std::vector<std::size_t> places = deployment_.all();
    if (!is_calm_ && chance_->one_in(6) && places.size() > 1)
      places.erase(places.begin() + static_cast<std::ptrdiff_t>(chance_->below(places.size())));
    if (const std::string difference = disk_.difference(); !difference.empty())
      throw_violation("the stores differ: " + difference);
    disk_.reopen();
    check_notes();
    begin_process(places);
    check_pauses();
    promises_.check(core(), disk_.memory(), now());
  }

  // ---- time ---------------------------------------------------------------------------------------------

  inngest::embedded::engine_clock::steady_time steady() const {
    return inngest::embedded::engine_clock::steady_time(steady_);
  }
  timestamp now() { return clock_->advance(system_, steady()); }
  void pass(std::chrono::milliseconds time) {
    system_ += time;
    steady_ += time;
  }

  // ---- the disk -----------------------------------------------------------------------------------------

  void keep(std::span<const changes> all) {
    disk_.commit(all);
    try {
      checks_.committed(all);
    } catch (const violation& found) {
      throw_violation(found.what());
    }
  }

  bool begin_commit() {
    if (process_->committing || !core().has_uncommitted()) return false;
    process_->committing = core().begin_commit();
    process_->is_kept_already = false;
    return true;
  }

  void end_commit() {
    if (!process_->committing) return;
    engine_core::batch batch = std::move(*process_->committing);
    process_->committing.reset();
    const bool fails = !is_calm_ && (is_full_ || chance_->one_in(40));
    const bool is_kept =
        !fails || (!is_full_ && chance_->one_in(2));  // one that failed may be kept all the same
    if (is_kept && !process_->is_kept_already) keep(batch.all);
    if (fails) tell(is_kept ? "  a commit is kept, and fails" : "  a commit fails");
    core().end_commit(std::move(batch), fails ? "the disk takes nothing" : "", now());
    check_progress();
    commit_in_memory();
  }

  /// An observer is told of what is in the timelines of the store, and in their order.
  void check_progress() {
    while (const auto told = core().take_progress()) {
      const auto kept = find_run(told->run.id);
      if (!kept) continue;
      const auto is_it = [&](const inngest::embedded::timeline_entry& entry) {
        return entry.at == told->entry.at && entry.what == told->entry.what &&
               entry.step == told->entry.step && entry.attempt == told->entry.attempt &&
               entry.detail == told->entry.detail;
      };
      std::size_t& from = told_[told->run.id];
      const auto begin =
          kept->timeline.begin() + static_cast<std::ptrdiff_t>(std::min(from, kept->timeline.size()));
      const auto found = std::find_if(begin, kept->timeline.end(), is_it);
      if (found == kept->timeline.end())
        throw_violation("an observer is told that run " + told->run.id + " has \"" +
                        std::string(to_string(told->entry.what)) + ' ' + told->entry.step +
                        "\", which is not in the store behind what it was told before");
      else
        from = static_cast<std::size_t>(found - kept->timeline.begin()) + 1;
    }
  }

  /// A store in memory commits at once, what has failed excepted.
  void commit_in_memory() {
    if (is_on_disk_ || is_dead_) return;
    while (core().has_uncommitted() && core().problem().empty() && !process_->committing) {
      begin_commit();
      end_commit();
    }
  }

  /// Waits for a change as a thread of the engine does: whoever waits commits.
  bool settles(std::uint64_t change) {
    commit_in_memory();
    while (core().committed() < change && core().problem().empty()) {
      if (!is_calm_ && chance_->one_in(150)) {
        kill("while somebody waits for the disk");
        throw killed{};
      }
      if (!process_->committing) begin_commit();
      if (!is_calm_ && depth_ < 3 && chance_->one_in(6)) act(random_work());
      must_live();
      end_commit();
    }
    if (core().committed() < change && process_->committing) end_commit();
    return core().committed() >= change;
  }
  void must_settle() {
    if (!settles(core().changed())) throw inngest::unreachable(core().problem());
  }

  /// What workers do, by chance.
  action random_work() {
    constexpr action_kind kinds[] = {action_kind::take, action_kind::begin, action_kind::answer,
                                     action_kind::work};
    return {chance_->pick(kinds), chance_->next()};
  }

  // ---- calls --------------------------------------------------------------------------------------------

  worker_call* take() {
    std::optional<engine_core::call> next =
        core().take(now(), [this](const auto&) { return is_far_reached_ || is_calm_; });
    commit_in_memory();
    if (!next) return nullptr;
    auto& calls = process_->calls;
    calls.push_back(std::make_unique<worker_call>(worker_call{.call = std::move(*next)}));
    check_limits(calls.back()->call.what, calls, core().state(), checks_);
    if (core().state().holds_back(calls.back()->call.what.run_id))
      throw_violation("a call of run " + calls.back()->call.what.run_id + " begins although it is paused");
    tell("  taken: job " + std::to_string(calls.back()->call.what.id) + " of " +
         calls.back()->call.what.run_id);
    return calls.back().get();
  }

  bool may_begin(const worker_call& call) {
    return !call.answer && !call.is_running && core().committed() >= call.call.change;
  }

  /// The body runs, in a process that may end meanwhile.
  void begin(worker_call& call) {
    if (!core().is_wanted(call.call)) {
      call.answer.emplace();
      return;
    }
    const bool is_far = !call.call.request.method.empty() && call.call.request.url.starts_with("http://far");
    if (is_far && !is_calm_ && chance_->one_in(20)) return postpone(call);
    check_durable(call.call, disk_.memory());
    call.is_running = true;
    worker_call* const outer = std::exchange(executing_, &call);
    const std::string outer_sender = std::exchange(sender_, call.call.what.run_id);
    call.answer = answer_to(call.call);
    executing_ = outer;
    sender_ = outer_sender;
    call.is_running = false;
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  /// Nobody can make the call yet.
  void postpone(worker_call& call) {
    core().postpone(call.call, now() + std::chrono::seconds(1));
    std::erase_if(process_->calls, [&](const auto& known) { return known.get() == &call; });
    commit_in_memory();
  }

  http::response answer_to(const engine_core::call& made) {
    const job& job = made.what;
    if (made.request.method.empty()) return inngest::embedded::no_answer(made.request.body);
    if (job.what == job::kind::request) return fetched(made.request, !is_calm_ && chance_->one_in(4));
    if (made.request.url.starts_with('/') || made.request.url.starts_with('?')) {
      const auto save = [&](const std::vector<inngest::protocol::operation>& results) {
        return this->save(job, results);
      };
      return process_->here.answer_in_process(made.request, save, made.stop);
    }
    const fate its_fate = is_calm_ ? fate::arrives : random_fate(*chance_);
    if (its_fate != fate::arrives) checks_.doubt(made.what.run_id);
    return send_over_network(process_->far, made.request, its_fate, *chance_);
  }

  inngest::execution::checkpoints::saved save(const job& job,
                                              const std::vector<inngest::protocol::operation>& results) {
    using saved = inngest::execution::checkpoints::saved;
    if (is_dead_ || core().state().holds_back(job.run_id)) return saved::no;
    const auto operations = inngest::embedded::read_operations(inngest::protocol::write_operations(results));
    if (!core().checkpoint(job.run_id, job.id, operations, now())) return saved::stale;
    try {
      return settles(core().changed()) ? saved::yes : saved::no;
    } catch (const killed&) {
      return saved::no;
    } catch (const inngest::unreachable&) {
      return saved::no;
    }
  }

  void finish(worker_call& call) {
    const auto place = std::find_if(process_->calls.begin(), process_->calls.end(),
                                    [&](const auto& known) { return known.get() == &call; });
    const std::unique_ptr<worker_call> ended = std::move(*place);
    process_->calls.erase(place);
    core().finish(ended->call, std::move(*ended->answer), now());
    commit_in_memory();
  }

  worker_call* some_call(bool answered) {
    std::vector<worker_call*> fitting;
    for (const auto& call : process_->calls) {
      if (answered ? call->answer.has_value() : may_begin(*call)) fitting.push_back(call.get());
    }
    return fitting.empty() ? nullptr : fitting[chance_->below(fitting.size())];
  }

  // ---- what happens -------------------------------------------------------------------------------------

  void act(const action& next) {
    ++actions_done_;
    chance by(next.seed);
    chance* const outer = std::exchange(chance_, &by);
    ++depth_;
    tell(std::string(to_string(next.what)));
    try {
      do_it(next.what);
    } catch (const killed&) {
    } catch (const inngest::error& refused) {
      tell(std::string("  refused: ") + refused.what());
    } catch (const violation& found) {
      if (!executing_ || thrown_) {
        --depth_;
        chance_ = outer;
        throw;
      }
      thrown_ = std::make_exception_ptr(found);  // not into the handler
    } catch (...) {
      --depth_;
      chance_ = outer;
      throw;
    }
    --depth_;
    if (is_dead_ && depth_ == 0) {
      while (is_dead_) go_on_after_death();
      if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }
    chance_ = outer;
  }

  void do_it(action_kind what) {
    if (is_dead_) return;
    switch (what) {
      case action_kind::send:
        return send(events_.some(*chance_));
      case action_kind::send_odd:
        return send(sent_events::odd(*chance_));
      case action_kind::send_again:
        if (last_sent_.empty()) return;
        checks_.sent(last_sent_);
        accept(last_sent_, last_seed_);
        return checks_.taken(last_sent_);
      case action_kind::send_future:
        return send_later(std::chrono::milliseconds(chance_->between(1, 200'000)));
      case action_kind::start:
        return start();
      case action_kind::rerun:
        if (const std::string* run = some_run()) rerun(*run);
        return;
      case action_kind::cancel:
        for (std::size_t i = chance_->one_in(3) ? 4 : 1; i-- > 0;) {
          if (const std::string* run = some_active_run()) cancel(*run);
        }
        return;
      case action_kind::signal:
        signal(chance_->pick(signal_names), "{\"n\":" + std::to_string(chance_->below(9)) + "}");
        if (const std::string* run = some_run()) set_metadata(*run);
        return;
      case action_kind::register_app:
        return register_app();
      case action_kind::take:
        take();
        return;
      case action_kind::begin:
        if (worker_call* call = some_call(false)) begin(*call);
        return;
      case action_kind::answer:
        if (worker_call* call = some_call(true)) finish(*call);
        return;
      case action_kind::work:
        return work();
      case action_kind::begin_commit:
        if (begin_commit() && chance_->one_in(3)) {
          keep(process_->committing->all);
          process_->is_kept_already = true;
        }
        return;
      case action_kind::end_commit:
        return end_commit();
      case action_kind::fill_disk:
        is_full_ = true;
        return;
      case action_kind::free_disk:
        is_full_ = false;
        if (begin_commit()) end_commit();
        return;
      case action_kind::advance:
        return advance();
      case action_kind::set_clock:
        return set_clock();
      case action_kind::forget:
        return forget();
      case action_kind::stop:
        return stop();
      case action_kind::crash:
        return kill("by chance");
      case action_kind::pause:
        return pause();
      case action_kind::resume:
        return resume();
      case action_kind::drain:
        return core().state().parts().pauses.is_draining() ? core().end_drain() : core().drain();
      case action_kind::backfill:
        return backfill();
      case action_kind::run_schedule:
        if (const auto schedule = some_schedule()) {
          core().run_schedule(schedule->function, schedule->cron, now());
          must_settle();
        }
        return;
      case action_kind::place:
        return other_program().place(*chance_);
      case action_kind::relay:
        if (shop_) shop_->relay(*chance_, is_calm_);
        return;
      case action_kind::bulk:
        return begin_bulk();
      case action_kind::bulk_turn:
        return bulk_turn();
      case action_kind::ask:
        return ask();
      case action_kind::resend:
        return resend();
      case action_kind::invoke:
        return invoke_with_key();
      case action_kind::cancel_many:
        return cancel_runs_of_function();
      case action_kind::reach:
        is_far_reached_ = !is_far_reached_;
        if (is_far_reached_) core().retry_blocked();
        return;
      case action_kind::annotate:
        return annotate();
      case action_kind::begin_at_app:
        return begin_at_app();
    }
  }

  // ---- events -------------------------------------------------------------------------------------------

  void send(std::string events) {
    tell("  " + events);
    std::string seed;
    if (chance_->one_in(3)) {
      seed = "s" + std::to_string(chance_->next());
      last_sent_ = events;
      last_seed_ = seed;
    }
    try {
      accept(events, seed);
      checks_.taken(events);
    } catch (const inngest::error&) {
      if (!is_dead_) checks_.refused(events);
      throw;
    }
  }

  /// It begins when it is first needed.
  shop& other_program() {
    if (!shop_) {
      shop_.emplace(std::make_shared<loopback<world>>(*this),
                    [this] { return now().time_since_epoch() / std::chrono::milliseconds(1); });
    }
    return *shop_;
  }

  void empty_outbox() {
    for (int i = 0; shop_ && !shop_->has_nothing_to_send(); ++i) {
      if (i == 1'000) throw violation("an outbox does not get empty");
      act({action_kind::relay, static_cast<std::uint64_t>(i)});
      pass(std::chrono::seconds(5));
    }
    if (shop_) shop_->at_rest();
  }

  void send_later(std::chrono::milliseconds time) { send(events_.one(*chance_, now() + time)); }

  void start() {
    const std::size_t place = chance_->pick(deployment_.all());
    const std::string slug = deployment_.plans()[place].slug();
    if (!core().state().functions().find(slug)) return;
    core().start(slug, "{\"k\":\"k1\",\"n\":2}", now());
    must_settle();
  }

  const std::string* some_active_run() {
    const auto& active = checks_.active();
    if (active.empty()) return nullptr;
    return &*std::next(active.begin(), static_cast<std::ptrdiff_t>(chance_->below(active.size())));
  }
  const std::string* some_run() {
    if (const std::string* run = some_active_run()) last_run_ = *run;
    return last_run_.empty() ? nullptr : &last_run_;
  }

  // ---- bulk operations ------------------------------------------------------------------------------------

  void begin_bulk() {
    using inngest::embedded::bulk_action;
    if (const auto ids = core().bulk().ids(); !ids.empty() && chance_->one_in(4)) {
      core().stop_bulk(chance_->pick(ids), now());
      return must_settle();
    }
    constexpr bulk_action actions[] = {bulk_action::rerun, bulk_action::rerun, bulk_action::cancel,
                                       bulk_action::remove};
    inngest::embedded::bulk_request wanted{.what = chance_->pick(actions)};
    if (chance_->one_in(2)) wanted.runs = filter_of_bulk();
    if (chance_->one_in(2) || wanted.what == bulk_action::cancel)
      wanted.runs.function = deployment_.plans()[chance_->pick(deployment_.all())].slug();
    if (wanted.what == bulk_action::rerun) wanted.from_failed_step = chance_->one_in(2);
    if (wanted.what == bulk_action::remove) wanted.runs.status = run_status::completed;
    auto operation = new_bulk_operation(wanted);
    with_finder(disk_.memory(),
                [&](const auto& find) { operation.total = find.count(query_of(operation)).count; });
    const std::string id = core().begin_bulk(std::move(operation), now()).id;
    tell("  " + std::string(to_string(wanted.what)) + " in bulk " + to_json(wanted.runs).dump());
    must_settle();
    checks_.bulk_began(id);
  }

  /// Without what may change while the operation works.
  inngest::embedded::run_query filter_of_bulk() {
    auto out = query_maker(*chance_, disk_.model()).runs(true);
    out.tags.clear();
    if (out.status && !is_end(*out.status)) out.status.reset();
    std::erase_if(out.statuses, [](run_status status) { return !is_end(status); });
    return out;
  }

  void bulk_turn() {
    const auto ids = core().bulk().ids();
    if (ids.empty()) return;
    const std::string id = chance_->pick(ids);
    const auto operation = *core().bulk().find(id);
    const auto find_page = [&](const inngest::embedded::run_query& query) {
      inngest::embedded::run_page out;
      with_finder(disk_.memory(), [&](const auto& find) { out = find.find_page(query); });
      return out;
    };
    auto chunk = next_bulk_chunk(operation, disk_.memory(), find_page, 1 + chance_->below(4));
    if (!is_calm_ && depth_ < 3 && chance_->one_in(3)) act(random_work());  // while it reads
    must_live();
    core().advance_bulk(id, std::move(chunk), now());
    if (chance_->one_in(2)) settles(core().changed());
  }

  // ---- questions ------------------------------------------------------------------------------------------

  /// Calls `look` with what an engine searches a store with.
  template <class Look>
  void with_finder(inngest::embedded::store& in, const Look& look) {
    namespace embedded = inngest::embedded;
    std::mutex mutex;
    std::condition_variable workers, settled, cleaner;
    const inngest::logger log;
    const embedded::engine_options chosen;
    embedded::engine_clock clock(
        [time = now()] { return std::chrono::system_clock::time_point(time.time_since_epoch()); });
    embedded::engine_committer commits(core(), in, clock, log, workers, settled, cleaner);
    const embedded::engine_monitor monitor(mutex, core(), commits, clock, chosen);
    look(embedded::finder(in, monitor));
  }

  /// What the engine says of a run; `nullopt` when it is something else soon.
  std::optional<run_status> status_of(const std::string& id, run_status stored, timestamp time) {
    const auto* run = is_end(stored) ? nullptr : core().state().find_run(id);
    if (!run) return stored;
    const auto at = [&](timestamp when) {
      return inngest::embedded::scheduling::activity_of(core().state().parts(), *run, when, false).status;
    };
    const run_status out = at(time);
    return out == at(time + std::chrono::minutes(1)) ? std::optional(out) : std::nullopt;
  }

  void ask() {
    const query_checks questions(disk_.model());
    questions.compare_all(disk_.memory(), "the memory store");
    questions.ask_store(*chance_, disk_.memory(), "the memory store");
    const timestamp time = now();
    const auto describe = [&](const std::string& id, run_status stored) {
      return status_of(id, stored, time);
    };
    const auto ask_engine = [&](inngest::embedded::store& in, const std::string& name) {
      with_finder(in, [&](const auto& find) { questions.ask_finder(*chance_, find, time, name, describe); });
    };
    ask_engine(disk_.memory(), "an engine in memory");
    if (!disk_.sqlite()) return;
    questions.compare_all(*disk_.sqlite(), "SQLite");
    questions.ask_store(*chance_, *disk_.sqlite(), "SQLite");
    questions.ask_large(*chance_, disk_.sqlite_file());
    ask_engine(*disk_.sqlite(), "an engine on SQLite");
    if (!chance_->one_in(8)) return;
    if (const std::string damage = disk_.damage(); !damage.empty()) throw violation(damage);
  }

  // ---- people who do something with runs and events -------------------------------------------------------

  void resend() {
    const auto& all = disk_.model().events();
    if (all.empty()) return;
    const auto& event = chance_->pick(all).second;
    if (!event.dispatched) return;  // its sender may be told that it was not accepted
    const std::string id = core().resend(event, now());
    must_settle();
    checks_.accepted({id});
  }

  void invoke_with_key() {
    const std::string slug = deployment_.plans()[chance_->pick(deployment_.all())].slug();
    const std::string key = chance_->one_in(3) ? "" : "key" + std::to_string(chance_->below(3));
    const timestamp time = now();
    const auto told = invoke(
        slug,
        "{\"k\":\"" + chance_->pick(key_values) + "\",\"n\":" + std::to_string(chance_->below(10)) + "}",
        key);
    promises_.invoked(slug, key, told, time);
  }

  void cancel_runs_of_function() {
    const auto known = bulk_cancellations();
    if (!known.empty() && chance_->one_in(4)) {
      const std::string id = chance_->pick(known).id;
      promises_.forgets_cancellation(id);
      remove_bulk_cancellation(id);
      return;
    }
    inngest::embedded::bulk_cancellation wanted{
        .function = deployment_.plans()[chance_->pick(deployment_.all())].slug(),
        .started_before = now() - std::chrono::seconds(chance_->between(-2, 60))};
    if (chance_->one_in(3)) wanted.started_after = wanted.started_before - std::chrono::minutes(5);
    if (chance_->one_in(3)) wanted.condition = "event.data.n > 4";
    const auto done = core().cancel_many(wanted, now());
    promises_.cancelled(done, left_by(done));
    must_settle();
    promises_.acknowledged(done);
  }

  /// The runs that a cancellation should have ended, but has not.
  std::vector<std::string> left_by(const inngest::embedded::bulk_cancellation& done) {
    std::vector<std::string> out;
    for (const std::string& id : checks_.active()) {
      const auto* run = core().state().find_run(id);
      if (!run || run->record.run.function_slug != done.function || !run->record.gathering.empty()) continue;
      const timestamp queued = run->record.run.queued_at;
      if (queued > done.started_before || (done.started_after && queued < *done.started_after)) continue;
      const auto event = inngest::json::parse(run->record.events.front().text);
      if (done.condition.empty() || asked::fulfils(event, done.condition)) out.push_back(id);
    }
    return out;
  }

  /// What does not change the course of runs.
  void annotate() {
    const std::string* const some = some_run();
    if (!some) return;
    const std::string run = *some, text = std::to_string(++notes_made_);
    switch (chance_->below(4)) {
      case 0:
        return tag(run);
      case 1:
        for (std::size_t i = chance_->below(3); i-- > 0;)
          core().keep_log_line({.run_id = run,
                                .line = {.at = now(), .text = "line " + text},
                                .position = ++last_log_position_,
                                .most = 4});
        return;
      case 2:
        return note({.channel = "sim", .topic = "t", .text = text, .run_id = run});
      default:
        core().add_audit({.actor = "somebody", .action = "annotate", .target = run, .details = text},
                         chance_->one_in(3), now());
        must_settle();
        promises_.audited(text);
    }
  }

  void tag(const std::string& run) {
    constexpr const char* edits[] = {
        R"("op":"merge","values":{"color":"red"})", R"("op":"merge","values":{"color":"blue","size":3})",
        R"("op":"delete","values":{"color":null})", R"("op":"merge","values":{"":"no name","list":[1]})"};
    inngest::embedded::server_api<world>(*this).answer(
        {.method = "POST",
         .url = "/v1/runs/" + run + "/metadata",
         .body = R"({"metadata":[{"kind":"userland.tags",)" + std::string(chance_->pick(edits)) + "}]}"});
  }

  // ---- runs that the app elsewhere begins by itself, as endpoints do --------------------------------------

  void begin_at_app() {
    std::vector<std::size_t> fitting;
    for (const std::size_t place : registered_) {
      const auto& its = deployment_.plans()[place].options;
      const bool is_plain = !its.throttle && !its.singleton && its.concurrency.limits().empty();
      if (is_plain && core().state().functions().find(deployment_.plans()[place].slug()))
        fitting.push_back(place);
    }
    if (fitting.empty()) return;
    const std::string slug = deployment_.plans()[chance_->pick(fitting)].slug();
    const std::string run = inngest::detail::ulid_source([this] { return random_id(); }).next(now());
    const std::uint64_t id =
        core().begin_at_app(slug, run,
                            {.name = std::string(inngest::protocol::http_event_name),
                             .data = "{\"k\":\"" + chance_->pick(key_values) + "\",\"n\":3}"},
                            now());
    at_app_.insert(run);
    checks_.doubt(run);  // its first call fails unless the app reports how it ends
    must_settle();
    if (!chance_->one_in(4)) report_at_app(run, id);
  }

  /// The app makes the first call itself, and saves results of steps while it goes on. What it does not
  /// report, the engine does again after a while.
  void report_at_app(const std::string& run, std::uint64_t id) {
    for (bool goes_on = true; goes_on;) {
      if (!core().state().find_run(run)) return;  // somebody has cancelled it
      const http::response answer = answer_at_app(run, id);
      const bool has_ended = answer.status == 200;
      if (!has_ended && answer.status != 206) return;
      const std::string operations =
          has_ended ? inngest::protocol::write_operations({inngest::protocol::run_complete(answer.body)})
                    : answer.body;
      const auto read = inngest::embedded::read_operations(operations);
      goes_on = std::all_of(read.begin(), read.end(), [](const auto& operation) {
        return operation.kind == inngest::embedded::operation_kind::step_completed;
      });
      if (!core().report_at_app(run, id, operations, answer.headers, now())) return;
      if (!goes_on) {
        at_app_.erase(run);
        checks_.trust(run);
      }
      must_settle();
    }
  }

  http::response answer_at_app(const std::string& run, std::uint64_t id) {
    worker_call made{.call = {.what = {.id = id, .run_id = run}, .stop = {}}};
    made.call.request = core().state().request_for(made.call.what);
    worker_call* const outer = std::exchange(executing_, &made);
    http::response out = process_->far(made.call.request);
    executing_ = outer;
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    must_live();
    return out;
  }

  // ---- notes of runs --------------------------------------------------------------------------------------

  void set_metadata(std::string run) {
    const std::string text = std::to_string(++notes_made_);
    const std::string values = "{\"n\":" + text + "}";
    // The engine orders notes when it takes them. Other actions may run until this one is acknowledged.
    noted_[run].emplace_back(values, false);
    const http::response answer = inngest::embedded::server_api<world>(*this).answer(
        {.method = "POST",
         .url = "/v1/runs/" + run + "/metadata",
         // of a kind of its own, because it would replace earlier values of the kind
         .body =
             R"({"metadata":[{"kind":"userland.sim)" + text + R"(","op":"set","values":)" + values + "}]}"});
    if (answer.status != 200) return;
    if (is_dead_) return;
    auto& taken = noted_[run];
    std::find(taken.begin(), taken.end(), std::pair(values, false))->second = true;
  }

  /// What was acknowledged is in the store once, and in order; more may be there.
  void check_notes() {
    for (const auto& [run, texts] : noted_) {
      if (!find_run(run)) continue;
      std::vector<std::string> stored;
      for (const auto& note : store().notes_of(run)) stored.push_back(note.text);
      auto at = stored.begin();
      for (const auto& [text, is_acknowledged] : texts) {
        if (!is_acknowledged) continue;
        if (std::count(stored.begin(), stored.end(), text) != 1)
          throw_violation("note " + text + " of run " + run + " is not in the store once");
        at = std::find(at, stored.end(), text);
        if (at == stored.end()) throw_violation("the notes of run " + run + " are in another order");
      }
    }
  }

  // ---- pauses and schedules -----------------------------------------------------------------------------

  std::optional<inngest::embedded::schedule_info> some_schedule() {
    const auto all = core().state().schedules().all(now());
    return all.empty() ? std::nullopt : std::optional(chance_->pick(all));
  }

  void pause() {
    using inngest::embedded::pause_target;
    pause_target target = pause_target::app(chance_->one_in(2) ? app_id : far_app_id);
    const auto schedule = some_schedule();
    if (!chance_->one_in(4))
      target = pause_target::function(deployment_.plans()[chance_->pick(deployment_.all())].slug());
    else if (schedule && chance_->one_in(2))
      target = pause_target::schedule(schedule->function, schedule->cron);
    const std::uint64_t resumed = resumed_;
    core().pause(target, "the simulation", now());
    must_settle();
    if (resumed == resumed_) acknowledged_pauses_.insert(target.text());  // otherwise it may be over
  }

  void resume() {
    const auto all = core().state().parts().pauses.all();
    if (all.empty() || core().has_uncommitted() || process_->committing) return;
    end_pause(chance_->pick(all).target);
  }
  void end_pause(const inngest::embedded::pause_target& target) {
    acknowledged_pauses_.erase(target.text());
    ++resumed_;
    core().resume(target, now());
    must_settle();
  }

  /// What somebody was told is paused is paused in the next process, too.
  void check_pauses() {
    std::set<std::string> found;
    for (const auto& pause : core().state().parts().pauses.all()) found.insert(pause.target.text());
    for (const std::string& target : acknowledged_pauses_) {
      if (!found.contains(target)) throw_violation(target + " was paused, and is not any more");
    }
  }

  /// As the engine does it: times that are in the store, or on their way into it, are not done again.
  void backfill() {
    using namespace inngest::embedded::scheduling;
    const auto schedule = some_schedule();
    if (!schedule) return;
    const auto& [slug, cron] = std::pair(schedule->function, schedule->cron);
    const auto& state = core().state().schedules();
    const auto until = std::min(now(), state.next_planned(slug, cron).value_or(now()));
    const auto from = until - std::chrono::hours(chance_->between(1, 24 * 20));
    const std::set<std::string> uncommitted = state.uncommitted();
    for (const timestamp planned : schedule_times(*state.find(slug, cron)->cron, from, until, 10)) {
      const std::string id = schedule_event_id(slug, cron, planned);
      if (!uncommitted.contains(id) && !disk_.memory().find_event(id))
        core().backfill(slug, cron, planned, now());
    }
    must_settle();
  }

  // ---- apps elsewhere -----------------------------------------------------------------------------------

  void register_app() {
    std::vector<std::size_t> places = deployment_.far_places(deployment_.all());
    if (places.empty() || core().has_uncommitted() || process_->committing) return;
    if (chance_->one_in(3))
      places.erase(places.begin() + static_cast<std::ptrdiff_t>(chance_->below(places.size())));
    register_far(places);
  }
  void register_far(const std::vector<std::size_t>& places) {
    const inngest::embedded::app_record app = deployment_.registration(places);
    registered_ = places;
    std::vector<std::size_t> known = places;
    for (const std::size_t place : present_) {
      if (!deployment_.plans()[place].is_elsewhere) known.push_back(place);
    }
    checks_.use(known_functions(deployment_.plans(), known));
    core().register_app(app, inngest::embedded::read_registration(app), now());
    const bool was_full = std::exchange(is_full_, false), was_calm = std::exchange(is_calm_, true);
    must_settle();
    is_full_ = was_full;
    is_calm_ = was_calm;
  }

  // ---- work ---------------------------------------------------------------------------------------------

  void work() {
    worker_call* call = take();
    if (!call) {
      settles(core().changed());
      return;
    }
    settles(call->call.change);
    const bool is_there = std::any_of(process_->calls.begin(), process_->calls.end(),
                                      [&](const auto& known) { return known.get() == call; });
    if (!is_there || !may_begin(*call)) return;
    begin(*call);
    const bool has_answer =
        std::any_of(process_->calls.begin(), process_->calls.end(),
                    [&](const auto& known) { return known.get() == call && known->answer.has_value(); });
    if (!is_dead_ && has_answer) finish(*call);
  }

  void advance() {
    if (chance_->one_in(3)) return pass(std::chrono::milliseconds(chance_->between(1, 20'000)));
    const auto due = core().next_due();
    if (due && *due > now()) pass(std::min<std::chrono::milliseconds>(*due - now(), std::chrono::hours(2)));
  }

  /// What is due does not move away when the clock is set; but a clock that is a day late is followed.
  void set_clock() {
    const timestamp before = now();
    system_ += std::chrono::milliseconds(chance_->between(-4'000'000, 600'000));
    const timestamp after = now();
    if (after < before && before - after < std::chrono::hours(23))
      throw_violation("the engine's time goes back with the clock: what is due waits for longer");
  }

  void forget() {
    if (process_->committing || !core().problem().empty()) return;  // like engine_body::clean()
    inngest::embedded::retention kept{.history = std::chrono::hours(1), .rules = {}};
    for (std::size_t i = chance_->below(4); i-- > 0;) kept.rules.push_back(some_rule());
    disk_.forget(kept, now());
    last_sent_.clear();  // what is forgotten is new again
    checks_.forget_schedules();
    checks_.runs_were_removed();
  }

  inngest::embedded::retention_rule some_rule() {
    constexpr run_status ends[] = {run_status::completed, run_status::failed, run_status::cancelled};
    inngest::embedded::retention_rule out{.keep = std::chrono::minutes(chance_->between(0, 180))};
    if (chance_->one_in(2)) out.function = deployment_.plans()[chance_->pick(deployment_.all())].slug();
    if (chance_->one_in(2)) out.status = chance_->pick(ends);
    return out;
  }

  /// The process ends in order: calls that have not ended by then are made again, as the same attempt.
  void stop() {
    core().begin_to_stop();
    for (const auto& asked : core().take_stops())
      asked.is_shutdown ? asked.stop.request_shutdown() : asked.stop.request();
    while (worker_call* call = chance_->one_in(2) ? some_call(true) : nullptr) finish(*call);
    for (const auto& call : process_->calls) {
      for (const std::string& step : call->steps) ++bodies_[step].excused;
    }
    while (core().has_uncommitted() || process_->committing) {
      begin_commit();
      const bool was_full = std::exchange(is_full_, false);
      end_commit();
      is_full_ = was_full;
    }
    tell("the process stops");
    is_dead_ = true;
  }

  // ---- checks -------------------------------------------------------------------------------------------

  /// Thrown where it was found, if the SDK does not stand between; otherwise when its call is over.
  void throw_violation(const std::string& what) {
    const violation found(what);
    if (!executing_) throw found;
    if (!thrown_) thrown_ = std::make_exception_ptr(found);
  }

  bool has_memo(const std::string& run_id, const std::string& step_id) const {
    const inngest::embedded::active_run* run = process_->core->state().find_run(run_id);
    return run && run->memos.contains(inngest::detail::sha1::of(step_id));
  }

  /// What another process would load is what this one has.
  void check_load() {
    if (!process_->calls.empty() || process_->committing || core().has_uncommitted()) return;
    if (!at_app_.empty()) return;  // another process takes their calls for lost
    const engine_core other(here_, disk_.load(), {.retry_delay = [](int) { return std::chrono::seconds(3); }},
                            now());
    check_same_state(core().state(), other.state(), checks_);
  }

  /// Without faults all runs end.
  void come_to_rest() {
    chance by(script_.seed + 1);
    chance_ = &by;
    is_calm_ = true;
    is_full_ = false;
    const auto commit_all = [this] {
      while (core().has_uncommitted() || process_->committing) {
        begin_commit();
        end_commit();
      }
    };
    commit_all();  // the runs that stored events start, too: they are those of the functions registered now
    if (!deployment_.far_places(deployment_.all()).empty())
      register_far(deployment_.far_places(deployment_.all()));
    if (present_.size() < deployment_.all().size() ||
        by.one_in(2)) {  // a process that goes on must come to rest, too
      stop();
      while (is_dead_) go_on_after_death();
    }
    commit_all();
    core().end_drain();
    core().retry_blocked();
    for (const auto& pause : core().state().parts().pauses.all()) end_pause(pause.target);
    for (commit_all(); !process_->calls.empty(); commit_all()) {
      act({action_kind::begin, by.next()});
      act({action_kind::answer, by.next()});
    }
    empty_outbox();
    commit_all();
    tell("at rest");
    constexpr int most = 60'000;
    for (int i = 0;; ++i) {
      if (i == most) throw violation("it does not come to rest");
      act({action_kind::work, static_cast<std::uint64_t>(i)});
      settles(core().changed());
      if (!core().bulk().empty()) {
        act({action_kind::bulk_turn, static_cast<std::uint64_t>(i)});
        settles(core().changed());
        continue;
      }
      const auto due = core().next_due();
      if (core().state().is_idle() && !core().has_uncommitted()) break;
      if (!due) throw violation("nothing is due, but it is not at rest");
      if (*due > now()) pass(*due - now());
    }
    checks_.at_rest();
    pass(std::chrono::hours(49));  // what flow control remembers is over
    if (!core().take(now())) settles(core().changed());
    check_notes();
    promises_.check(core(), disk_.memory(), now());
    for (const auto& each : bulk_cancellations()) remove_bulk_cancellation(each.id);
    act({action_kind::ask, by.next()});
    if (core().state().is_idle()) check_nothing_is_left(core().state().held());  // no schedule has fired
  }

  // ---- telling ------------------------------------------------------------------------------------------

  void tell(std::string_view what) {
    if (!options_.tells) return;
    constexpr std::size_t longest = 200'000;
    if (story_.size() > longest) story_.erase(0, longest / 2);
    story_ += std::string(static_cast<std::size_t>(2 * std::max(0, depth_ - 1)), ' ');
    story_ += what;
    story_ += '\n';
  }

  const script& script_;
  const options options_;
  deployment deployment_;
  std::vector<std::size_t> present_, registered_;
  disk disk_;
  commit_checks checks_;
  bool is_on_disk_ = true;
  bool is_full_ = false;
  bool is_calm_ = false;  // no faults
  std::uint64_t id_chance_ = 0;
  chance* chance_ = &first_chance_;
  chance first_chance_{0};
  int depth_ = 0;
  std::size_t actions_done_ = 0;
  std::string story_;

  std::chrono::system_clock::time_point system_ = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  std::chrono::steady_clock::duration steady_{};
  std::unique_ptr<inngest::embedded::engine_clock> clock_;

  std::map<std::string, inngest::embedded::function_definition> definitions_;
  std::vector<inngest::embedded::function_definition> here_;  // of this process
  std::map<std::string, std::uint64_t> seeds_;
  std::map<std::string, std::vector<std::string>> ids_of_seeds_;  // that were given for requests
  std::unordered_map<std::string, body_record> bodies_;           // by run and step
  std::optional<process> process_;
  bool is_dead_ = false;
  worker_call* executing_ = nullptr;
  std::string sender_;
  std::exception_ptr thrown_;
  std::string last_sent_, last_seed_, last_run_;
  std::shared_ptr<inngest::embedded::realtime_hub> hub_ = std::make_shared<inngest::embedded::realtime_hub>();
  /// By run, in the order in which the engine took them, and whether it acknowledged them.
  std::map<std::string, std::vector<std::pair<std::string, bool>>> noted_;
  std::set<std::string> acknowledged_pauses_;
  std::uint64_t resumed_ = 0;  // how many pauses somebody has ended, or is ending
  promises promises_;
  std::map<std::string, std::size_t> told_;  // entries of a run's timeline that an observer has seen
  std::set<std::string> at_app_;             // runs whose first call an app has begun by itself
  bool is_far_reached_ = true;
  std::uint64_t last_log_position_ = 0;
  int notes_made_ = 0;
  sent_events events_;
  std::optional<shop> shop_;
};

}  // namespace simulated
