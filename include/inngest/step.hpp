#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/expression.hpp>
#include <inngest/fetch.hpp>
#include <inngest/function.hpp>
#include <inngest/json.hpp>
#include <inngest/members.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/metadata.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step/ai_steps.hpp>
#include <inngest/step/detail/step_base.hpp>
#include <inngest/step/detail/step_body.hpp>
#include <inngest/step/options.hpp>
#include <inngest/step/step_handle.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>
#include <inngest/topic.hpp>

namespace inngest::inline INNGEST_ABI {

/// The result of sending a signal.
struct sent_signal {
  /// The id of the run that the signal woke; nullopt when no run was waiting for it.
  std::optional<std::string> run_id;
};
INNGEST_CAMEL_FIELDS(sent_signal, run_id)

/// A function of another app, identified by its ids.
template <event_type Event, class Output = json>
struct function_ref {
  /// The id of the app.
  std::string app_id;
  /// The id of the function within the app.
  std::string function_id;
};

namespace detail {

/// Implements step::transaction for a kind of database. The headers of the databases specialize it.
template <class Database>
struct transactional_step {
  static_assert(
      sizeof(Database) == 0,
      "inngest: step.transaction() needs the header of the database: <inngest/sql_outbox/sqlite.hpp> "
      "for sqlite3*, <inngest/sql_outbox/postgresql.hpp> for PGconn*, <inngest/sql_outbox/pqxx.hpp> for "
      "pqxx::connection");
};

/// A pointer to a database as a value, so that a const one is as good; any other database as it is.
template <class Database>
decltype(auto) database_handle(Database& database) {
  if constexpr (std::is_pointer_v<Database>)
    return std::remove_cv_t<Database>(database);
  else
    return (database);
}

}  // namespace detail

// Every kind of step has two overloads, for an id and for options. One parameter can't accept both:
// step_options must be an aggregate, so that {.id = "charge", .name = "Charge the card"} works, and an
// aggregate has no constructor that converts a literal id and hashes it at compile time.

/// The steps of a function: `ctx.step`. Each step has an id, runs once, and from then on returns its stored
/// result. A step without a result leaves the handler, which is called again once the result exists. Code
/// between steps therefore runs several times and must not have side effects.
///
/// Every call may throw step_error when the step failed permanently, and payload_error when its stored result
/// does not fit the type because the code has changed. The interrupt that leaves the handler is not a
/// std::exception. Never swallow it: end a `catch (...)` around steps with `throw;`.
class step : private detail::step_base {
 public:
  /// Used by the library. `events` describes the known events that start the function.
  explicit step(execution::replay& replay, std::span<const detail::event_shape> events = {});

  /// Steps for language models.
  ai_steps ai;

  /// Runs the body once and stores its result. A body that throws is retried: see function_options::retries,
  /// step_options, non_retriable_error and retry_after_error. A body may take the call's stop_token: see
  /// basic_context::stop_token.
  ///
  /// Arguments after the body are recorded with the step and passed to the body. A user can change them when
  /// rerunning the step from the server's page.
  template <class Body, class... Arguments>
  auto run(step_options options, Body&& body, const Arguments&... arguments) {
    using held = detail::body_ref<std::remove_reference_t<Body>>;
    if constexpr (sizeof...(Arguments) == 0) {
      return start_body<detail::step_result_t<Body>>(std::move(options), held{&body}).get();
    } else {
      return start_with_input(std::move(options), step_kind::run, {}, held{&body}, arguments...).get();
    }
  }
  /// Like the other overload, without options.
  template <class Body, class... Arguments>
  auto run(step_id id, Body&& body, const Arguments&... arguments) {
    return run(step_options{.id = id}, std::forward<Body>(body), arguments...);
  }

  /// Runs the body in a transaction of your database, and commits its writes together with a record of its
  /// result. The body's effect on that database happens exactly once, even if the process dies before the
  /// result is reported: the next attempt finds the record and returns its result without running the body.
  ///
  ///     #include <inngest/sql_outbox/postgresql.hpp>
  ///
  ///     ctx.step.transaction("book", connection, [&](auto& tx) {
  ///       tx.execute("UPDATE accounts SET balance = balance - $1 WHERE id = $2", amount, account);
  ///     });
  ///
  /// The body receives the transaction: an inngest::sql_transaction, or a pqxx::work. Include the header of
  /// the database, and create the tables once: sql_outbox::create_tables(). Pass an sql_outbox as `tables` if
  /// your tables have another name.
  template <class Database, class Body, class... Tables>
  auto transaction(step_options options, Database&& database, Body&& body, const Tables&... tables) {
    using steps = detail::transactional_step<std::remove_cvref_t<Database>>;
    return start_run<typename steps::template result<Body>>(
               std::move(options), step_kind::run, [] { return plan_of(); },
               [&](const execution::step_call& at, std::string& out) {
                 auto&& handle = detail::database_handle(database);
                 steps::run(handle, body, replay_->request().run_id(), at, out, tables...);
               })
        .get();
  }
  /// Like the other overload, without options.
  template <class Database, class Body, class... Tables>
  auto transaction(step_id id, Database&& database, Body&& body, const Tables&... tables) {
    return transaction(step_options{.id = id}, database, body, tables...);
  }

  /// A key for services that execute a request once per key, such as payment providers. It has the form of a
  /// UUID, belongs to the run and the step whose body calls this function, and is the same in every attempt
  /// and process. If one step makes several requests, append something to it for each.
  /// \throws configuration_error outside a step's body.
  std::string idempotency_key() const;

  /// Starts a step without waiting for it; `get()` on the handle returns its result. Steps started before the
  /// first `get()` run at the same time. The function completes only after all of them.
  ///
  /// The body may run inside `get()`: capture by value any variables that may no longer exist then, such as a
  /// loop variable.
  template <class Body>
  auto start(step_options options, Body body) {
    return start_body<detail::step_result_t<Body>>(std::move(options), std::move(body));
  }
  /// Like the other overload, without options.
  template <class Body>
  auto start(step_id id, Body body) {
    return start(step_options{.id = id}, std::move(body));
  }

  /// Continues after the duration, at most 366 days; immediately when it is negative. The process need not
  /// keep running in the meantime.
  /// \throws step_options_error for a longer sleep.
  void sleep(step_options options, duration_ms duration);
  /// Like the other overload, without options.
  void sleep(step_id id, duration_ms duration) { sleep(step_options{.id = id}, duration); }

  /// Continues at the given time, at most 366 days from now; immediately when the time has passed.
  /// \throws step_options_error for a later time.
  void sleep_until(step_options options, detail::saturated_time time);
  /// Like the other overload, without options.
  void sleep_until(step_id id, detail::saturated_time time) { sleep_until(step_options{.id = id}, time); }

  /// Waits for an event of the type that arrives after this step began. Returns nullopt after the timeout.
  /// \throws step_options_error for an invalid timeout or expression.
  template <event_type Event>
  std::optional<Event> wait_for_event(step_options options, const wait_options& wait) {
    auto call = ask_server(std::move(options), step_kind::wait_for_event,
                           [&](const execution::step_call& at) { return describe_wait<Event>(at, wait); });
    return replay_->read_memo(call, false, [&](const protocol::memo& memo) {
      return protocol::read_received<Event>(memo, call.id, replay_->failure_thrower(),
                                            replay_->event_readers());
    });
  }
  /// Like the other overload, without options.
  template <event_type Event>
  std::optional<Event> wait_for_event(step_id id, const wait_options& wait) {
    return wait_for_event<Event>(step_options{.id = id}, wait);
  }

  /// Waits for a signal and returns its data; nullopt after the timeout. Only one run at a time can wait for
  /// a signal: see signal_options::on_conflict.
  /// \throws step_options_error for an invalid timeout; payload_error for a blank name of the signal, or data
  /// that does not fit the type.
  template <json_convertible Data = json>
  std::optional<Data> wait_for_signal(step_options options, const signal_options& wait) {
    auto call =
        ask_server(std::move(options), step_kind::wait_for_signal, [&](const execution::step_call& at) {
          detail::require_name(wait.signal, "the name of a signal");
          detail::json_object_text text;
          text.add_exact("signal", wait.signal).add("timeout", timeout_text(at, wait.timeout));
          text.add("conflict", wait.on_conflict == signal_conflict::fail ? "fail" : "replace");
          return protocol::operation{.name = wait.signal, .options = text.text()};
        });
    return replay_->read_memo(call, true, [&](const protocol::memo& memo) -> std::optional<Data> {
      if (memo.is_null()) return std::nullopt;
      const std::string_view result = protocol::result_text(memo, call.id);
      if (result == "null") return std::nullopt;
      const detail::json_buffer received{std::string(result)};
      const std::string_view data = detail::find_member(received, "data");
      return decode<Data>(data.empty() ? "null" : data, protocol::memo_path(call.id));
    });
  }
  /// Like the other overload, without options.
  template <json_convertible Data = json>
  std::optional<Data> wait_for_signal(step_id id, const signal_options& wait) {
    return wait_for_signal<Data>(step_options{.id = id}, wait);
  }

  /// Sends a signal once. It wakes the run that is waiting for it.
  /// \throws step_error when it can't be sent, after the step's attempts.
  template <json_writable Data = json>
  sent_signal send_signal(step_options options, const std::string& signal, const Data& data = {}) {
    const auto send = [this, &signal, &data](const execution::step_call&, std::string& out) {
      const auto answer =
          replay_->services().call_api(protocol::signal_request(signal, encode(data, "data")));
      encode_to(out, sent_signal{protocol::read_signal_answer(answer)});
    };
    const auto plan = [&signal] {
      detail::json_object_text text;
      return plan_of("sendSignal", text.add("type", "step.sendSignal").add_exact("signal", signal).text());
    };
    return start_run<sent_signal>(std::move(options), step_kind::send_signal, plan, send).get();
  }
  /// Like the other overload, without options.
  template <json_writable Data = json>
  sent_signal send_signal(step_id id, const std::string& signal, const Data& data = {}) {
    return send_signal(step_options{.id = id}, signal, data);
  }

  /// Runs another function and returns its result.
  /// \throws step_error when the function failed or did not finish in time.
  template <class Output, event_type First, event_type... Rest>
  Output invoke(step_options options, const function<Output, First, Rest...>& called,
                const typename First::data_type& data, const invoke_options& invoke_options = {}) {
    return invoke_slug<Output>(std::move(options), called.slug(), data, invoke_options);
  }
  /// Like the other overload, without options.
  template <class Output, event_type First, event_type... Rest>
  Output invoke(step_id id, const function<Output, First, Rest...>& called,
                const typename First::data_type& data, const invoke_options& invoke_options = {}) {
    return invoke_slug<Output>({.id = id}, called.slug(), data, invoke_options);
  }
  /// Runs a function of another app.
  template <event_type Event, class Output>
  Output invoke(step_options options, const function_ref<Event, Output>& called,
                const typename Event::data_type& data, const invoke_options& invoke_options = {}) {
    return invoke_slug<Output>(std::move(options), detail::slug_of(called.app_id, called.function_id), data,
                               invoke_options);
  }
  /// Like the other overload, without options.
  template <event_type Event, class Output>
  Output invoke(step_id id, const function_ref<Event, Output>& called, const typename Event::data_type& data,
                const invoke_options& invoke_options = {}) {
    return invoke(step_options{.id = id}, called, data, invoke_options);
  }

  /// Sends events once. All event types convert to any_event, so a list may mix them.
  sent_events send_event(step_options options, std::vector<any_event> events);
  /// Like the other overload, without options.
  sent_events send_event(step_id id, std::vector<any_event> events);
  /// Like the first overload.
  sent_events send_event(step_options options, std::initializer_list<any_event> events);
  /// Like the other overload, without options.
  sent_events send_event(step_id id, std::initializer_list<any_event> events);
  /// Sends one event once.
  sent_events send_event(step_options options, const any_event& event);
  /// Like the other overload, without options.
  sent_events send_event(step_id id, const any_event& event);

  /// Has the server make an HTTP request and returns the response, whatever its status.
  /// \throws step_error when there was no response.
  fetch_response fetch(step_options options, const fetch_request& request);
  /// Like the other overload, without options.
  fetch_response fetch(step_id id, const fetch_request& request);

  /// Publishes a message to the subscribers of the channel's topic once.
  template <json_writable Data>
  void publish(step_options options, const std::string& channel, const std::string& topic, const Data& data) {
    const auto send = [&](const execution::step_call&, std::string& out) {
      encode_to(out, data, "data");
      const auto request = protocol::publish_request(channel, topic, replay_->request().run_id(), out);
      protocol::expect_success(replay_->services().call_api(request), "publishing to \"" + channel + "\"");
    };
    const auto plan = [] { return plan_of({}, "{\"type\":\"step.realtime.publish\"}"); };
    start_run<void>(std::move(options), step_kind::publish, plan, send).get();
  }
  /// Like the other overload, without options.
  template <json_writable Data>
  void publish(step_id id, const std::string& channel, const std::string& topic, const Data& data) {
    publish(step_options{.id = id}, channel, topic, data);
  }

  /// Publishes a message to the subscribers of the channel once: `publish<Progress>("id", channel, {...})`.
  template <topic_type Topic>
  void publish(step_options options, const std::string& channel, const typename Topic::data_type& data) {
    publish(std::move(options), channel, std::string(Topic::name), data);
  }
  /// Like the other overload, without options.
  template <topic_type Topic>
  void publish(step_id id, const std::string& channel, const typename Topic::data_type& data) {
    publish<Topic>(step_options{.id = id}, channel, data);
  }
  /// Like publish() above, for a typed channel, which must have the topic: `publish<Progress>("id",
  /// Import{id}, {...})`.
  template <topic_type Topic, channel_type Channel>
  void publish(step_options options, const Channel& channel, const typename Topic::data_type& data) {
    static_assert(Channel::template has<Topic>, "inngest: this inngest::channel does not have the topic");
    publish(std::move(options), channel.name(), std::string(Topic::name), data);
  }
  /// Like the other overload, without options.
  template <topic_type Topic, channel_type Channel>
  void publish(step_id id, const Channel& channel, const typename Topic::data_type& data) {
    publish<Topic>(step_options{.id = id}, channel, data);
  }

  /// Sets a score once: a measure of your own for the quality of work. By default it is stored with the run;
  /// see also basic_context::score.
  void score(step_options options, const std::string& name, const score_value& value,
             const metadata_target& target = {});
  /// Like the other overload, without options.
  void score(step_id id, const std::string& name, const score_value& value,
             const metadata_target& target = {});

  /// Stores your own values once, by default with the run; the server shows them. `values` is a JSON object.
  void set_metadata(step_options options, const std::string& kind, const json& values,
                    const metadata_target& target = {}, metadata_change change = metadata_change::set);
  /// Like the other overload, without options.
  void set_metadata(step_id id, const std::string& kind, const json& values,
                    const metadata_target& target = {}, metadata_change change = metadata_change::set);

 private:
  template <class Result, class Body>
  auto start_body(step_options&& options, Body body) {
    return start_run<Result>(
        std::move(options), step_kind::run, [] { return plan_of(); },
        [body = std::move(body)](const execution::step_call& at, std::string& out) mutable {
          detail::run_body(body, at.deadline, at.stop, out);
        });
  }

  template <class Describe>
  void fall_asleep(step_options options, const Describe& describe) {
    auto call = ask_server(std::move(options), step_kind::sleep, [&](const execution::step_call& at) {
      return protocol::operation{.name = describe(at)};
    });
    replay_->read_memo(call, false,
                       [&](const protocol::memo& memo) { replay_->failure_thrower()(memo, call.id); });
  }

  [[noreturn]] static void refuse_sleep(const execution::step_call& call, const std::string& how_long);

  static std::string timeout_text(const execution::step_call& call, duration_ms timeout);

  template <event_type Event>
  protocol::operation describe_wait(const execution::step_call& call, const wait_options& wait) const {
    const std::string expression = detail::matching_expression(wait.expression, wait.match);
    const detail::expression_events events{.event = events_, .async = detail::shapes_of_events<Event>()};
    std::string faulty = "the expression of its wait (" + wait.expression + ")";
    try {
      if (!wait.expression.empty()) check_expression(wait.expression, expression_policy::all, events);
      faulty = "the match of its wait (" + wait.match.text() + ")";
      detail::check_match(wait.match.of_event(), "event", events);
      detail::check_match(wait.match.of_async(), "async", events);
      faulty = "the expression of its wait (" + expression + ")";
      if (!expression.empty()) check_expression(expression);  // both combined may be nested too deeply
    } catch (const expression_error& problem) {
      throw step_options_error(call.id, faulty + ": " + problem.what());
    }
    detail::json_object_text text;
    text.add_exact("event", Event::name).add("timeout", timeout_text(call, wait.timeout));
    if (!expression.empty()) text.add_exact("if", expression);
    return {.options = text.text()};
  }

  template <class Output, class Data>
  Output invoke_slug(step_options options, const std::string& slug, const Data& data,
                     const invoke_options& invoke) {
    const bool is_hooked = !replay_->hooks().empty();
    std::string input = is_hooked ? encode(data, "data") : "";  // only middleware needs it before `describe`
    const auto describe = [&](const execution::step_call& at) {
      const std::string text = is_hooked ? input : encode(data, "data");
      detail::json_object_text out;
      out.add_exact("function_id", slug).add_raw("payload", invoke_payload(text, invoke));
      if (invoke.timeout) out.add("timeout", timeout_text(at, *invoke.timeout));
      return protocol::operation{.options = out.text()};
    };
    auto call = ask_server(std::move(options), step_kind::invoke, describe, &input);
    return detail::read_memo<Output>(*replay_, call);
  }

  std::string invoke_payload(std::string_view data, const invoke_options& invoke) const;

  void send_metadata(step_options options, const metadata_target& target, const std::string& metadata);

  std::span<const detail::event_shape> events_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/step.ipp>
#endif
