#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include <inngest/context.hpp>
#include <inngest/error.hpp>
#include <inngest/function.hpp>
#include <inngest/json.hpp>

#include "body.hpp"

// Runs a body with the SDK's own steps and groups.

namespace simulated {

/// JSON as it stands: nothing is read from it.
struct json_text {
  std::string text = "null";
};
inline void to_json(inngest::json& out, const json_text& value) { out = inngest::json::parse(value.text); }
inline void from_json(const inngest::json& in, json_text& value) { value.text = in.dump(); }

/// The data of events that bodies send. `from` says which step of which run did: "<run id>/<step id>".
struct sent_data {
  std::string k;
  int n = 0;
  std::string from;
};
INNGEST_FIELDS(sent_data, k, n, from)

}  // namespace simulated

template <>
struct inngest::detail::codec<simulated::json_text, inngest::detail::json_kind::converted> {
  static simulated::json_text read(json_value& value, const json_path& at) {
    return {std::string(raw_text(value, at))};
  }
  static void write(std::string& out, const simulated::json_text& value, const json_path&) {
    out += value.text;
  }
};

namespace simulated {

/// Told by the interpreter. Step ids are full: the second use of "a" is "a:1".
struct observer {
  /// Before the body of a run or started step does anything. What the SDK itself does for a step (to send an
  /// event or a signal) is seen where it arrives: its data has `from`.
  virtual void step_began(const std::string& run_id, const std::string& step_id, int attempt) = 0;
  virtual void step_ended(const std::string& run_id, const std::string& step_id, int attempt,
                          bool succeeded) = 0;
  /// Time passes between two steps.
  virtual void slow(std::int64_t ms) = 0;
  /// The handler has seen the step's result, or its failure; also when it is called again.
  virtual void read(const std::string& run_id, const std::string& step_id) = 0;

 protected:
  ~observer() = default;
};

// ---- what run steps give --------------------------------------------------------------------------------

/// The forms that results have.
enum class result_form { object, nothing, text, numbers, large, optional };

inline result_form form_of(const node& from) {
  switch (number_of(from.id) % 8) {
    case 0:
      return result_form::nothing;
    case 1:
      return result_form::text;
    case 2:
      return result_form::numbers;
    case 3:
      return result_form::large;
    case 4:
      return result_form::optional;
    default:
      return result_form::object;
  }
}

inline std::string odd_text(const node& from) {
  return "\"" + from.id + "\\ \n\t\x01\x7f/\xE2\x82\xAC\xF0\x9F\x98\x80";
}

/// The step's result as a JSON object.
inline json_text result_object(const node& from, int attempt) {
  std::string out = "{\"r\":";
  inngest::encode_to(out, from.id);
  out += ",\"a\":" + std::to_string(attempt);
  if (form_of(from) == result_form::large) out += ",\"large\":\"" + std::string(1024, 'x') + '"';
  return {out + '}'};
}

[[noreturn]] inline void throw_failure(const node& from) {
  const std::string message = from.id + " fails";
  if (from.is_final) throw inngest::non_retriable_error(message);
  switch (number_of(from.id) % 4) {
    case 0:
      throw inngest::retry_after_error(message, std::chrono::seconds(2));
    case 1:
      throw std::logic_error(message);
    default:
      throw std::runtime_error(message);
  }
}

// ---- the interpreter ------------------------------------------------------------------------------------

class interpreter {
 public:
  interpreter(inngest::basic_context& ctx, observer& told) : ctx_(ctx), told_(told) {}

  std::string run(const sequence& nodes) {
    std::string out;
    run(nodes, out);
    return out;
  }

 private:
  // Steps leave the handler by an exception, again and again: there should be little to clean up on its way.

  void run(const sequence& nodes, std::string& out) {
    char before = '[';
    for (const node& child : nodes) {
      out += std::exchange(before, ',');
      run(child, out);
    }
    out += nodes.empty() ? "[]" : "]";
  }

  /// The full id of a step, which the handler comes to.
  const std::string& name_of(const node& at) { return came_to_.emplace_back(names_.next(at.id)); }

  void run(const node& at, std::string& out) {
    switch (at.kind) {
      case node_kind::run:
        return run_step(at, out);
      case node_kind::sleep: {
        const std::string& name = name_of(at);
        seen(name, [&] { ctx_.step.sleep(at.id, milliseconds(at.ms)); });
        out += "null";
        return;
      }
      case node_kind::wait:
        return wait(at, out);
      case node_kind::signal_wait:
        return wait_for_signal(at, out);
      case node_kind::send_signal: {
        const std::string& name = name_of(at);
        seen(name,
             [&] { inngest::encode_to(out, ctx_.step.send_signal(at.id, at.target, data_of(at, name, 0))); });
        return;
      }
      case node_kind::send: {
        const std::string& name = name_of(at);
        seen(name, [&] { inngest::encode_to(out, ctx_.step.send_event(at.id, events_of(at, name))); });
        return;
      }
      case node_kind::invoke:
        return invoke(at, out);
      case node_kind::fetch:
        return fetch(at, out);
      case node_kind::parallel:
        return parallel(at, out);
      case node_kind::race:
        out += race(at);
        return;
      case node_kind::started:
        return start(at, out);
      case node_kind::caught:
        return run_caught(at, out);
      case node_kind::slow:
        told_.slow(at.ms);
        out += "null";
        return;
      case node_kind::fail:
        if (at.is_final || ctx_.attempt < at.failures) throw_failure(at);
        out += "null";
        return;
      case node_kind::defer:
        ctx_.defer(at.id, deferred(at.target), data_of(at, at.id, 0));
        out += "null";
        return;
    }
  }

  using milliseconds = std::chrono::milliseconds;

  /// Calls for the result of a step, which the handler has seen when that does not leave it.
  template <class Call>
  void seen(const std::string& name, const Call& call) {
    try {
      call();
    } catch (const inngest::step_error&) {
      told_.read(ctx_.run_id, name);
      throw;
    }
    told_.read(ctx_.run_id, name);
  }

  // ---- steps --------------------------------------------------------------------------------------------

  static inngest::step_options options_of(const node& at) {
    return {.id = at.id, .retries = at.retries < 0 ? std::nullopt : std::optional<int>(at.retries)};
  }

  /// What a run step does before it gives its result.
  void attempt(const node& at, const std::string& name) {
    told_.step_began(ctx_.run_id, name, ctx_.attempt);
    const bool fails = ctx_.attempt < at.failures;
    told_.step_ended(ctx_.run_id, name, ctx_.attempt, !fails);
    if (fails) throw_failure(at);
  }

  /// Some steps give the run a tag first. The engine may refuse that when it can't write.
  void tag(const node& at) {
    const std::uint32_t number = number_of(at.id);
    if (number % 7 != 0) return;
    try {
      ctx_.tag("t" + std::to_string(number % 5), static_cast<int>(number % 3));
    } catch (const inngest::error&) {
    }
  }

  void run_step(const node& at, std::string& out) {
    tag(at);
    const std::string& name = name_of(at);
    const auto give = [&](auto make) {
      seen(name, [&] {
        inngest::encode_to(out, ctx_.step.run(options_of(at), [&] {
          attempt(at, name);
          return make();
        }));
      });
    };
    switch (form_of(at)) {
      case result_form::nothing:
        seen(name, [&] { ctx_.step.run(options_of(at), [&] { attempt(at, name); }); });
        out += "null";
        return;
      case result_form::text:
        return give([&] { return odd_text(at); });
      case result_form::numbers:
        return give([&] { return std::vector<int>{ctx_.attempt, -1, 1 << 30}; });
      case result_form::optional:
        return give([&] { return ctx_.attempt % 2 == 0 ? std::nullopt : std::optional<double>(0.5); });
      case result_form::object:
      case result_form::large:
        return give([&] { return result_object(at, ctx_.attempt); });
    }
  }

  template <inngest::detail::fixed_string Name>
  void wait_for(const node& at, std::string& out) {
    const std::string& name = name_of(at);
    seen(name, [&] {
      const auto event = ctx_.step.wait_for_event<inngest::event<Name>>(
          at.id, {.timeout = milliseconds(at.ms), .match = at.match});
      if (!event) {
        out += "null";
        return;
      }
      inngest::encode_to(out += "{\"id\":", event->id);
      out += ",\"k\":";
      const auto k = event->data.is_object() ? event->data.find("k") : event->data.end();
      if (k != event->data.end() && k->is_string())
        inngest::encode_to(out, k->template get_ref<const std::string&>());
      else
        out += "null";
      out += '}';
    });
  }
  void wait(const node& at, std::string& out) {
    if (at.target == event_names[0]) return wait_for<"sim/a">(at, out);
    if (at.target == event_names[1]) return wait_for<"sim/b">(at, out);
    if (at.target == event_names[2]) return wait_for<"sim/c">(at, out);
    if (at.target == event_names[3]) return wait_for<"sim/d">(at, out);
    throw std::invalid_argument("a body can't wait for \"" + at.target + "\"");
  }

  void wait_for_signal(const node& at, std::string& out) {
    using inngest::signal_conflict;
    const std::string& name = name_of(at);
    seen(name, [&] {
      const auto data = ctx_.step.wait_for_signal<json_text>(
          at.id, {.signal = at.target,
                  .timeout = milliseconds(at.ms),
                  .on_conflict = at.replaces ? signal_conflict::replace : signal_conflict::fail});
      out += data ? data->text : "null";
    });
  }

  void invoke(const node& at, std::string& out) {
    const std::string& name = name_of(at);
    const bool is_far = at.target.starts_with(far_prefix);
    const inngest::function_ref<inngest::event<"sim/a", sent_data>, json_text> called{
        is_far ? far_app_id : app_id, is_far ? at.target.substr(far_prefix.size()) : at.target};
    const auto timeout = at.ms == 0 ? std::nullopt : std::optional<inngest::duration_ms>(milliseconds(at.ms));
    seen(name,
         [&] { out += ctx_.step.invoke(at.id, called, data_of(at, name, 0), {.timeout = timeout}).text; });
  }

  void fetch(const node& at, std::string& out) {
    const std::string& name = name_of(at);
    seen(name, [&] {
      const auto answer = ctx_.step.fetch(at.id, {.url = "http://elsewhere/" + std::to_string(at.count)});
      out += "{\"status\":" + std::to_string(answer.status_code) + ",\"body\":";
      inngest::encode_to(out, answer.body);
      out += '}';
    });
  }

  sent_data data_of(const node& at, const std::string& name, int number) const {
    return {.k = "k" + std::to_string((number_of(at.id) + static_cast<unsigned>(number)) % 3),
            .n = number,
            .from = ctx_.run_id + '/' + name};
  }

  std::vector<inngest::any_event> events_of(const node& at, const std::string& name) const {
    std::vector<inngest::any_event> out;
    for (int i = 0; i < at.count; ++i) {
      sent_data data = data_of(at, name, i);
      if (at.target == event_names[0])
        out.emplace_back(inngest::event<"sim/a", sent_data>{std::move(data)});
      else if (at.target == event_names[1])
        out.emplace_back(inngest::event<"sim/b", sent_data>{std::move(data)});
      else if (at.target == event_names[2])
        out.emplace_back(inngest::event<"sim/c", sent_data>{std::move(data)});
      else if (at.target == event_names[3])
        out.emplace_back(inngest::event<"sim/d", sent_data>{std::move(data)});
      else
        throw std::invalid_argument("a body can't send \"" + at.target + "\"");
    }
    return out;
  }

  static const inngest::deferred_function<sent_data>& deferred(const std::string& id) {
    thread_local std::map<std::string, inngest::deferred_function<sent_data>> known;
    const auto found = known.find(id);
    if (found != known.end()) return found->second;
    inngest::deferred_function<sent_data> made(app_id, {.id = id}, {}, {});
    return known.emplace(id, std::move(made)).first->second;
  }

  // ---- groups -------------------------------------------------------------------------------------------

  void parallel(const node& at, std::string& out) {
    const auto traces = ctx_.group.parallel(at.branches, [&](const sequence& branch) { return run(branch); });
    out += '[';
    for (std::size_t i = 0; i < traces.size(); ++i) out += (i == 0 ? "" : ",") + traces[i];
    out += ']';
  }

  std::string race(const node& at) {
    const auto branch = [&](std::size_t index) {
      return [this, &at, index] {
        std::string out = "{\"won\":" + std::to_string(index) + ",\"trace\":";
        run(at.branches[index], out);
        return out += '}';
      };
    };
    switch (at.branches.size()) {
      case 1:
        return ctx_.group.race(branch(0));
      case 2:
        return ctx_.group.race(branch(0), branch(1));
      case 3:
        return ctx_.group.race(branch(0), branch(1), branch(2));
      case 4:
        return ctx_.group.race(branch(0), branch(1), branch(2), branch(3));
      default:
        throw std::invalid_argument("a race has 1 to 4 branches");
    }
  }

  /// The trace has the results in the order in which they were asked for.
  void start(const node& at, std::string& out) {
    const auto started = [&](const node& step, const std::string& name) {
      return ctx_.step.start(options_of(step), [this, &step, &name] {
        attempt(step, name);
        return result_object(step, ctx_.attempt);
      });
    };
    const sequence& steps = at.branches.at(0);
    const std::size_t first = came_to_.size();
    std::vector<decltype(started(at, at.id))> handles;
    for (const node& step : steps) {
      const std::string& name = name_of(step);
      handles.push_back(started(step, name));
    }
    out += '[';
    const std::size_t asked = steps.size() - std::min(steps.size(), static_cast<std::size_t>(at.unasked));
    for (std::size_t i = 0; i < asked; ++i) {
      const std::size_t place = (i + static_cast<std::size_t>(at.count)) % steps.size();
      if (i > 0) out += ',';
      seen(came_to_[first + place], [&] { out += handles[place].get().text; });
    }
    out += ']';
  }

  void run_caught(const node& at, std::string& out) {
    const std::size_t before = out.size();
    try {
      run(at.branches.at(0), out);
    } catch (const inngest::step_error& problem) {
      out.resize(before);
      note_caught(problem.name(), out);
    } catch (const std::exception& problem) {
      out.resize(before);
      note_caught(inngest::detail::exception_type_name(typeid(problem)), out);
    } catch (...) {
      if (!at.swallows) throw;
      out += "null";  // the SDK does not let the handler go on
    }
  }
  static void note_caught(const std::string& name, std::string& out) {
    inngest::encode_to(out += "{\"caught\":", name);
    out += '}';
  }

  inngest::basic_context& ctx_;
  observer& told_;
  step_names names_;
  std::deque<std::string> came_to_;  // full ids, which are pointed to
};

/// Runs the body. Gives what came of its nodes, in order: a JSON array, with arrays of arrays for groups.
inline std::string interpret(const body& from, inngest::basic_context& ctx, observer& told) {
  return interpreter(ctx, told).run(from.nodes);
}

}  // namespace simulated
