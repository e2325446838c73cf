#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "body.hpp"
#include "body_text.hpp"

// What happens in a world, as data: it can be printed, made shorter, and done again.

namespace simulated {

enum class action_kind {
  send,         ///< events that fit
  send_odd,     ///< events that are refused, or odd
  send_again,   ///< a request that was made before
  send_future,  ///< an event of the future
  start,        ///< a run by hand
  rerun,
  cancel,
  signal,
  register_app,  ///< the app elsewhere, with more or fewer functions
  take,          ///< a worker takes a call
  begin,         ///< a call that was taken runs, once what it needs is committed
  answer,        ///< its answer arrives
  work,          ///< the three of them
  begin_commit,
  end_commit,
  fill_disk,
  free_disk,
  advance,    ///< the clock, to what is due next or by a while
  set_clock,  ///< the system's clock, forward or back
  forget,     ///< what is old
  stop,       ///< the process ends in order, and another begins
  crash,      ///< the process ends, and another begins
  pause,      ///< a function, an app or a schedule
  resume,     ///< one of them
  drain,      ///< the engine begins no calls, or begins them again
  backfill,   ///< a schedule's times of a span in the past
  run_schedule,
  place,         ///< another program adds events to its outbox, in a transaction
  relay,         ///< its relay sends them
  bulk,          ///< an operation on many runs begins, or is stopped
  bulk_turn,     ///< one of them does something with its next runs
  ask,           ///< for runs and events, which are compared with all that there are
  resend,        ///< an event that was sent
  invoke,        ///< a function, by somebody who may repeat that with a key
  cancel_many,   ///< the runs of a function, or forgets such a cancellation
  reach,         ///< the app elsewhere can't be reached, or can again
  annotate,      ///< a run gets tags, lines and messages, and the audit trail an entry
  begin_at_app,  ///< the app elsewhere begins a run by itself, and may report how its first call ends
};

struct action_chance {
  action_kind what;
  std::string_view name;
  std::size_t weight;
};

/// In the order of the enumeration.
inline constexpr std::array action_chances{
    action_chance{action_kind::send, "send", 90},
    action_chance{action_kind::send_odd, "send_odd", 6},
    action_chance{action_kind::send_again, "send_again", 6},
    action_chance{action_kind::send_future, "send_future", 6},
    action_chance{action_kind::start, "start", 6},
    action_chance{action_kind::rerun, "rerun", 6},
    action_chance{action_kind::cancel, "cancel", 10},
    action_chance{action_kind::signal, "signal", 12},
    action_chance{action_kind::register_app, "register_app", 4},
    action_chance{action_kind::take, "take", 90},
    action_chance{action_kind::begin, "begin", 90},
    action_chance{action_kind::answer, "answer", 90},
    action_chance{action_kind::work, "work", 300},
    action_chance{action_kind::begin_commit, "begin_commit", 60},
    action_chance{action_kind::end_commit, "end_commit", 60},
    action_chance{action_kind::fill_disk, "fill_disk", 2},
    action_chance{action_kind::free_disk, "free_disk", 12},
    action_chance{action_kind::advance, "advance", 140},
    action_chance{action_kind::set_clock, "set_clock", 4},
    action_chance{action_kind::forget, "forget", 4},
    action_chance{action_kind::stop, "stop", 4},
    action_chance{action_kind::crash, "crash", 8},
    action_chance{action_kind::pause, "pause", 6},
    action_chance{action_kind::resume, "resume", 10},
    action_chance{action_kind::drain, "drain", 3},
    action_chance{action_kind::backfill, "backfill", 4},
    action_chance{action_kind::run_schedule, "run_schedule", 3},
    action_chance{action_kind::place, "place", 12},
    action_chance{action_kind::relay, "relay", 16},
    action_chance{action_kind::bulk, "bulk", 3},
    action_chance{action_kind::bulk_turn, "bulk_turn", 20},
    action_chance{action_kind::ask, "ask", 8},
    action_chance{action_kind::resend, "resend", 4},
    action_chance{action_kind::invoke, "invoke", 8},
    action_chance{action_kind::cancel_many, "cancel_many", 3},
    action_chance{action_kind::reach, "reach", 6},
    action_chance{action_kind::annotate, "annotate", 8},
    action_chance{action_kind::begin_at_app, "begin_at_app", 4},
};

struct action {
  action_kind what{};
  std::uint64_t seed = 0;
};

constexpr std::string_view to_string(action_kind what) {
  return action_chances[static_cast<std::size_t>(what)].name;
}

/// How often which action is done, in the order of the enumeration.
using action_weights = std::array<std::size_t, action_chances.size()>;

/// Worlds have habits: in one, workers are slow, in another nobody cancels anything.
inline action_weights random_weights(chance& by) {
  action_weights out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t usual = action_chances[i].weight;
    out[i] = by.one_in(5) ? usual * 4 : by.one_in(4) ? usual / 4 : by.one_in(9) ? 0 : usual;
  }
  // calls are long under way, and overlap
  if (by.one_in(4)) out[static_cast<std::size_t>(action_kind::work)] = 0;
  return out;
}

inline action random_action(chance& by, const action_weights& weights) {
  std::size_t total = 0;
  for (const std::size_t weight : weights) total += weight;
  std::size_t at = by.below(total);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (at < weights[i]) return {action_chances[i].what, by.next()};
    at -= weights[i];
  }
  return {};
}
inline action random_action(chance& by) {
  static const action_weights usual = [] {
    action_weights out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = action_chances[i].weight;
    return out;
  }();
  return random_action(by, usual);
}

/// A world and what happens in it. All of it follows from these values.
struct script {
  /// Of the functions, and whether there is a disk.
  std::uint64_t seed = 0;
  std::vector<action> actions{};
  /// Functions, by their place, that are left out.
  std::vector<std::size_t> without{};
  /// Bodies of functions, by their place, that were made simpler.
  std::map<std::size_t, body> bodies{};
};

inline script random_script(std::uint64_t seed, std::size_t actions) {
  script out{.seed = seed};
  chance by(seed ^ 0x5DEECE66DU);
  const action_weights weights = random_weights(by);
  for (std::size_t i = 0; i < actions; ++i) out.actions.push_back(random_action(by, weights));
  return out;
}

/// C++ that can be pasted into a test case.
inline std::string to_cpp(const script& of) {
  std::string out = "simulated::script{.seed = " + std::to_string(of.seed) + "U,\n    .actions = {";
  for (const action& done : of.actions)
    out += "{simulated::action_kind::" + std::string(to_string(done.what)) + ", " +
           std::to_string(done.seed) + "U},\n                ";
  out += "},\n    .without = {";
  for (const std::size_t place : of.without) out += std::to_string(place) + ", ";
  out += "},\n    .bodies = {";
  for (const auto& [place, simpler] : of.bodies)
    out += "{" + std::to_string(place) + ", " + to_cpp(simpler) + "},\n";
  return out + "}}";
}

}  // namespace simulated
