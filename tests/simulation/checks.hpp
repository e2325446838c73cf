#pragma once

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/expression/evaluation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../c_locale.hpp"
#include "disk.hpp"
#include "functions.hpp"
#include "reference.hpp"

// What has to be true of a world, whatever happens in it.

namespace simulated {

using inngest::embedded::event_record;
using inngest::embedded::job;
using inngest::embedded::run_record;
using inngest::embedded::run_status;
using inngest::embedded::run_update;
using inngest::embedded::scheduler;

/// Something that must never be.
class violation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// What the checks need to know of an event's text: its data is the simulation's own, or that of an end.
struct event_facts {
  std::string name{};
  std::string k{};
  std::optional<double> n{};
  std::string ended_function{};
  bool has_completed = false;

  static event_facts of(std::string_view name, std::string_view text) {
    event_facts out{.name = std::string(name)};
    if (name.starts_with("inngest/function.") && name != "inngest/function.invoked") {
      out.ended_function = quoted_behind(text, "\"function_id\":\"");
      constexpr std::string_view status = "\"_inngest\":{\"status\":\"";  // its own is the last
      out.has_completed = text.substr(std::min(text.rfind(status), text.size()))
                              .starts_with(std::string(status) + "Completed");
      return out;
    }
    out.k = quoted_behind(text, "\"k\":\"");
    if (const std::string_view rest = behind(text, "\"n\":"); !rest.empty())
      out.n = testing_locale::read_double(rest.data());
    return out;
  }

  /// Of events that others sent: each has its own.
  static std::vector<std::uint64_t> numbers_of(std::string_view text) {
    std::vector<std::uint64_t> out;
    for (text = behind(text, "\"u\":"); !text.empty(); text = behind(text, "\"u\":"))
      out.push_back(std::strtoull(text.data(), nullptr, 10));
    return out;
  }
  static std::string_view behind(std::string_view text, std::string_view what) {
    const std::size_t at = text.find(what);
    return at == std::string_view::npos ? std::string_view() : text.substr(at + what.size());
  }
  static std::string quoted_behind(std::string_view text, std::string_view what) {
    const std::string_view rest = behind(text, what);
    return std::string(rest.substr(0, rest.find('"')));
  }
};

/// A function of the world, as the checks know it: a plan's, or that of the end of a plan's runs.
struct known_function {
  const function_plan* plan = nullptr;
  const body* handler = nullptr;
  std::vector<inngest::trigger_definition> triggers{};
  std::string slug{};
  bool is_companion = false;

  bool starts_with(const event_facts& event) const {
    return std::any_of(triggers.begin(), triggers.end(), [&](const auto& trigger) {
      const std::string& wanted = trigger.event;
      if (wanted.empty()) return false;
      const bool is_named = wanted.ends_with('*')
                                ? event.name.starts_with(wanted.substr(0, wanted.size() - 1))
                                : event.name == wanted;
      return is_named && holds(trigger.expression, event);
    });
  }
  bool takes_every_event() const { return is_companion || plan->takes_every_event(); }
  int max_attempts() const { return (is_companion ? 1 : plan->options.retries.value_or(4)) + 1; }

 private:
  bool holds(const std::string& expression, const event_facts& event) const {
    if (expression.empty()) return true;
    if (expression == "event.data.n > 4") return event.n && *event.n > 4;
    if (expression == "event.data.k == 'k0'") return event.k == "k0";
    if (!is_companion) throw violation("the checks do not know the expression " + expression);
    const bool is_mine = event.ended_function == plan->slug();
    return is_mine && (triggers[0].event != "inngest/function.finished" || event.has_completed);
  }
};

/// The functions of plans.
inline std::vector<known_function> known_functions(const std::vector<function_plan>& plans,
                                                   const std::vector<std::size_t>& present) {
  std::vector<known_function> out;
  for (const std::size_t place : present) {
    const function_plan& plan = plans[place];
    out.push_back({.plan = &plan, .handler = &plan.handler, .triggers = plan.triggers, .slug = plan.slug()});
    const auto add = [&](const std::optional<body>& of, const char* suffix, const char* event) {
      if (!of) return;
      out.push_back({.plan = &plan,
                     .handler = &*of,
                     .triggers = {{.event = event, .expression = "of the function"}},
                     .slug = plan.slug() + suffix,
                     .is_companion = true});
    };
    add(plan.on_failure, "-failure", "inngest/function.failed");
    add(plan.on_cancel, "-cancel", "inngest/function.cancelled");
    add(plan.on_success, "-success", "inngest/function.finished");
  }
  return out;
}

/// What is checked of each commit: events, beginnings and ends of runs.
class commit_checks {
 public:
  explicit commit_checks(const inngest::embedded::memory_store& kept) : kept_(kept) {}

  /// From now on changes are made by these functions.
  void use(std::vector<known_function> functions) {
    functions_ = std::move(functions);
    by_slug_.clear();
    for (const known_function& known : functions_) by_slug_.emplace(known.slug, &known);
  }
  /// Another process may begin at an earlier time, if the system's clock was set back meanwhile.
  void forget_times(timestamp now) {
    rates_.clear();
    for (auto& [key, times] : throttles_) times.erase(times.upper_bound(now), times.end());
  }
  /// What the store has forgotten may be done again.
  void forget_schedules() { run_of_time_.clear(); }
  const known_function* find(const std::string& slug) const {
    const auto found = by_slug_.find(slug);
    return found == by_slug_.end() ? nullptr : found->second;
  }

  void accepted(const std::vector<std::string>& ids) { accepted_.insert(ids.begin(), ids.end()); }
  /// The sender was told that the events have not happened. When the process ends before it could take them
  /// out of the store again, they may happen all the same.
  void refused(std::string_view events) {
    for (const std::uint64_t number : event_facts::numbers_of(events)) {
      if (!taken_.contains(number)) refused_.insert(number);
    }
  }
  void sent(std::string_view events) {
    for (const std::uint64_t number : event_facts::numbers_of(events)) refused_.erase(number);
  }
  void taken(std::string_view events) {
    for (const std::uint64_t number : event_facts::numbers_of(events)) taken_.insert(number);
  }
  void process_began() { refused_.clear(); }
  /// A lie of the network, or a repeated call: what comes of the run is open.
  void doubt(const std::string& run_id) { doubtful_.insert(run_id); }
  void trust(const std::string& run_id) { doubtful_.erase(run_id); }
  bool is_doubtful(const std::string& run_id) const { return doubtful_.contains(run_id); }
  const std::set<std::string>& active() const { return active_; }

  /// After the changes are in the store.
  void committed(std::span<const changes> all) {
    for (const changes& one : all) check(one);
    for (const auto& [key, alone] : singletons_) {
      const auto certain =
          std::count_if(alone.begin(), alone.end(), [&](const std::string& id) { return !is_doubtful(id); });
      if (certain > 1) throw violation("two runs of the singleton " + key);
    }
  }

  /// The operation takes at least the runs that are in the store now and that are earlier by their times.
  /// Others are there when the clock was set back, or after a restart in the same millisecond.
  void bulk_began(const std::string& id) {
    for (const auto& operation : kept_.bulk_operations()) {
      if (operation.id != id) continue;
      const timestamp began = operation.created_at;
      std::size_t later = 0;
      for (const auto& run : kept_.find_runs({.limit = 10'000})) {
        const bool is_earlier = run.queued_at < began || (run.queued_at == began && run.id < id);
        later += !is_earlier || run.ended_at.value_or(began) > began ? 1U : 0U;
      }
      bulk_totals_[id] = operation.total - std::min(operation.total, later);
    }
  }
  void runs_were_removed() { bulk_totals_.clear(); }

  /// When nothing is under way any more.
  void at_rest() const {
    for (const auto& operation : kept_.bulk_operations()) {
      if (operation.state == inngest::embedded::bulk_state::running)
        throw violation("bulk operation " + operation.id + " has not ended");
      const auto total = bulk_totals_.find(operation.id);
      const bool is_whole = operation.state == inngest::embedded::bulk_state::completed &&
                            operation.what == inngest::embedded::bulk_action::rerun &&
                            total != bulk_totals_.end();
      if (is_whole && operation.done + operation.failed < total->second)
        throw violation("bulk operation " + operation.id + " has left out runs");
    }
    for (const std::string& id : accepted_) {
      if (!dispatched_.contains(id)) throw violation("event " + id + " was accepted and never dispatched");
    }
    for (const std::string& id : active_) throw violation("run " + id + " has not ended, and nothing is due");
  }

 private:
  void check(const changes& one) {
    check_bulk(one);
    check_dispatches(one);
    for (const run_record& record : one.runs) {
      const bool is_new = started_.insert(record.run.id).second;
      if (!refused_.empty()) check_not_refused(record);
      for (const auto& event : record.events)
        run_of_.try_emplace(record.run.function_slug + event.id, record.run.id);
      if (is_new && !is_ended(record.run.status)) active_.insert(record.run.id);
      if (record.run.event_name == "inngest/scheduled.timer" && record.run.original_run_id.empty()) {
        const auto [first, is_first] =
            run_of_time_.try_emplace(record.run.function_slug + record.run.event_id, record.run.id);
        if (!is_first && first->second != record.run.id)
          throw violation("a time of a schedule of " + record.run.function_slug +
                          " runs twice: " + first->second + " and " + record.run.id);
      }
      const known_function* function = find(record.run.function_slug);
      if (!function) continue;
      const auto& batch = function->plan->options.batch;
      if (!function->is_companion && batch &&
          record.events.size() > static_cast<std::size_t>(batch->max_size))
        throw violation("run " + record.run.id + " has a batch of " + std::to_string(record.events.size()));
    }
    check_turns(one);
    note_singletons(one);
    for (const run_update& update : one.run_updates) {
      check_beginning(update);
      if (is_ended(update.status)) check_end(one, update);
    }
  }

  /// What a bulk operation has repeated is in the changes that say so, and it goes by the ids of its runs: a
  /// process that goes on with it neither loses a run nor repeats one twice.
  void check_bulk(const changes& one) {
    if (!one.removed_runs.empty()) runs_were_removed();
    for (const auto& operation : one.bulk_operations) {
      bulk_progress& known = bulk_[operation.id];
      const auto state = std::tuple(operation.state, operation.done, operation.failed, operation.cursor);
      if (!known.states.insert(state).second) continue;  // committed again
      const std::size_t before = known.last.done + known.last.failed;
      const auto begun = static_cast<std::size_t>(
          std::count_if(one.runs.begin(), one.runs.end(), [&](const run_record& record) {
            return !record.run.original_run_id.empty() && !started_.contains(record.run.id);
          }));
      const bool reruns = operation.what == inngest::embedded::bulk_action::rerun;
      if (reruns && operation.done - known.last.done != begun)
        throw violation("bulk operation " + operation.id + " says that it has repeated " +
                        std::to_string(operation.done) + " runs after " + std::to_string(known.last.done) +
                        ", but has repeated " + std::to_string(begun));
      const bool took = operation.done + operation.failed > before;
      const bool goes_on = operation.state == inngest::embedded::bulk_state::running;
      if (took && goes_on && !(place_of(known.last.cursor) < place_of(operation.cursor)))
        throw violation("bulk operation " + operation.id + " does not go on");
      known.last = operation;
    }
  }

  static inngest::embedded::order_place place_of(const std::string& cursor) {
    if (cursor.empty()) return {};
    const auto out =
        inngest::embedded::place_of_cursor(cursor, false, [](const auto&) { return std::nullopt; });
    if (!out) throw violation("a bulk operation goes on at " + cursor);
    return *out;
  }

  static bool is_ended(run_status status) {
    return status != run_status::queued && status != run_status::running;
  }

  // ---- each event starts each function that it fits once ------------------------------------------------

  void check_dispatches(const changes& one) {
    for (const std::string& id : one.dispatched_events) {
      const auto event = kept_.find_event(id);
      if (event) check_dispatch(one, *event);  // or it was forgotten
    }
    for (const event_record& event : one.events) {
      if (event.dispatched && event.name.starts_with("inngest/function.")) check_dispatch(one, event);
    }
  }

  void check_dispatch(const changes& one, const event_record& event) {
    const event_facts facts = event_facts::of(event.name, event.text);
    std::map<std::string, std::set<std::string>> started;  // runs, by function
    std::vector<const run_record*> begun;
    for (const run_record& record : one.runs) {
      for (const auto& of_run : record.events) {
        if (of_run.id != event.id) continue;
        if (started[record.run.function_slug].insert(record.run.id).second) begun.push_back(&record);
      }
    }
    const auto [known, is_first] = dispatched_.emplace(event.id, started);
    if (!is_first && known->second != started)
      throw violation("event " + event.id + " (" + event.name + ") was dispatched twice");
    if (!is_first) return;  // committed again, as nobody knew whether it was
    for (const run_record* record : begun) {
      check_rate(*record);
      note_future(*record, event);
    }
    const std::string given_id = event_facts::quoted_behind(event.text, "},\"id\":\"");
    const bool has_given_id = given_id != event.id;
    for (const known_function& function : functions_) {
      const std::size_t runs = started.contains(function.slug) ? started[function.slug].size() : 0;
      const bool fits = function.starts_with(facts);
      const std::string what = "event " + event.id + " (" + event.text + ") started " + std::to_string(runs) +
                               " runs of " + function.slug;
      if (runs > 1 || (runs == 1 && !fits)) throw violation(what);
      const bool is_known_id = fits && has_given_id && !given_.insert(function.slug + given_id).second;
      if (runs == 0 && fits && !is_known_id && function.takes_every_event()) throw violation(what);
    }
  }

  void check_not_refused(const run_record& record) const {
    if (record.run.event_name.starts_with("inngest/")) return;
    for (const auto& event : record.events) {
      for (const std::uint64_t number : event_facts::numbers_of(event.text)) {
        if (refused_.contains(number))
          throw violation("run " + record.run.id + " has event " + event.id +
                          ", whose sender was told that it could not be stored");
      }
    }
  }

  /// An id that the sender gave starts a function once a day, also in batches and after debounces.
  void check_given_id(const run_record& record, const inngest::embedded::run_event& event, timestamp now) {
    if (record.run.event_name.starts_with("inngest/")) return;
    if (event.text.find("\"name\":\"inngest/") != std::string::npos) return;  // in a batch
    const std::string given_id = event_facts::quoted_behind(event.text, "},\"id\":\"");
    const std::string& slug = record.run.function_slug;
    if (given_id == event.id) return;
    if (const auto found = run_of_.find(slug + event.id);
        found == run_of_.end() || found->second != record.run.id)
      return;  // a rerun
    const auto [before, is_first] = starts_.try_emplace(slug + given_id, now);
    const auto apart = now - before->second;
    before->second = now;
    if (!is_first && apart > -std::chrono::hours(12) && apart < std::chrono::hours(12))
      throw violation("run " + record.run.id + " of " + slug + " has event " + event.id + " with the id " +
                      given_id + ", which has started the function before");
  }

  /// A run of the future takes part in nothing before its time.
  void note_future(const run_record& record, const event_record& event) {
    const known_function* function = find(record.run.function_slug);
    if (!function || function->is_companion) return;
    if (function->plan->options.debounce || function->plan->options.batch) return;
    if (event.name.starts_with("inngest/")) return;
    const std::string_view ts = event_facts::behind(event.text, ",\"ts\":");
    const timestamp happens(std::chrono::milliseconds(std::strtoll(ts.data(), nullptr, 10)));
    if (happens > record.run.queued_at) future_.emplace(record.run.id, happens);
  }
  void check_future(const job& added) const {
    const auto found = future_.find(added.run_id);
    if (found == future_.end() || added.begun >= found->second) return;
    if (added.what == job::kind::call || added.what == job::kind::start_timeout)
      throw violation("run " + added.run_id + " is of the future, and is queued before its time");
  }

  // ---- limits -------------------------------------------------------------------------------------------

  static std::string key_of(const std::string& expression, const run_record& record) {
    if (expression.empty()) return "";
    return event_facts::of(record.run.event_name, record.events.front().text).k;
  }

  /// Rates let a burst begin, and as many more as come evenly within a period.
  void check_rate(const run_record& record) {
    const known_function* function = find(record.run.function_slug);
    if (!function || function->is_companion || !record.gathering.empty()) return;
    const auto& limit = function->plan->options.rate_limit;
    if (!limit) return;
    const std::string key = key_of(limit->key, record);
    if (!limit->key.empty() && key.empty()) return;
    const auto most = static_cast<std::size_t>(limit->limit / 10 + 1 + limit->limit);
    count(rates_[function->slug + ":" + key], record.run.queued_at, limit->period, most,
          "the rate limit of " + function->slug);
  }

  void check_turns(const changes& one) {
    for (const job& added : one.added_jobs) {
      check_future(added);
      // A run that repeats another from a step begins with that step.
      if (added.what != job::kind::call || added.attempt > 0) continue;
      if (!first_calls_.insert(added.run_id).second) continue;
      const auto record = kept_.find_run(added.run_id);
      const known_function* function = record ? find(record->run.function_slug) : nullptr;
      if (!function || function->is_companion) continue;
      for (const auto& event : record->events) check_given_id(*record, event, added.begun);
    }
  }

  /// Throttles limit when runs really begin, whatever held them up before: a stop, a pause, or other limits.
  void check_beginning(const run_update& update) {
    if (update.status != run_status::running || !update.started_at) return;
    if (!begun_.insert(update.id).second) return;  // committed again
    const auto record = kept_.find_run(update.id);
    const known_function* function = record ? find(record->run.function_slug) : nullptr;
    if (!function || function->is_companion || !function->plan->options.throttle) return;
    if (is_doubtful(update.id)) return;  // it may have begun while nobody knew its throttle
    const auto& throttle = *function->plan->options.throttle;
    const std::string key = key_of(throttle.key, *record);
    const auto most = static_cast<std::size_t>(2 * throttle.limit + throttle.burst.value_or(0));
    count(throttles_[function->slug + ":" + key], *update.started_at, throttle.period, most,
          "the throttle of " + function->slug);
  }

  static void count(std::multiset<timestamp>& times, timestamp time, std::chrono::seconds period,
                    std::size_t most, const std::string& what) {
    times.insert(time);
    const auto within = [&](timestamp from) {
      return static_cast<std::size_t>(
          std::distance(times.lower_bound(from), times.lower_bound(from + period)));
    };
    if (within(time) > most || within(time - period + std::chrono::milliseconds(1)) > most)
      throw violation(what + " was exceeded: more than " + std::to_string(most) + " in a period");
    if (times.size() > 100) times.erase(times.begin());
  }

  void note_singletons(const changes& one) {
    for (const run_record& record : one.runs) {
      const known_function* function = find(record.run.function_slug);
      if (!function || function->is_companion || !function->plan->options.singleton) continue;
      const std::string& expression = function->plan->options.singleton->key;
      const std::string key = key_of(expression, record);
      if (!expression.empty() && key.empty()) continue;
      auto& alone = singletons_[function->slug + ":" + key];
      if (record.gathering.empty() && !is_ended(record.run.status)) alone.insert(record.run.id);
      singleton_of_.insert_or_assign(record.run.id, &alone);
    }
    for (const run_update& update : one.run_updates) {
      if (!is_ended(update.status)) continue;
      const auto found = singleton_of_.find(update.id);
      if (found == singleton_of_.end()) continue;
      found->second->erase(update.id);
      singleton_of_.erase(found);
    }
  }

  // ---- ends ---------------------------------------------------------------------------------------------

  void check_end(const changes& one, const run_update& update) {
    active_.erase(update.id);
    const auto record = kept_.find_run(update.id);
    if (!record) return;
    const auto [known, is_first] = ended_.emplace(update.id, update.status);
    if (known->second != update.status) throw violation("run " + update.id + " has ended twice");
    if (is_first) check_deferred(one, *record);
    if (!doubtful_.contains(update.id)) check_outcome(update, *record);
  }

  void check_deferred(const changes& one, const run_record& record) {
    for (const auto& deferred : record.deferred) {
      if (!by_slug_.contains(deferred.slug)) continue;
      const auto begun = std::count_if(one.runs.begin(), one.runs.end(), [&](const run_record& run) {
        return run.run.function_slug == deferred.slug && run.run.event_name == "inngest/deferred.schedule";
      });
      if (begun == 0)
        throw violation("run " + record.run.id + " has ended, but what it deferred did not begin");
    }
  }

  void check_outcome(const run_update& update, const run_record& record) const {
    if (update.status == run_status::cancelled || update.status == run_status::skipped) return;
    const known_function* function = find(record.run.function_slug);
    if (!function) return;
    std::vector<memo> memos;
    for (const auto& kept : kept_.memos_of(update.id))
      memos.push_back({inngest::detail::to_hex(kept.step), kept.text});
    const outcome wanted = reference(*function->handler, memos, function->max_attempts());
    const std::string whose = "run " + update.id + " of " + record.run.function_slug;
    if (update.status == run_status::completed) {
      if (wanted.what != outcome::completed)
        throw violation(whose + " completed, though " +
                        (wanted.what == outcome::failed ? "it fails with " + wanted.error_name
                                                        : "step " + wanted.missing_step + " has no result"));
      if (wanted.output != update.output_text)
        throw violation(whose + " gave " + update.output_text + " instead of " + wanted.output);
      return check_all_deferred(wanted, record, whose);
    }
    const std::string name = update.error ? update.error->name : "";
    const bool is_engines = name == "ProcessEnded" || name == "Error" || name == "unreachable";
    if (is_engines) return;
    if (wanted.what != outcome::failed)
      throw violation(whose + " failed with " + name + ": " + update.error->message + ", though " +
                      (wanted.what == outcome::completed ? "it completes"
                                                         : "step " + wanted.missing_step + " has no result"));
    if (wanted.error_name != name)
      throw violation(whose + " failed with " + name + " instead of " + wanted.error_name);
    check_all_deferred(wanted, record, whose);
  }

  static void check_all_deferred(const outcome& wanted, const run_record& record, const std::string& whose) {
    for (const std::string& id : wanted.deferred) {
      const auto is_it = [&](const auto& call) { return call.id == inngest::detail::sha1::of(id); };
      if (std::none_of(record.deferred.begin(), record.deferred.end(), is_it))
        throw violation(whose + " has lost its deferred call " + id);
    }
  }

  const inngest::embedded::memory_store& kept_;
  std::vector<known_function> functions_;
  std::unordered_map<std::string, const known_function*> by_slug_;
  std::set<std::string> accepted_, active_;
  std::unordered_map<std::string, std::map<std::string, std::set<std::string>>> dispatched_;
  std::unordered_set<std::string> started_, begun_, doubtful_, first_calls_, given_;
  std::unordered_map<std::string, std::string> run_of_;       // the first, by function and event
  std::set<std::uint64_t> refused_, taken_;                   // numbers of events
  std::unordered_map<std::string, std::string> run_of_time_;  // by function and the schedule's event
  std::unordered_map<std::string, timestamp> future_;         // when the event of a run happens, by run
  std::unordered_map<std::string, timestamp> starts_;         // by function and the id that a sender gave
  std::unordered_map<std::string, run_status> ended_;
  std::map<std::string, std::multiset<timestamp>> rates_, throttles_;
  struct bulk_progress {
    inngest::embedded::bulk_operation last{};
    std::set<std::tuple<inngest::embedded::bulk_state, std::size_t, std::size_t, std::string>> states{};
  };
  std::map<std::string, bulk_progress> bulk_;
  std::map<std::string, std::size_t> bulk_totals_;  // of operations, while no run was removed
  std::map<std::string, std::set<std::string>> singletons_;
  std::map<std::string, std::set<std::string>*> singleton_of_;
};

}  // namespace simulated
