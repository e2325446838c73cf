#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chance.hpp"

// Function bodies as data: how they look, bodies by chance, and simpler ones of a body for a reducer.

namespace simulated {

/// The app whose functions bodies invoke and defer.
inline constexpr const char* app_id = "app";
/// Another app, elsewhere; a function of it that is invoked has the prefix.
inline constexpr const char* far_app_id = "far";
inline constexpr std::string_view far_prefix = "far/";
/// Events that bodies may send and wait for: the SDK has the name in the type.
inline constexpr std::array<std::string_view, 4> event_names = {"sim/a", "sim/b", "sim/c", "sim/d"};

enum class node_kind {
  run,          ///< step.run: its body fails at attempts before `failures`
  sleep,        ///< `ms`
  wait,         ///< step.wait_for_event: `target` for `ms`, with `match` if that is not empty
  signal_wait,  ///< step.wait_for_signal: `target` for `ms`; with `replaces` it takes another run's place
  send_signal,  ///< `target`
  send,         ///< step.send_event: `count` events `target`
  invoke,       ///< the function `target`, perhaps with far_prefix; it times out after `ms` unless that is 0
  fetch,        ///< http://elsewhere/`count`
  parallel,     ///< `branches`
  race,         ///< 2 to 4 `branches`
  started,      ///< step.start for all nodes of the first branch, which are run nodes; see `count`
  caught,       ///< goes on after a failure in its first branch
  slow,         ///< takes `ms` between steps
  fail,         ///< the handler throws at attempts before `failures`; only final ones within groups, or the
                ///< attempt would decide which steps the function comes to
  defer,        ///< the function `target` runs after this one
};

inline constexpr std::array<std::string_view, 15> node_kind_names = {
    "run",      "sleep", "wait",    "signal_wait", "send_signal", "send", "invoke", "fetch",
    "parallel", "race",  "started", "caught",      "slow",        "fail", "defer"};
constexpr std::string_view to_string(node_kind kind) {
  return node_kind_names[static_cast<std::size_t>(kind)];
}

struct node;
using sequence = std::vector<node>;

struct node {
  node_kind kind = node_kind::run;
  /// Of the step; several steps of one sequence may share it. A fail or defer node has one of its own.
  std::string id{};
  int failures = 0;
  /// run, fail: a failure is final, whatever attempts are left.
  bool is_final = false;
  /// run: how often the step itself is tried again, if that is less than the function's; -1 says nothing.
  int retries = -1;
  std::int64_t ms = 0;
  /// An event, signal or function.
  std::string target{};
  /// wait: such as "data.k".
  std::string match{};
  bool replaces = false;
  /// caught: catches everything, also what the SDK wants to pass.
  bool swallows = false;
  /// send: the number of events. started: which of the handles is asked first; the others follow in turn.
  int count = 0;
  /// started: how many of the handles nobody asks.
  int unasked = 0;
  std::vector<sequence> branches{};

  friend bool operator==(const node&, const node&) = default;
};

struct body {
  sequence nodes{};

  friend bool operator==(const body&, const body&) = default;
};

/// What a body may name; it has no nodes that would need what is empty.
struct surroundings {
  std::vector<std::string> events{};   ///< to send, of event_names
  std::vector<std::string> awaited{};  ///< to wait for; those of `events` when empty
  std::vector<std::string> signals{};
  std::vector<std::string> functions{};  ///< to invoke
  std::vector<std::string> deferred{};   ///< to defer
  std::size_t deepest = 3;               ///< groups within groups
  /// Ids of a race's branches may be repeated behind it. Which use is the second then depends on how far the
  /// losers came: an observer is told of wrong ids.
  bool shares_ids_with_races = false;
  bool may_fetch = true;
  bool may_fail = true;
  bool may_be_slow = true;
  /// Often: calls overlap then, as a race's losers end meanwhile.
  bool is_slow_behind_races = false;
};

/// A small number that is the same for the same text everywhere (FNV-1a).
constexpr std::uint32_t number_of(std::string_view text) {
  std::uint32_t out = 2166136261U;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 16777619U;
  return out ^ (out >> 15);
}

/// The ids that steps have on the server. A repeated id is "a:1", unless a step has that very id already.
class step_names {
 public:
  std::string next(const std::string& id) {
    std::size_t& uses = used_.try_emplace(id, 0).first->second;
    if (++uses == 1) return id;
    for (;; ++uses) {
      std::string out = id + ':' + std::to_string(uses - 1);
      if (used_.try_emplace(out, 1).second) return out;
    }
  }

 private:
  std::map<std::string, std::size_t> used_;
};

// ---- bodies by chance -----------------------------------------------------------------------------------

class body_maker {
 public:
  body_maker(chance& chance, const surroundings& around) : chance_(chance), around_(around) {}

  body make() {
    place here;
    nodes_left_ = chance_.one_in(10) ? 40 : 4 + chance_.below(9);
    return {make_sequence(here, chance_.one_in(10) ? 12 : 6)};
  }

 private:
  /// Where in the body a node is to stand.
  struct place {
    std::size_t depth = 0;
    bool in_race = false;
    /// Ids that nodes further on may repeat.
    std::vector<std::string> ids{};
  };

  sequence make_sequence(place& here, std::size_t most) {
    sequence out;
    const std::size_t size = 1 + chance_.below(most);
    for (std::size_t i = 0; i < size; ++i) {
      out.push_back(make_node(here));
      if (out.back().kind == node_kind::race && around_.is_slow_behind_races && chance_.one_in(2))
        out.insert(out.end(), {{.kind = node_kind::slow, .ms = make_duration()},
                               {.kind = node_kind::run, .id = make_id(here)}});
      if (nodes_left_ == 0) break;
    }
    return out;
  }

  node make_node(place& here) {
    for (;;) {
      const node_kind kind = make_kind();
      if (!is_possible(kind, here)) continue;
      node out{.kind = kind};
      if (nodes_left_ > 0) --nodes_left_;
      if (is_step(kind)) out.id = make_id(here);
      if (kind == node_kind::fail) out.id = "fail" + std::to_string(++last_id_);
      if (kind == node_kind::defer) out.id = make_defer_id(here);
      fill(out, here);
      return out;
    }
  }

  node_kind make_kind() {
    using enum node_kind;
    static constexpr node_kind kinds[] = {run,         run,         run,      run,    run,    run,    run,
                                          run,         run,         sleep,    sleep,  wait,   wait,   wait,
                                          signal_wait, send_signal, send,     send,   invoke, invoke, fetch,
                                          parallel,    parallel,    parallel, race,   race,   race,   started,
                                          started,     caught,      caught,   caught, slow,   fail,   defer};
    return chance_.pick(kinds);
  }

  const std::vector<std::string>& awaited() const {
    return around_.awaited.empty() ? around_.events : around_.awaited;
  }

  bool is_possible(node_kind kind, const place& here) const {
    switch (kind) {
      case node_kind::wait:
        return !awaited().empty();
      case node_kind::send:
        return !around_.events.empty();
      case node_kind::signal_wait:
      case node_kind::send_signal:
        return !around_.signals.empty();
      case node_kind::invoke:
        return !around_.functions.empty();
      case node_kind::defer:  // a race's losers may come to it or not
        return !around_.deferred.empty() && !here.in_race;
      case node_kind::fetch:
        return around_.may_fetch;
      case node_kind::slow:
        return around_.may_be_slow;
      case node_kind::fail:
        return around_.may_fail;
      case node_kind::parallel:
      case node_kind::race:
      case node_kind::caught:
        return here.depth < around_.deepest && nodes_left_ > 2;
      case node_kind::run:
      case node_kind::sleep:
      case node_kind::started:
        return true;
    }
    return true;
  }

  static constexpr bool is_step(node_kind kind) {
    return kind != node_kind::parallel && kind != node_kind::race && kind != node_kind::started &&
           kind != node_kind::caught && kind != node_kind::slow && kind != node_kind::fail &&
           kind != node_kind::defer;
  }

  void fill(node& out, place& here) {
    switch (out.kind) {
      case node_kind::run:
        return fill_run(out);
      case node_kind::sleep:
      case node_kind::slow:
        out.ms = make_duration();
        return;
      case node_kind::wait:
        out.target = chance_.pick(awaited());
        out.ms = 1 + make_duration();
        if (chance_.one_in(4)) out.match = "data.k";
        return;
      case node_kind::signal_wait:
        out.target = chance_.pick(around_.signals);
        out.ms = 1 + make_duration();
        out.replaces = !chance_.one_in(3);
        return;
      case node_kind::send_signal:
        out.target = chance_.pick(around_.signals);
        return;
      case node_kind::send:
        out.target = chance_.pick(around_.events);
        out.count = static_cast<int>(chance_.between(1, 3));
        return;
      case node_kind::invoke:
        out.target = chance_.pick(around_.functions);
        if (chance_.one_in(3)) out.ms = 1 + make_duration();
        return;
      case node_kind::fetch:
        out.count = static_cast<int>(chance_.below(10));
        return;
      case node_kind::parallel:
      case node_kind::race:
        return fill_group(out, here);
      case node_kind::started:
        return fill_started(out, here);
      case node_kind::caught:
        return fill_caught(out, here);
      case node_kind::fail:
        out.is_final = here.depth > 0 || chance_.one_in(4);
        out.failures = static_cast<int>(chance_.between(1, 3));
        return;
      case node_kind::defer:
        out.target = chance_.pick(around_.deferred);
        return;
    }
  }

  void fill_run(node& out) {
    if (!chance_.one_in(4)) return;
    if (chance_.one_in(6)) out.retries = static_cast<int>(chance_.below(3));
    out.failures = static_cast<int>(chance_.one_in(5) ? chance_.between(3, 6) : chance_.between(1, 2));
    out.is_final = chance_.one_in(8);
  }

  void fill_group(node& out, place& here) {
    const std::size_t count = chance_.one_in(3) ? 2 + chance_.below(3) : 2;
    const bool may_share = out.kind == node_kind::parallel || around_.shares_ids_with_races;
    std::vector<std::string> behind;  // ids that may be repeated behind the group
    for (std::size_t i = 0; i < count; ++i) {
      place inside{.depth = here.depth + 1, .in_race = here.in_race || out.kind == node_kind::race};
      if (i == 0 && may_share) inside.ids = here.ids;
      // without steps a branch ends at once
      out.branches.push_back(chance_.one_in(20) ? sequence() : make_sequence(inside, 3));
      if (i == 0 && may_share)
        here.ids = std::move(inside.ids);
      else if (may_share)
        behind.insert(behind.end(), inside.ids.begin(), inside.ids.end());
    }
    here.ids.insert(here.ids.end(), behind.begin(), behind.end());
    if (out.kind != node_kind::race || !around_.is_slow_behind_races || !chance_.one_in(3)) return;
    for (sequence& branch : out.branches) {  // the losers end a little later
      place inside;
      branch = {{.kind = node_kind::sleep, .id = make_id(inside), .ms = make_duration()}};
    }
  }

  void fill_started(node& out, place& here) {
    sequence& steps = out.branches.emplace_back();
    const std::size_t count = 1 + chance_.below(4);
    for (std::size_t i = 0; i < count; ++i) {
      steps.push_back({.kind = node_kind::run, .id = make_id(here)});
      fill_run(steps.back());
    }
    out.count = static_cast<int>(chance_.below(count));
    if (chance_.one_in(5)) out.unasked = static_cast<int>(chance_.below(count + 1));
  }

  void fill_caught(node& out, place& here) {
    place inside = here;  // still the same sequence: ids may go on being repeated
    ++inside.depth;
    out.branches.push_back(make_sequence(inside, 3));
    here.ids = std::move(inside.ids);
    out.swallows = chance_.one_in(here.depth > 0 ? 2 : 4);
  }

  std::int64_t make_duration() {
    switch (chance_.below(6)) {
      case 0:
        return 0;
      case 1:
        return chance_.between(1, 999);
      case 2:
        return chance_.between(60'000, 3'600'000);
      default:
        return chance_.between(1'000, 30'000);
    }
  }

  std::string make_id(place& here) {
    if (!here.ids.empty() && chance_.one_in(8)) return chance_.pick(here.ids);
    if (!here.ids.empty() && chance_.one_in(25)) {
      const std::string base = chance_.pick(here.ids);
      here.ids.insert(here.ids.end(), 4, base);  // likely to be repeated soon
      return base + ":1";                        // which is how it would be called then
    }
    static constexpr const char* forms[] = {"s", "step ", "Schritt ä ", "\"q\\", "日本/", "a:"};
    std::string out =
        std::string(chance_.one_in(10) ? chance_.pick(forms) : "s") + std::to_string(++last_id_);
    here.ids.push_back(out);
    return out;
  }

  /// Deferred calls have ids of their own, which may be those of steps.
  std::string make_defer_id(const place& here) {
    std::string out = "defer" + std::to_string(++last_id_);
    if (!here.ids.empty() && chance_.one_in(4)) out = chance_.pick(here.ids);
    return defer_ids_.insert(out).second ? out : out + "!" + std::to_string(last_id_);
  }

  chance& chance_;
  const surroundings& around_;
  int last_id_ = 0;
  std::set<std::string> defer_ids_;
  std::size_t nodes_left_ = 0;  // when there are none left, sequences end with their first node
};

inline body random_body(chance& chance, const surroundings& around) {
  return body_maker(chance, around).make();
}

// ---- simpler bodies -------------------------------------------------------------------------------------

namespace simpler {

/// Calls `take` with each of the node's simpler forms.
template <class Take>
void forms_of(const node& from, const Take& take) {
  const auto change = [&](auto&& changing) {
    node out = from;
    changing(out);
    if (out != from) take(std::move(out));
  };
  change([](node& out) { out.failures = 0; });
  change([](node& out) { out.failures = std::max(out.failures - 1, 0); });
  change([](node& out) { out.is_final = out.is_final && out.kind == node_kind::fail; });
  change([](node& out) { out.retries = -1; });
  change([](node& out) { out.match.clear(); });
  change([](node& out) { out.swallows = false; });
  change([](node& out) { out.replaces = false; });
  change([](node& out) { out.count = out.kind == node_kind::send ? 1 : 0; });
  change([](node& out) { out.unasked = 0; });
  change([](node& out) { out.ms = std::min<std::int64_t>(out.ms, 1'000); });
}

/// Calls `take` with each of the sequences that are a little simpler, those that leave out most first.
inline std::vector<sequence> of(const sequence& from) {
  std::vector<sequence> out;
  const auto replaced = [&](std::size_t at, const sequence& by) {
    sequence changed(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(at));
    changed.insert(changed.end(), by.begin(), by.end());
    changed.insert(changed.end(), from.begin() + static_cast<std::ptrdiff_t>(at) + 1, from.end());
    out.push_back(std::move(changed));
  };
  for (std::size_t i = 0; i < from.size(); ++i) replaced(i, {});
  for (std::size_t i = 0; i < from.size(); ++i) {
    for (const sequence& branch : from[i].branches) replaced(i, branch);
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const node& group = from[i];
    const std::size_t least = group.kind == node_kind::race ? 2 : 1;
    for (std::size_t b = 0; b < group.branches.size() && group.branches.size() > least; ++b) {
      node changed = group;
      changed.branches.erase(changed.branches.begin() + static_cast<std::ptrdiff_t>(b));
      replaced(i, {changed});
    }
    for (std::size_t b = 0; b < group.branches.size(); ++b) {
      for (sequence& branch : of(group.branches[b])) {
        if (group.kind == node_kind::started && branch.empty()) continue;
        node changed = group;
        changed.branches[b] = std::move(branch);
        replaced(i, {changed});
      }
    }
    forms_of(group, [&](node changed) { replaced(i, {std::move(changed)}); });
  }
  return out;
}

}  // namespace simpler

/// Bodies that are one step of simplification away, those that leave out most first.
inline std::vector<body> smaller(const body& from) {
  std::vector<body> out;
  for (sequence& nodes : simpler::of(from.nodes)) out.push_back({std::move(nodes)});
  return out;
}

}  // namespace simulated
