#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "functions.hpp"
#include "script.hpp"
#include "world.hpp"

// Makes what went wrong small enough to be read.

namespace simulated {

struct result {
  std::string problem{};  // empty when there is none
  std::size_t actions = 0;
  std::string story{};
};

/// What comes of a script.
inline result run(const script& of, bool with_sqlite = false, bool tells = false) {
  result out;
  world it(of, {.with_sqlite = with_sqlite, .tells = tells});
  try {
    it.run();
  } catch (const std::exception& problem) {
    out.problem = problem.what();
  }
  out.actions = it.actions_done();
  out.story = it.story();
  return out;
}

/// What kind of a problem it is: its first words, without ids and numbers.
inline std::string kind_of(const std::string& problem) {
  constexpr std::size_t enough = 5;
  std::string out;
  std::size_t words = 0;
  for (std::size_t at = 0; at < problem.size() && words < enough;) {
    const std::size_t end = std::min(problem.find(' ', at), problem.size());
    const std::string word = problem.substr(at, end - at);
    const bool is_word = std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (is_word) {
      out += word + ' ';
      ++words;
    }
    at = end + 1;
  }
  return out;
}

class reducer {
 public:
  reducer(script failing, bool with_sqlite)
      : best_(std::move(failing)),
        with_sqlite_(with_sqlite),
        kind_(kind_of(run(best_, with_sqlite).problem)) {}

  /// A smaller script that goes wrong in the same way.
  script reduce() {
    for (bool smaller = true; smaller && tries_ < max_tries;) {
      smaller = drop_actions();
      smaller = drop_functions() || smaller;
      smaller = simplify_bodies() || smaller;
    }
    return best_;
  }

 private:
  static constexpr int max_tries = 4'000;

  bool is_better(script other) {
    if (++tries_ > max_tries || kind_of(run(other, with_sqlite_).problem) != kind_) return false;
    best_ = std::move(other);
    return true;
  }

  /// Longer parts first.
  bool drop_actions() {
    bool any = false;
    for (std::size_t size = std::max<std::size_t>(1, best_.actions.size() / 2); size > 0; size /= 2) {
      for (std::size_t end = best_.actions.size(); end > 0;) {
        const std::size_t from = end > size ? end - size : 0;
        script other = best_;
        other.actions.erase(other.actions.begin() + static_cast<std::ptrdiff_t>(from),
                            other.actions.begin() + static_cast<std::ptrdiff_t>(end));
        any = is_better(std::move(other)) || any;
        end = from;
      }
    }
    return any;
  }

  bool drop_functions() {
    bool any = false;
    const std::size_t count = random_functions(best_.seed).size();
    for (std::size_t place = 0; place < count; ++place) {
      if (std::count(best_.without.begin(), best_.without.end(), place) > 0) continue;
      if (best_.without.size() + 1 == count) return any;
      script other = best_;
      other.without.push_back(place);
      any = is_better(std::move(other)) || any;
    }
    return any;
  }

  bool simplify_bodies() {
    bool any = false;
    const auto plans = random_functions(best_.seed);
    for (std::size_t place = 0; place < plans.size(); ++place) {
      if (std::count(best_.without.begin(), best_.without.end(), place) > 0) continue;
      for (bool smaller_yet = true; smaller_yet && tries_ < max_tries;) {
        smaller_yet = false;
        const auto found = best_.bodies.find(place);
        const body current = found == best_.bodies.end() ? plans[place].handler : found->second;
        for (const body& simpler : smaller(current)) {
          script other = best_;
          other.bodies.insert_or_assign(place, simpler);
          if (!is_better(std::move(other))) continue;
          any = smaller_yet = true;
          break;
        }
      }
    }
    return any;
  }

  script best_;
  const bool with_sqlite_;
  const std::string kind_;
  int tries_ = 0;
};

/// The smaller script, what happens in it, and a test case of it.
inline std::string report_of(const script& failing, bool with_sqlite) {
  const script small = reducer(failing, with_sqlite).reduce();
  const result again = run(small, with_sqlite, true);
  std::string out =
      "reduced to " + std::to_string(small.actions.size()) + " actions: " + again.problem + "\n";
  out += "--- what happens\n" + again.story + "--- a test case\n";
  out += "TEST_CASE(\"a name\", \"[simulation]\") {\n  CHECK(simulated::run(" + to_cpp(small) +
         ").problem == \"\");\n}\n";
  return out;
}

}  // namespace simulated
