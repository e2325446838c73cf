#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/sql_outbox.hpp>
#include <inngest/sql_outbox/sql.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of a relay.
struct sql_relay_options {
  /// The tables that it reads.
  sql_outbox outbox{};
  /// The maximum number of events in one request: 1 to 5000, a server's limit.
  std::size_t batch_events = 500;
  /// The approximate maximum size in bytes of the events in one request.
  std::size_t batch_bytes = 1024 * 1024;
  /// How often it polls for events if nothing wakes it.
  std::chrono::milliseconds poll = std::chrono::seconds(1);
  /// The delay after the first failure. It doubles with every further failure, up to `max_backoff`.
  std::chrono::milliseconds backoff = std::chrono::milliseconds(500);
  /// The maximum delay.
  std::chrono::milliseconds max_backoff = std::chrono::seconds(30);
  /// How often the server may reject an event before it is given up: see sql_outbox::dead(). Attempts that no
  /// server answers do not count.
  int max_attempts = 5;
  /// How long sent events are kept in the table `..._sent`; 0 deletes them as soon as they are sent.
  std::chrono::milliseconds keep_sent{};
  /// How long events that were given up are kept. Default: forever.
  std::optional<std::chrono::milliseconds> keep_dead{};
  /// How long the records of transactional steps are kept. An older run that repeats such a step would
  /// execute it again. Those that sql_outbox::forget_steps() has emptied are kept for at most a day.
  std::chrono::milliseconds keep_steps = std::chrono::hours(24 * 30);
};

/// The state of a relay.
struct sql_relay_status {
  /// The waiting and dead events at the last check, which happens about every second.
  outbox_depth depth{};
  /// The number of events that it has sent.
  std::int64_t sent = 0;
  /// The number of events that it has given up.
  std::int64_t given_up = 0;
  /// Whether it is connected to the database.
  bool is_connected = false;
  /// Whether it sends. False while another process sends, which happens only with SQLite.
  bool is_sending = false;
  /// The last error; empty when the last attempt succeeded.
  std::string problem{};
};

/// Sends the events of a sql_outbox to the client's server or embedded engine.
///
///     inngest::sql_relay relay(app, inngest::postgresql("dbname=shop"));
///     relay.start();
///
/// An event leaves the table after the server has accepted it. A relay that dies in between sends the event
/// again with the same id, which servers and engines drop for 24 hours. Several processes may each run a
/// relay. It reconnects when the database connection is lost, and waits while no server answers.
///
/// An event that the server rejects is retried, blocks only its own stream, and is given up after
/// sql_relay_options::max_attempts. Thread-safe.
class sql_relay {
 public:
  /// Does not connect yet.
  /// \throws configuration_error for invalid options.
  sql_relay(client app, sql_connector connect, sql_relay_options options = {});
  /// Calls stop().
  ~sql_relay();
  sql_relay(const sql_relay&) = delete;
  sql_relay& operator=(const sql_relay&) = delete;

  /// Sends on its own thread until stop(). Does nothing when it is already running.
  void start();
  /// Stops the thread of start(), and waits for the request in progress.
  void stop();
  /// Sends on this thread until a stop is requested. A concurrent call waits its turn.
  void run(const stop_token& stop);

  /// Sends what is due now, and returns how many events were sent.
  /// \throws configuration_error also while the relay runs: it sends by itself until stop().
  /// \throws sql_error, unreachable, unauthorized, protocol_error.
  std::size_t flush();

  /// The relay's state, for metrics and health checks. Does not query the database.
  [[nodiscard]] sql_relay_status status() const;

 private:
  using duration = std::chrono::milliseconds;
  using clock = std::chrono::steady_clock;
  struct judged_events;

  void run_in_turn(const stop_token& stop);
  bool send_or_note(const stop_token& stop);
  void pause(const stop_token& stop);

  sql_connection& connected();
  /// Whether this relay may send: see sql_connection::may_send().
  bool may_send(sql_connection& database);
  std::size_t send_batch(sql_connection& database, const stop_token& stop);
  judged_events claim_and_send(sql_connection& database, const stop_token& stop);
  judged_events send_events(const std::vector<outbox_event>& events, const stop_token& stop);
  bool are_sent_together(const std::vector<outbox_event>& events, judged_events& out);
  void send_one_by_one(const std::vector<outbox_event>& events, judged_events& out, const stop_token& stop);
  bool is_sent_alone(outbox_event& event);
  static std::vector<any_event> read(const std::vector<outbox_event>& events);
  void settle(sql_connection& database, const judged_events& judged);
  void settle_refused(sql_connection& database, const outbox_event& event);

  void keep_house(sql_connection& database);
  void clean(sql_connection& database);
  void forget_old(sql_connection& database, std::string_view records, duration age);
  void note_sent(std::size_t count);
  void note_success();
  void note_failure(const std::string& problem);
  duration backoff_after(int failures) const;

  const client app_;
  const sql_connector connect_;
  const sql_relay_options options_;

  std::mutex turn_;  // held while sending; guards the members up to status_mutex_
  std::unique_ptr<sql_connection> connection_;
  int failures_ = 0;
  std::size_t max_events_;  // in the next batch
  clock::time_point next_count_{};
  clock::time_point next_cleaning_{};
  detail::log_limiter repeated_;

  mutable std::mutex status_mutex_;  // guards status_
  sql_relay_status status_;

  std::mutex thread_mutex_;  // guards thread_ and stop_
  stop_source stop_{nostopstate};
  std::thread thread_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/sql_outbox/impl/relay.ipp>
#endif
