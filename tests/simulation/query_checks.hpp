#pragma once

#include <inngest/embedded/detail/finder.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>
#include <inngest/embedded/query.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/inngest.hpp>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "chance.hpp"
#include "checks.hpp"
#include "functions.hpp"
#include "kept_model.hpp"

// Questions by chance about runs and events: a store and the engine's finder have to answer what a comparison
// with every run and event of the model answers.

namespace simulated {

using inngest::embedded::event_query;
using inngest::embedded::run_query;

// ---- what a query means ---------------------------------------------------------------------------------

namespace asked {

inline std::optional<timestamp> time_of(const inngest::embedded::run& run, run_query::time by) {
  switch (by) {
    case run_query::time::queued:
      return run.queued_at;
    case run_query::time::started:
      return run.started_at;
    case run_query::time::ended:
      return run.ended_at;
  }
  return std::nullopt;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
inline std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}
/// An id as engines make them.
inline bool is_id(const std::string& text) {
  return text.size() == 26 && text.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos;
}
template <class All, class One>
bool is_among(const All& all, const One& one) {
  return std::count(all.begin(), all.end(), one) > 0;
}

inline const std::vector<std::string> conditions{"event.data.n > 4", "event.data.k == 'k0'",
                                                 "size(events) == 2", "error.name == 'NonRetriableError'"};

inline const inngest::json* data_of(const inngest::json& event, const char* name) {
  const auto data = event.find("data");
  if (data == event.end() || !data->is_object()) return nullptr;
  const auto found = data->find(name);
  return found == data->end() ? nullptr : &*found;
}

inline bool fulfils(const inngest::json& event, const std::string& condition) {
  if (condition == conditions[0]) {
    const inngest::json* n = data_of(event, "n");
    return n && n->is_number() && n->get<double>() > 4;
  }
  const inngest::json* k = data_of(event, "k");
  return k && *k == "k0";
}
inline bool fulfils(const kept_model::kept_run& run, const std::string& condition) {
  if (condition == conditions[2]) return run.events.size() == 2;
  if (condition == conditions[3]) return run.run.error && run.run.error->name == "NonRetriableError";
  return fulfils(inngest::json::parse(run.events.at(0).text), condition);
}

/// Whether a query selects the run, whose status is this one.
inline bool selects(const run_query& query, const kept_model::kept_run& kept, run_status status) {
  const inngest::embedded::run& run = kept.run;
  const auto time = asked::time_of(run, query.by);
  if (!time || (query.from && *time < *query.from) || (query.until && *time >= *query.until)) return false;
  if (query.status && *query.status != status) return false;
  if (!query.statuses.empty() && !is_among(query.statuses, status)) return false;
  if (!query.function.empty() && query.function != run.function_slug) return false;
  if (query.functions && !is_among(*query.functions, run.function_slug)) return false;
  if (!query.app.empty() && run.function_slug != query.app + '-' + run.function_id) return false;
  if (query.is_deferred && *query.is_deferred != (run.event_name == "inngest/deferred.schedule"))
    return false;
  if (!query.event_name.empty() && query.event_name != run.event_name) return false;
  if (!query.event_id.empty() && !kept.has_event(query.event_id)) return false;
  if (is_id(query.search) && run.id != query.search && run.event_id != query.search) return false;
  if (!is_id(query.search) && !has(run.id, query.search) && !has(run.event_id, query.search) &&
      !has(run.event_name, query.search))
    return false;
  const std::string error = lower(query.error);
  if (!error.empty() &&
      (!run.error || (!has(lower(run.error->name), error) && !has(lower(run.error->message), error))))
    return false;
  for (const auto& tag : query.tags) {
    if (!is_among(run.tags, tag)) return false;
  }
  const auto limits = [&](const std::string& key) { return is_among(run.concurrency_keys, key); };
  if (!query.concurrency_key.empty() && !limits(query.concurrency_key)) return false;
  if (!query.idempotency_key.empty() && run.idempotency_key != query.idempotency_key) return false;
  if (!query.key.empty() && run.idempotency_key != query.key && !limits(query.key)) return false;
  return query.where.empty() || fulfils(kept, query.where);
}

inline bool selects(const event_query& query, const event_record& event) {
  if ((query.from && event.received_at < *query.from) || (query.until && event.received_at >= *query.until))
    return false;
  if (!query.name.empty() && event.name != query.name) return false;
  if (!query.id.empty() && event.id != query.id) return false;
  if (is_id(query.search) && event.id != query.search) return false;
  if (!is_id(query.search) && !has(event.id, query.search) && !has(event.name, query.search)) return false;
  return query.where.empty() || fulfils(inngest::json::parse(event.text), query.where);
}

/// All of a run that a page has.
inline std::string text_of(const inngest::embedded::run& run) {
  std::string out = run.id + ' ' + run.function_slug + ' ' + run.function_id + ' ' + run.event_id + ' ' +
                    run.event_name + ' ' + run.original_run_id + ' ' + std::string(to_string(run.status)) +
                    ' ' + run.output_text;
  for (const auto by : {run_query::time::queued, run_query::time::started, run_query::time::ended}) {
    const auto time = asked::time_of(run, by);
    out += ' ' + (time ? std::to_string(time->time_since_epoch().count()) : std::string("-"));
  }
  if (run.error) out += " error " + run.error->name + ' ' + run.error->message + ' ' + run.error->text;
  for (const auto& tag : run.tags) out += " tag " + tag.name + ':' + tag.value;
  for (const std::string& key : run.concurrency_keys) out += " key " + key;
  return out + " once " + run.idempotency_key + (run.timeline.empty() ? "" : " with a timeline");
}

inline std::string text_of(const event_record& event) {
  return event.id + ' ' + event.name + ' ' + event.text + ' ' +
         std::to_string(event.received_at.time_since_epoch().count()) + ' ' + event.resent_from +
         (event.dispatched ? " dispatched" : "");
}

}  // namespace asked

// ---- queries by chance ----------------------------------------------------------------------------------

/// Makes queries that some runs or events fulfil, mostly.
class query_maker {
 public:
  query_maker(chance& by, const kept_model& model) : by_(by), model_(model) {}

  /// `has_engine`: also asks for the states that only an engine knows, and with conditions.
  run_query runs(bool has_engine) {
    run_query out{.limit = 1 + by_.below(by_.one_in(3) ? 60 : 5)};
    out.by = by_.one_in(2) ? run_query::time::queued : static_cast<run_query::time>(by_.below(3));
    out.oldest_first = by_.one_in(2);
    const kept_model::kept_run* const model = some_run();
    const kept_model::kept_run example = model ? *model : kept_model::kept_run();
    const inngest::embedded::run& run = example.run;
    if (by_.one_in(4)) out.status = some_status(run, has_engine);
    if (by_.one_in(6)) {
      for (std::size_t i = 1 + by_.below(3); i-- > 0;) out.statuses.push_back(some_status(run, has_engine));
    }
    if (by_.one_in(5)) out.function = run.function_slug;
    if (by_.one_in(6)) {
      out.functions.emplace();
      for (std::size_t i = by_.below(4); i-- > 0;) {
        if (const auto* other = some_run()) out.functions->push_back(other->run.function_slug);
      }
    }
    if (by_.one_in(6)) out.app = by_.one_in(4) ? "ap" : by_.one_in(2) ? app_id : far_app_id;
    if (by_.one_in(8)) out.is_deferred = by_.one_in(2);
    if (by_.one_in(6)) out.event_name = run.event_name;
    if (by_.one_in(8) && !example.events.empty()) out.event_id = by_.pick(example.events).id;
    if (by_.one_in(6)) out.search = some_search(run.id, run.event_id, run.event_name);
    if (by_.one_in(8)) out.error = by_.one_in(2) ? "FAILS" : run.error ? run.error->name : "std::";
    if (by_.one_in(5)) out.tags = run.tags;
    if (!out.tags.empty() && by_.one_in(5)) out.tags.front().value += "x";
    if (by_.one_in(8)) out.concurrency_key = some_key(run);
    if (by_.one_in(8)) out.idempotency_key = run.idempotency_key;
    if (by_.one_in(8)) out.key = by_.one_in(2) ? run.idempotency_key : some_key(run);
    if (by_.one_in(4)) out.from = some_time(out.by);
    if (by_.one_in(4)) out.until = some_time(out.by);
    if (has_engine && by_.one_in(5)) out.where = by_.pick(asked::conditions);
    return out;
  }

  event_query events(bool with_condition) {
    event_query out{.limit = 1 + by_.below(by_.one_in(3) ? 60 : 5)};
    const auto& all = model_.events();
    const event_record example = all.empty() ? event_record() : by_.pick(all).second;
    if (by_.one_in(4)) out.name = example.name;
    if (by_.one_in(8)) out.id = example.id;
    if (by_.one_in(5)) out.search = some_search(example.id, example.id, example.name);
    const auto some_moment = [&] { return (all.empty() ? timestamp() : by_.pick(all).second.received_at); };
    if (by_.one_in(4)) out.from = some_moment();
    if (by_.one_in(4)) out.until = some_moment() + std::chrono::milliseconds(by_.below(2));
    if (with_condition && by_.one_in(4)) out.where = asked::conditions[by_.below(2)];
    return out;
  }

 private:
  const kept_model::kept_run* some_run() {
    return model_.runs().empty() ? nullptr : &by_.pick(model_.runs()).second;
  }

  run_status some_status(const inngest::embedded::run& run, bool has_engine) {
    static const std::vector<run_status> stored{run_status::queued,    run_status::running,
                                                run_status::completed, run_status::failed,
                                                run_status::cancelled, run_status::skipped};
    static const std::vector<run_status> described{run_status::waiting, run_status::sleeping,
                                                   run_status::paused};
    if (has_engine && by_.one_in(3)) return by_.pick(described);
    return by_.one_in(2) ? run.status : by_.pick(stored);
  }

  std::string some_search(const std::string& id, const std::string& other, const std::string& name) {
    switch (by_.below(5)) {
      case 0:
        return id;
      case 1:
        return other;
      case 2:
        return id.substr(0, by_.below(id.size() + 1));
      case 3:
        return id.substr(by_.below(id.size() + 1));
      default:
        return name.substr(by_.below(name.size() + 1));
    }
  }

  std::string some_key(const inngest::embedded::run& run) {
    return run.concurrency_keys.empty() ? "k1" : by_.pick(run.concurrency_keys);
  }

  std::optional<timestamp> some_time(run_query::time by) {
    const auto* run = some_run();
    const auto time = run ? asked::time_of(run->run, by) : std::nullopt;
    return time ? std::optional(*time + std::chrono::milliseconds(by_.below(2))) : std::nullopt;
  }

  chance& by_;
  const kept_model& model_;
};

// ---- questions ------------------------------------------------------------------------------------------

class query_checks {
 public:
  /// The status of a run that has not ended, as the engine describes it; `nullopt` when it changes with the
  /// time just now.
  using describer = std::function<std::optional<run_status>(const std::string& id, run_status stored)>;

  explicit query_checks(const kept_model& model) : model_(model) {}

  /// Asks a store, whose name is for people.
  void ask_store(chance& by, const inngest::embedded::store& from, const std::string& name) const {
    query_maker make(by, model_);
    const run_query query = make.runs(false);
    const std::string what = name + " to " + text_of(query);
    const std::vector<std::string> wanted = expected(query);
    expect(pages(by, query, [&](const run_query& page) { return from.find_page(page); }), wanted,
           "find_page of " + what);
    expect_ids(visited(query, from), wanted, "visit_page of " + what);
    if (const auto count = from.quick_count(query); count && *count != wanted.size())
      throw violation("quick_count of " + what + " is " + std::to_string(*count) + ", not " +
                      std::to_string(wanted.size()));
    const event_query events = make.events(false);
    expect(pages(by, events, [&](const event_query& page) { return from.find_event_page(page); }),
           expected(events), "find_event_page of " + name + " to " + text_of(events));
    ask_of_one(by, from, name);
  }

  /// Asks SQLite as if the file had so many runs that it reads them in the order of an index.
  void ask_large(chance& by, const std::filesystem::path& file) const {
    query_maker make(by, model_);
    run_query query = make.runs(false);
    const std::vector<std::string> wanted = expected(query);
    const std::string what = text_of(query);
    inngest::detail::sqlite::database reading(file.string(), inngest::detail::sqlite::access::reads);
    std::vector<std::string> found;
    do {
      std::size_t size = 0;
      inngest::detail::sqlite::run_search search(reading, query, {.few = by.below(4), .most = 5});
      query.before = search.visit(false, [&](const auto& hit) {
        found.push_back(hit.place.id);
        return ++size < query.limit;
      });
    } while (!query.before.empty());
    expect_ids(found, wanted, "a search in a large file for " + what);
  }

  /// Asks what an engine answers. `describe` gives the states of its runs, which are no longer than `now`.
  void ask_finder(chance& by, const inngest::embedded::finder& find, timestamp now, const std::string& name,
                  const describer& describe) const {
    query_maker make(by, model_);
    // Queries come as JSON from those who ask over HTTP, and for bulk operations.
    const run_query asked = make.runs(true);
    const run_query query = by.one_in(2) && is_span(asked) ? read_again(asked) : asked;
    const std::string what = name + " to " + text_of(query);
    std::set<std::string> uncertain;
    const std::vector<std::string> wanted = expected(query, describe, uncertain);
    std::vector<std::string> found =
        pages(by, query, [&](const run_query& page) { return find.find_page(page); });
    std::erase_if(found, [&](const std::string& run) { return uncertain.contains(run.substr(0, 26)); });
    expect(without_status(found, describe), without_status(wanted, describe), "find_page of " + what);
    if (!uncertain.empty()) return;
    if (const auto count = find.count(query); count.count != wanted.size() || !count.next.empty())
      throw violation("count of " + what + " is " + std::to_string(count.count) + ", not " +
                      std::to_string(wanted.size()));
    check_histogram(by, find, query, now, describe, what);
    const event_query events = make.events(true);
    expect(pages(by, events, [&](const event_query& page) { return find.find_event_page(page); }),
           expected(events), "find_event_page of " + name + " to " + text_of(events));
  }

  /// What every run and event is.
  void compare_all(const inngest::embedded::store& with, const std::string& name) const {
    std::vector<std::string> wanted, found;
    for (const auto& [id, kept] : model_.runs()) wanted.push_back(asked::text_of(kept.run));
    for (auto& run : with.runs()) {
      run.timeline.clear();
      found.push_back(asked::text_of(run));
    }
    std::sort(wanted.begin(), wanted.end());
    std::sort(found.begin(), found.end());
    expect(found, wanted, "runs() of " + name);
    std::map<run_status, std::size_t> counts;
    for (const auto& [id, kept] : model_.runs()) ++counts[kept.run.status];
    inngest::embedded::run_counts stored = with.count_runs();
    for (const auto status : {run_status::queued, run_status::running, run_status::completed,
                              run_status::failed, run_status::cancelled, run_status::skipped}) {
      if (stored.of(status) != counts[status])
        throw violation("count_runs() of " + name + " has " + std::to_string(stored.of(status)) + " " +
                        std::string(to_string(status)) + " runs instead of " +
                        std::to_string(counts[status]));
    }
  }

 private:
  template <class Query, class Find>
  static std::vector<std::string> pages(chance& by, Query query, const Find& find) {
    std::vector<std::string> out;
    for (int i = 0; i < 10'000; ++i) {
      const auto page = find(query);
      const auto& records = records_of(page);
      if (records.size() > query.limit) throw violation("a page has more records than its limit");
      for (const auto& record : records) out.push_back(asked::text_of(record));
      if (page.next.empty()) return out;
      // the last record of the page will do, too
      query.before = records.empty() || by.one_in(2) ? page.next : records.back().id;
    }
    throw violation("there is no last page");
  }
  static const auto& records_of(const inngest::embedded::run_page& page) { return page.runs; }
  static const auto& records_of(const inngest::embedded::event_page& page) { return page.events; }

  static std::vector<std::string> visited(run_query query, const inngest::embedded::store& from) {
    std::vector<std::string> out;
    do {
      query.before = from.visit_page(query, [&](const auto& point) { out.push_back(point.id); });
    } while (!query.before.empty());
    return out;
  }

  /// A JSON filter can't say that no time fits.
  static bool is_span(const run_query& query) {
    return !query.from || !query.until || *query.from < *query.until;
  }
  static run_query read_again(const run_query& query) {
    run_query out = inngest::embedded::read_run_filter(inngest::embedded::to_json(query));
    out.limit = query.limit;
    return out;
  }

  // ---- what is right --------------------------------------------------------------------------------------

  std::vector<std::string> expected(const run_query& query) const {
    std::set<std::string> uncertain;
    return expected(
        query, [](const std::string&, run_status stored) { return stored; }, uncertain);
  }
  std::vector<std::string> expected(const run_query& query, const describer& describe,
                                    std::set<std::string>& uncertain) const {
    std::vector<std::tuple<timestamp, std::string, std::string>> found;
    for (const auto& [id, kept] : model_.runs()) {
      const auto status = describe(id, kept.run.status);
      if (!status) uncertain.insert(id);
      if (!status || !asked::selects(query, kept, *status)) continue;
      found.emplace_back(*asked::time_of(kept.run, query.by), id, asked::text_of(kept.run));
    }
    std::sort(found.begin(), found.end());
    if (!query.oldest_first) std::reverse(found.begin(), found.end());
    std::vector<std::string> out;
    for (auto& [time, id, text] : found) out.push_back(std::move(text));
    return out;
  }
  std::vector<std::string> expected(const event_query& query) const {
    std::vector<const event_record*> found;
    for (const auto& [id, event] : model_.events()) {
      if (asked::selects(query, event)) found.push_back(&event);
    }
    std::sort(found.begin(), found.end(), [](const event_record* a, const event_record* b) {
      return std::tie(b->received_at, b->id) < std::tie(a->received_at, a->id);
    });
    std::vector<std::string> out;
    for (const event_record* event : found) out.push_back(asked::text_of(*event));
    return out;
  }

  /// An engine replaces the status of runs that have not ended: only their ids are compared then.
  std::vector<std::string> without_status(std::vector<std::string> runs, const describer& describe) const {
    for (std::string& run : runs) {
      const std::string id = run.substr(0, 26);
      const auto found = model_.runs().find(id);
      if (found == model_.runs().end()) continue;
      const run_status stored = found->second.run.status;
      if (!is_end(stored) && describe(id, stored)) run = id;
    }
    return runs;
  }

  static void expect(const std::vector<std::string>& found, const std::vector<std::string>& wanted,
                     const std::string& what) {
    if (found == wanted) return;
    std::string all = what + " gives\n";
    for (const std::string& each : found) all += "  " + each + '\n';
    all += "instead of\n";
    for (const std::string& each : wanted) all += "  " + each + '\n';
    throw violation("a question has another answer: " + all);
  }
  static void expect_ids(const std::vector<std::string>& found, std::vector<std::string> wanted,
                         const std::string& what) {
    for (std::string& each : wanted) each.resize(each.find(' '));
    expect(found, wanted, what);
  }

  void check_histogram(chance& by, const inngest::embedded::finder& find, const run_query& query,
                       timestamp now, const describer& describe, const std::string& what) const {
    const std::size_t count = 1 + by.below(9);
    const auto found = find.histogram(query, count, now);
    const auto wrong = [&](const std::string& how) {
      throw violation("a question has another answer: the histogram of " + what + ' ' + how);
    };
    if (found.counted_from) wrong("is not whole");
    if (found.buckets.size() != count) wrong("has another number of buckets");
    for (std::size_t i = 0; i < count; ++i) {
      run_query part = query;
      part.from = found.buckets[i].at;
      part.until = i + 1 < count ? std::min(found.buckets[i + 1].at, found.until) : found.until;
      inngest::embedded::run_histogram::bucket wanted{};
      for (const auto& [id, kept] : model_.runs()) {
        const auto status = describe(id, kept.run.status);
        if (!status) return;  // the run is counted as one or the other
        if (*part.from < *part.until && asked::selects(part, kept, *status)) ++wanted.of(*status);
      }
      inngest::embedded::run_histogram::bucket counted = found.buckets[i];
      for (const auto status :
           {run_status::completed, run_status::failed, run_status::cancelled, run_status::queued}) {
        if (counted.of(status) != wanted.of(status))
          wrong("has " + std::to_string(counted.of(status)) + ' ' + std::string(to_string(status)) +
                " runs in bucket " + std::to_string(i) + " instead of " + std::to_string(wanted.of(status)));
      }
    }
  }

  /// The other ways to find a run.
  void ask_of_one(chance& by, const inngest::embedded::store& from, const std::string& name) const {
    if (model_.runs().empty()) return;
    const auto& [id, kept] = by.pick(model_.runs());
    auto record = from.find_run(id);
    if (!record) throw violation("find_run of " + name + " does not find " + id);
    record->run.timeline.clear();
    expect({asked::text_of(record->run)}, {asked::text_of(kept.run)}, "find_run of " + name);
    std::vector<std::string> events, stored_events, runs_of, reruns_of, stored;
    for (const auto& event : kept.events) events.push_back(event.id + event.text);
    for (const auto& event : from.events_of(id)) stored_events.push_back(event.id + event.text);
    expect(stored_events, events, "events_of of " + name);
    for (const auto& [other_id, other] : model_.runs()) {
      if (!kept.events.empty() && other.has_event(kept.events.front().id)) runs_of.push_back(other_id);
      if (other.run.original_run_id == id) reruns_of.push_back(other_id);
    }
    if (!kept.events.empty()) {
      for (const auto& run : from.runs_of(kept.events.front().id)) stored.push_back(run.id);
      expect(stored, runs_of, "runs_of of " + name);
    }
    stored.clear();
    for (const auto& run : from.reruns_of(id)) stored.push_back(run.id);
    expect(stored, reruns_of, "reruns_of of " + name);
  }

  static std::string text_of(const run_query& query) {
    return inngest::embedded::to_json(query).dump() +
           (query.status ? " status " + std::string(to_string(*query.status)) : "") + ", pages of " +
           std::to_string(query.limit) + ",";
  }
  static std::string text_of(const event_query& query) {
    const auto time = [](const std::optional<timestamp>& of) {
      return of ? std::to_string(of->time_since_epoch().count()) : std::string("-");
    };
    return "name \"" + query.name + "\" id \"" + query.id + "\" search \"" + query.search + "\" from " +
           time(query.from) + " until " + time(query.until) + " where \"" + query.where + "\", pages of " +
           std::to_string(query.limit) + ",";
  }

  const kept_model& model_;
};

}  // namespace simulated
