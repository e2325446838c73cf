#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/json.hpp>

#include "body.hpp"

// Says how a run of a body ends by walking over the body and its steps' results. It knows nothing of the
// SDK's replay, and nothing of what else the run did.

namespace simulated {

/// A step's result as call requests have it: null, an event, {"data":...} or {"error":...}.
struct memo {
  std::string step{};  // 40 hex digits
  std::string text{};
};

struct outcome {
  enum kind { completed, failed, undecided };
  kind what = undecided;
  std::string output{};                 // as interpret() gives it
  std::string error_name{};             // of a failed run
  std::vector<std::string> deferred{};  // ids of the deferred calls of an ended run
  std::vector<std::string> open{};      // full ids of the steps without a result that may have begun
  std::string missing_step{};  // of an undecided run: the full id of the first step that has no result
};

// ---- JSON texts -----------------------------------------------------------------------------------------

namespace member_text {

inline std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

/// Behind the value that begins at `at`.
inline std::size_t end_of_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at) - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      --depth;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return at;
}

inline std::string_view trimmed(std::string_view text) {
  constexpr const char* blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

/// The text of an object's member, the last of the name; empty when there is none.
inline std::string_view find(std::string_view object, std::string_view key) {
  std::string_view out;
  object = trimmed(object);
  if (!object.starts_with('{')) return out;
  for (std::size_t at = 1; at < object.size();) {
    const std::size_t name = object.find('"', at);
    if (name == std::string_view::npos) break;
    const std::size_t name_end = end_of_string(object, name);
    const std::size_t value = object.find(':', name_end);
    if (value == std::string_view::npos) break;
    const std::size_t value_end = end_of_value(object, value + 1);
    if (object.substr(name + 1, name_end - name - 2) == key)
      out = trimmed(object.substr(value + 1, value_end - value - 1));
    at = value_end + 1;
  }
  return out;
}

/// A string as its reader writes it again.
inline std::string rewritten(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos) return std::string(quoted);
  return inngest::encode(inngest::json::parse(quoted).get<std::string>());
}

inline std::string unquoted(std::string_view quoted) {
  if (!quoted.starts_with('"')) return {};
  if (quoted.find('\\') == std::string_view::npos) return std::string(quoted.substr(1, quoted.size() - 2));
  return inngest::json::parse(quoted).get<std::string>();
}

}  // namespace member_text

// ---- the walk -------------------------------------------------------------------------------------------

class reference_walk {
 public:
  reference_walk(const std::vector<memo>& memos, int max_attempts)
      : memos_(memos), max_attempts_(max_attempts) {
    places_.reserve(memos.size());
    for (std::size_t i = 0; i < memos.size(); ++i) places_.try_emplace(memos[i].step, i);
  }

  outcome end_of(const sequence& nodes) {
    part all = walk(nodes, 0);
    outcome out{.deferred = std::move(deferred_), .open = std::move(open_)};
    for (const std::string& step : all.owed) {
      if (all.ended() && !find(step)) all.missing = step;
    }
    if (!all.ended()) {
      out.missing_step = std::move(all.missing);
    } else if (all.error) {
      out.what = outcome::failed;
      out.error_name = std::move(*all.error);
    } else {
      out.what = outcome::completed;
      out.output = std::move(all.trace);
    }
    return out;
  }

 private:
  /// How far a part of the body comes with the results that there are.
  struct part {
    std::string trace{};
    std::optional<std::string> error{};  // it failed: the error's name
    std::string missing{};               // it goes no further without this step's result
    std::size_t ended_at = 0;            // the number of results that it took
    std::vector<std::string> owed{};     // steps that it started: the run ends after them

    bool ended() const { return missing.empty(); }
    bool goes_on() const { return ended() && !error; }
  };

  /// A step's result and how many there had to be.
  struct found_memo {
    std::string_view text{};
    std::size_t place = 0;
  };
  std::optional<found_memo> find(const std::string& step) const {
    const auto found = places_.find(inngest::detail::to_hex(inngest::detail::sha1::of(step)));
    if (found == places_.end() || found->second >= horizon_) return std::nullopt;
    return found_memo{memos_[found->second].text, found->second + 1};
  }

  /// A step that has a result, but not yet at the horizon, is not open.
  void note_open(const std::string& step) {
    if (places_.contains(inngest::detail::to_hex(inngest::detail::sha1::of(step)))) return;
    if (std::find(open_.begin(), open_.end(), step) == open_.end()) open_.push_back(step);
  }

  /// `began` is the number of results that it took to come here.
  part walk(const sequence& nodes, std::size_t began) {
    part out;
    out.trace = "[";
    for (const node& child : nodes) {
      if (out.trace.size() > 1) out.trace += ',';
      part next = walk(child, std::max(began, out.ended_at));
      out.ended_at = std::max(out.ended_at, next.ended_at);
      out.owed.insert(out.owed.end(), next.owed.begin(), next.owed.end());
      out.trace += next.trace;
      if (next.goes_on()) continue;
      out.error = std::move(next.error);
      out.missing = std::move(next.missing);
      return out;
    }
    out.trace += ']';
    return out;
  }

  part walk(const node& at, std::size_t began) {
    switch (at.kind) {
      case node_kind::slow:
        return {.trace = "null"};
      case node_kind::defer:
        if (std::find(deferred_.begin(), deferred_.end(), at.id) == deferred_.end())
          deferred_.push_back(at.id);
        return {.trace = "null"};
      case node_kind::fail:
        if (at.is_final || at.failures >= max_attempts_) return {.error = error_of(at)};
        return {.trace = "null"};
      case node_kind::parallel:
        return walk_parallel(at, began);
      case node_kind::race:
        return walk_race(at, began);
      case node_kind::started:
        return walk_started(at);
      case node_kind::caught:
        return walk_caught(at, began);
      default:
        return step(at, names_.next(at.id));
    }
  }

  /// A step that the function waits for.
  part step(const node& at, const std::string& name) {
    const auto memo = find(name);
    if (!memo) {
      note_open(name);
      return {.missing = name};
    }
    part out{.ended_at = memo->place};
    const std::string_view error = member_text::find(memo->text, "error");
    if (memo->text.starts_with("{\"error\"")) {
      const std::string of_error = member_text::unquoted(member_text::find(error, "name"));
      out.error = of_error.empty() ? "Error" : of_error;
    } else {
      out.trace = result(at, memo->text);
    }
    return out;
  }

  static std::string result(const node& at, std::string_view memo) {
    const std::string_view data = memo == "null" ? memo : member_text::find(memo, "data");
    switch (at.kind) {
      case node_kind::sleep:
        return "null";
      case node_kind::wait:
        return memo == "null" ? "null" : result_of_wait(memo, data);
      case node_kind::signal_wait: {
        const std::string_view received = member_text::find(data, "data");
        return received.empty() ? "null" : std::string(received);
      }
      case node_kind::fetch: {
        const std::string_view body = member_text::find(data, "body");
        return "{\"status\":" + std::string(member_text::find(data, "status_code")) +
               ",\"body\":" + (body.empty() ? "\"\"" : member_text::rewritten(body)) + '}';
      }
      default:
        return std::string(data);
    }
  }
  static std::string result_of_wait(std::string_view event, std::string_view data) {
    const std::string_view id = member_text::find(event, "id");
    const std::string_view k = member_text::find(data, "k");
    return "{\"id\":" + (id.empty() ? "null" : member_text::rewritten(id)) +
           ",\"k\":" + (k.starts_with('"') ? member_text::rewritten(k) : "null") + '}';
  }

  /// What throw_failure() throws.
  static std::string error_of(const node& at) {
    if (at.is_final) return "NonRetriableError";
    switch (number_of(at.id) % 4) {
      case 0:
        return "RetryAfterError";
      case 1:
        return "std::logic_error";
      default:
        return "std::runtime_error";
    }
  }

  /// All branches end; then the first of them that failed counts.
  part walk_parallel(const node& at, std::size_t began) {
    part out;
    for (const sequence& branch : at.branches) {
      part next = walk(branch, began);
      out.ended_at = std::max(out.ended_at, next.ended_at);
      out.owed.insert(out.owed.end(), next.owed.begin(), next.owed.end());
      if (!next.ended() && out.missing.empty()) out.missing = std::move(next.missing);
      if (next.error && !out.error) out.error = std::move(next.error);
      out.trace += (out.trace.empty() ? "[" : ",") + next.trace;
    }
    out.trace += at.branches.empty() ? "[]" : "]";
    if (!out.ended()) out.error.reset();
    return out;
  }

  /// The branch that ended with the fewest results counts, the first of those that need none.
  part walk_race(const node& at, std::size_t began) {
    const step_names names_before = names_;
    const std::size_t open_before = open_.size();
    std::optional<part> best;
    std::string missing;
    for (std::size_t i = 0; i < at.branches.size(); ++i) {
      part next = walk(at.branches[i], began);
      if (!next.ended() && missing.empty()) missing = next.missing;
      if (!next.ended() || (best && best->ended_at <= next.ended_at)) continue;
      next.trace = "{\"won\":" + std::to_string(i) + ",\"trace\":" + next.trace + '}';
      best = std::move(next);
    }
    if (!best) return part{.missing = std::move(missing)};
    // The losers stopped when the race was decided: what they come to with later results uses no ids up.
    names_ = names_before;
    open_.resize(open_before);
    const std::size_t horizon = std::exchange(horizon_, std::min(horizon_, std::max(began, best->ended_at)));
    for (const sequence& branch : at.branches) walk(branch, began);
    horizon_ = horizon;
    return std::move(*best);
  }

  part walk_started(const node& at) {
    const sequence& steps = at.branches.at(0);
    part out;
    for (const node& started : steps) {
      out.owed.push_back(names_.next(started.id));
      if (!find(out.owed.back())) note_open(out.owed.back());
    }
    const std::size_t asked = steps.size() - std::min(steps.size(), static_cast<std::size_t>(at.unasked));
    out.trace = "[";
    for (std::size_t i = 0; i < asked; ++i) {
      const std::size_t place = (i + static_cast<std::size_t>(at.count)) % steps.size();
      part next = step(steps[place], out.owed[place]);
      out.ended_at = std::max(out.ended_at, next.ended_at);
      out.trace += (i == 0 ? "" : ",") + next.trace;
      if (next.goes_on()) continue;
      out.error = std::move(next.error);
      out.missing = std::move(next.missing);
      return out;
    }
    out.trace += ']';
    return out;
  }

  part walk_caught(const node& at, std::size_t began) {
    part out = walk(at.branches.at(0), began);
    if (out.ended() && out.error) {
      out.trace = "{\"caught\":" + inngest::encode(*out.error) + '}';
      out.error.reset();
    }
    return out;
  }

  const std::vector<memo>& memos_;
  const int max_attempts_;
  std::unordered_map<std::string_view, std::size_t> places_;  // by step
  std::size_t horizon_ = static_cast<std::size_t>(-1);        // results beyond it do not count
  step_names names_;
  std::vector<std::string> deferred_;
  std::vector<std::string> open_;
};

/// How a run ends that has these steps' results, in the order in which they came, and so many attempts. A run
/// that a server ends for another reason (cancelled, timed out, a signal that another run waits for) is
/// undecided.
inline outcome reference(const body& from, const std::vector<memo>& memos_in_order, int max_attempts) {
  return reference_walk(memos_in_order, max_attempts).end_of(from.nodes);
}

}  // namespace simulated
