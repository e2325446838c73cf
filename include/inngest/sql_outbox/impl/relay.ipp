#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <set>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/sql_outbox/relay.hpp>

namespace inngest::inline INNGEST_ABI {

/// The result of sending a batch.
struct sql_relay::judged_events {
  std::vector<std::int64_t> sent{};
  std::vector<outbox_event> refused{};
  /// The event that was sent alone and that no server answered.
  std::optional<outbox_event> unanswered{};
  /// Why some events were not tried, if no event caused it.
  std::exception_ptr problem{};
};

INNGEST_INLINE sql_relay::sql_relay(client app, sql_connector connect, sql_relay_options options)
    : app_(std::move(app)),
      connect_(std::move(connect)),
      options_(std::move(options)),
      max_events_(options_.batch_events) {
  using namespace std::chrono_literals;
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw configuration_error(std::string("the options of a sql_relay: ") + what);
  };
  require(connect_ != nullptr,
          "it has no connector: pass inngest::postgresql(...) or inngest::sqlite_file(...)");
  require(options_.batch_events >= 1 && options_.batch_events <= 5000, "batch_events must be from 1 to 5000");
  require(options_.batch_bytes >= 1, "batch_bytes must not be 0");
  require(options_.poll >= 1ms && options_.poll <= 24h, "poll must be from 1 ms to a day");
  require(options_.backoff >= 1ms && options_.backoff <= options_.max_backoff && options_.max_backoff <= 24h,
          "backoff must be from 1 ms to max_backoff, and that at most a day");
  require(options_.max_attempts >= 1, "max_attempts must be at least 1");
  require(options_.keep_sent >= 0ms && options_.keep_steps > 0ms && options_.keep_dead.value_or(1ms) > 0ms,
          "the times to keep records must not be negative, and those of steps and dead events not 0");
}

INNGEST_INLINE sql_relay::~sql_relay() { stop(); }

INNGEST_INLINE void sql_relay::start() {
  const std::lock_guard lock(thread_mutex_);
  if (thread_.joinable()) return;
  stop_ = stop_source();
  thread_ = std::thread([this, stop = stop_.get_token()] { run(stop); });
}

INNGEST_INLINE void sql_relay::stop() {
  const std::lock_guard lock(thread_mutex_);
  if (!thread_.joinable()) return;
  stop_.request_stop();
  thread_.join();
}

INNGEST_INLINE void sql_relay::run(const stop_token& stop) {
  std::unique_lock turn(turn_, std::try_to_lock);
  while (!turn && !stop.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    static_cast<void>(turn.try_lock());
  }
  if (!turn) return;
  try {
    run_in_turn(stop);
  } catch (...) {  // for example out of memory while handling an error
    app_.log().error("a relay ended because of an exception that it can't handle");
  }
  connection_ = nullptr;
  const std::lock_guard lock(status_mutex_);
  status_.is_connected = status_.is_sending = false;
}

INNGEST_INLINE std::size_t sql_relay::flush() {
  {
    const std::lock_guard lock(thread_mutex_);
    if (thread_.joinable())
      throw configuration_error("sql_relay::flush: the relay was started, and sends by itself until stop()");
  }
  const std::lock_guard turn(turn_);
  std::size_t all = 0;
  try {
    sql_connection& database = connected();
    if (!may_send(database)) return 0;
    while (const std::size_t count = send_batch(database, {})) all += count;
    keep_house(database);
  } catch (const sql_error&) {
    connection_ = nullptr;
    throw;
  }
  return all;
}

INNGEST_INLINE sql_relay_status sql_relay::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

// ---- the loop ---------------------------------------------------------------------------------------------

INNGEST_INLINE void sql_relay::run_in_turn(const stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!send_or_note(stop)) pause(stop);
  }
}

/// Sends a batch, or waits for events. Returns false after a failure.
INNGEST_INLINE bool sql_relay::send_or_note(const stop_token& stop) {
  try {
    sql_connection& database = connected();
    const bool is_idle = !may_send(database) || send_batch(database, stop) == 0;
    keep_house(database);
    if (is_idle && !database.prepare_to_wait()) database.wait(options_.poll, stop);
    return true;
  } catch (const sql_error& problem) {
    connection_ = nullptr;  // a new connection has no unfinished transaction
    note_failure(problem.what());
  } catch (const std::exception& problem) {
    note_failure(problem.what());
  } catch (...) {
    note_failure("something was thrown that is not a std::exception");
  }
  return false;
}

INNGEST_INLINE void sql_relay::pause(const stop_token& stop) {
  std::mutex mutex;
  std::condition_variable stopped;
  const stop_callback wake(stop, [&] {
    { const std::lock_guard lock(mutex); }
    stopped.notify_all();
  });
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, backoff_after(failures_), [&] { return stop.stop_requested(); });
}

INNGEST_INLINE sql_connection& sql_relay::connected() {
  if (connection_) return *connection_;
  auto made = connect_();
  if (!made) throw sql_error("the connector of a relay returned no connection");
  made->listen(options_.outbox.channel());
  connection_ = std::move(made);
  const std::lock_guard lock(status_mutex_);
  status_.is_connected = true;
  return *connection_;
}

INNGEST_INLINE bool sql_relay::may_send(sql_connection& database) {
  const bool may = database.may_send();
  const std::lock_guard lock(status_mutex_);
  return status_.is_sending = may;
}

// ---- a batch ----------------------------------------------------------------------------------------------

INNGEST_INLINE std::size_t sql_relay::send_batch(sql_connection& database, const stop_token& stop) {
  judged_events judged;
  try {
    judged = claim_and_send(database, stop);
  } catch (...) {
    connection_ = nullptr;  // perhaps in the middle of a transaction
    throw;
  }
  note_sent(judged.sent.size());
  if (judged.problem) std::rethrow_exception(judged.problem);
  note_success();
  return judged.sent.size() + judged.refused.size();
}

INNGEST_INLINE sql_relay::judged_events sql_relay::claim_and_send(sql_connection& database,
                                                                  const stop_token& stop) {
  const sql_dialect& dialect = database.dialect();
  const sql_outbox& outbox = options_.outbox;
  const auto begin = [&] { database.execute({std::string(dialect.begin_relay)}); };
  const duration longest = 2 * options_.max_backoff;  // see settle()
  const auto claim = outbox.claim_query(dialect, longest);
  std::optional<sql_rows> lanes;
  if (claim) {  // the claim lasts until the end of the transaction or of this process
    begin();
    lanes = database.execute(*claim);
  }
  std::vector<outbox_event> events;
  if (!lanes || !lanes->empty()) {
    events = sql_outbox::read_events(
        database.execute(outbox.batch_query(dialect, lanes, max_events_, options_.batch_bytes, longest)));
  }
  if (events.empty()) {
    if (claim) database.execute({"ROLLBACK"});
    return {};
  }
  judged_events judged = send_events(events, stop);
  if (!claim) begin();
  settle(database, judged);
  database.execute({"COMMIT"});
  return judged;
}

INNGEST_INLINE std::vector<any_event> sql_relay::read(const std::vector<outbox_event>& events) {
  std::vector<any_event> out;
  out.reserve(events.size());
  for (const outbox_event& event : events) {
    out.push_back(any_event::from_text(event.event));
    if (out.back().id().empty()) out.back().set_id(event.event_id);
    out.back().set_missing_ts(event.added_at);
  }
  return out;
}

/// Sends all events in one request. Events that failed before, and later events of their streams, are sent
/// after that one at a time, so that they can't make the others fail.
INNGEST_INLINE sql_relay::judged_events sql_relay::send_events(const std::vector<outbox_event>& events,
                                                               const stop_token& stop) {
  std::vector<outbox_event> fresh, suspect;
  std::set<std::string> suspected;  // streams
  for (const outbox_event& event : events) {
    const bool is_suspect = !event.reason.empty() || suspected.contains(event.stream);
    if (is_suspect && !event.stream.empty()) suspected.insert(event.stream);
    (is_suspect ? suspect : fresh).push_back(event);
  }
  judged_events out;
  if (!are_sent_together(fresh, out)) send_one_by_one(fresh, out, stop);
  if (out.problem) return out;
  send_one_by_one(suspect, out, stop);
  const bool is_answering = out.sent.size() + out.refused.size() > 0;
  if (is_answering) {
    out.problem = nullptr;
    max_events_ = (std::min)(max_events_ * 2, options_.batch_events);
  }
  return out;
}

/// When no server answers, the next requests are smaller, because one of the events may be the cause. Returns
/// false when the events must be sent one at a time.
INNGEST_INLINE bool sql_relay::are_sent_together(const std::vector<outbox_event>& events,
                                                 judged_events& out) {
  if (events.size() < 2) return false;
  try {
    app_.send_once(read(events));
    for (const outbox_event& event : events) out.sent.push_back(event.number);
    return true;
  } catch (const event_rejected&) {
  } catch (const too_large&) {
  } catch (const payload_error&) {
  } catch (const configuration_error&) {  // perhaps caused by one event's name
  } catch (...) {
    max_events_ = (events.size() + 1) / 2;
    out.problem = std::current_exception();
    return true;
  }
  return false;
}

/// After a stop was requested, the rest is left for the next batch.
INNGEST_INLINE void sql_relay::send_one_by_one(const std::vector<outbox_event>& events, judged_events& out,
                                               const stop_token& stop) {
  std::set<std::string> held_up;  // blocked streams
  for (outbox_event event : events) {
    if (stop.stop_requested()) return;
    if (held_up.contains(event.stream)) continue;
    try {
      if (is_sent_alone(event)) {
        out.sent.push_back(event.number);
        continue;
      }
      if (!event.stream.empty()) held_up.insert(event.stream);
      out.refused.push_back(std::move(event));
    } catch (const std::exception& problem) {
      event.reason = problem.what();
      out.unanswered = std::move(event);
      out.problem = std::current_exception();
      return;
    }
  }
}

/// \throws errors that the event has not caused.
INNGEST_INLINE bool sql_relay::is_sent_alone(outbox_event& event) {
  std::vector<any_event> list;
  try {
    list = read({event});
    app_.send_once(std::move(list));
    return true;
  } catch (const event_rejected& problem) {
    event.reason = problem.what();
  } catch (const too_large& problem) {
    event.reason = problem.what();
  } catch (const payload_error& problem) {
    event.reason = problem.what();
  } catch (const configuration_error& problem) {
    if (!list.empty()) throw;  // the client's error: it has no event key
    event.reason = problem.what();
  }
  ++event.attempts;
  return false;
}

// ---- the result -------------------------------------------------------------------------------------------

INNGEST_INLINE void sql_relay::settle(sql_connection& database, const judged_events& judged) {
  const sql_dialect& dialect = database.dialect();
  const sql_outbox& outbox = options_.outbox;
  if (!judged.sent.empty()) {
    if (options_.keep_sent > duration::zero())
      database.execute(outbox.keep_sent_statement(dialect, judged.sent));
    database.execute(outbox.remove_statement(judged.sent));
  }
  for (const outbox_event& event : judged.refused) settle_refused(database, event);
  if (!judged.unanswered) return;
  // The event lets others go first, because it may be what makes the server fail. The older it is, the longer
  // it waits.
  const auto age =
      std::chrono::floor<duration>(std::chrono::system_clock::now() - judged.unanswered->added_at);
  // At least as long as the relay's next pause, so that another event is sent first after it.
  const duration least = 2 * backoff_after(failures_ + 1);
  database.execute(outbox.postpone_statement(
      dialect, *judged.unanswered, (std::max)(least, (std::min)(duration(age / 2), options_.max_backoff))));
}

INNGEST_INLINE void sql_relay::settle_refused(sql_connection& database, const outbox_event& event) {
  const sql_dialect& dialect = database.dialect();
  const sql_outbox& outbox = options_.outbox;
  if (event.attempts < options_.max_attempts) {
    database.execute(outbox.postpone_statement(dialect, event, backoff_after(event.attempts)));
    return;
  }
  database.execute(outbox.bury_statement(dialect, event));
  database.execute(outbox.remove_statement({event.number}));
  app_.log().error("the event " + event.event_id + " was given up after " + std::to_string(event.attempts) +
                   " attempts and stored in \"" + outbox.table() + "_dead\": " + event.reason);
  const std::lock_guard lock(status_mutex_);
  ++status_.given_up;
}

INNGEST_INLINE void sql_relay::keep_house(sql_connection& database) {
  const sql_dialect& dialect = database.dialect();
  const sql_outbox& outbox = options_.outbox;
  const auto now = clock::now();
  if (now >= next_count_) {
    next_count_ = now + std::chrono::minutes(1);  // if it fails: to count is not worth a pause
    const auto depth = sql_outbox::read_depth(database.execute(outbox.depth_query(dialect)));
    const auto took = clock::now() - now;  // do not spend all the time counting a long table
    next_count_ = now + (std::max)(clock::duration(std::chrono::seconds(1)), 20 * took);
    const std::lock_guard lock(status_mutex_);
    status_.depth = depth;
  }
  if (now < next_cleaning_ || !may_send(database)) return;
  next_cleaning_ = now + std::chrono::minutes(1);
  clean(database);
  const auto took = clock::now() - now;  // to find emptied steps, it reads all steps older than a day
  next_cleaning_ = (std::max)(next_cleaning_, now + 20 * took);
}

INNGEST_INLINE void sql_relay::clean(sql_connection& database) {
  if (options_.keep_sent > duration::zero()) forget_old(database, "sent", options_.keep_sent);
  if (options_.keep_dead) forget_old(database, "dead", *options_.keep_dead);
  forget_old(database, "steps", options_.keep_steps);
  forget_old(database, "emptied steps", std::chrono::hours(24));  // see sql_outbox::forget_steps()
}

/// Queries first, so that it does not wait for writers when there is nothing to do.
INNGEST_INLINE void sql_relay::forget_old(sql_connection& database, std::string_view records, duration age) {
  const sql_dialect& dialect = database.dialect();
  if (database.execute(options_.outbox.old_query(dialect, records, age)).empty()) return;
  database.execute(options_.outbox.forget_statement(dialect, records, age));
}

INNGEST_INLINE void sql_relay::note_sent(std::size_t count) {
  const std::lock_guard lock(status_mutex_);
  status_.sent += static_cast<std::int64_t>(count);
}

INNGEST_INLINE void sql_relay::note_success() {
  if (failures_ > 0) app_.log().info("the relay of \"" + options_.outbox.table() + "\" is sending again");
  failures_ = 0;
  const std::lock_guard lock(status_mutex_);
  status_.problem.clear();
}

INNGEST_INLINE void sql_relay::note_failure(const std::string& problem) {
  ++failures_;
  if (failures_ == 1 || repeated_.pass(0)) {
    app_.log().warn("the relay of \"" + options_.outbox.table() + "\" can't send and will retry: " + problem);
  }
  const std::lock_guard lock(status_mutex_);
  status_.problem = problem;
  if (!connection_) status_.is_connected = status_.is_sending = false;
}

INNGEST_INLINE sql_relay::duration sql_relay::backoff_after(int failures) const {
  duration out = options_.backoff;
  for (int at = 1; at < failures && out < options_.max_backoff; ++at) out *= 2;
  return (std::min)(out, options_.max_backoff);
}

}  // namespace inngest::inline INNGEST_ABI
