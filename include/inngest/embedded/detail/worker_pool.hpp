#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/worker_registration.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/operation.hpp>

// The workers connected to a gateway, and the calls that they make for the engine. It uses no sockets: a
// connection is a worker_link. Thread-safe; it never calls the engine.

namespace inngest::inline INNGEST_ABI::embedded {

/// How the pool sends to a worker. May be used by any thread, and returns immediately.
class worker_link {
 public:
  virtual ~worker_link() = default;
  /// Sends a frame. Does nothing if the connection was closed.
  virtual void send(std::string frame) = 0;
};

/// The frame of a message.
inline std::string frame_of(connect::detail::message_kind kind, std::string payload = {}) {
  return connect::detail::encode(
      connect::detail::connect_message{.kind = kind, .payload = std::move(payload)});
}

/// A worker's connection.
struct connected_worker {
  std::string connection_id{};
  /// Identifies the worker. It is the same for the worker's next connection.
  std::string instance_id{};
  std::vector<worker_app> apps{};
  /// The maximum number of calls that the worker makes at the same time; 0 means no limit.
  std::int64_t max_concurrency = 0;
  std::string sdk_language{};
  std::string sdk_version{};
  connect::detail::system_attributes system{};
  std::weak_ptr<worker_link> link{};
};

struct worker_pool_options {
  std::chrono::milliseconds heartbeat_interval{};
  std::chrono::milliseconds ack_timeout{};
  std::chrono::milliseconds lease{};
  std::chrono::milliseconds lease_grace{};
  std::chrono::milliseconds call_timeout{};
};

class worker_pool : public std::enable_shared_from_this<worker_pool> {
 public:
  using clock = std::chrono::steady_clock;
  using status = connect::detail::connection_status;

  /// A description of a connection, for users.
  struct shown_worker {
    connected_worker worker{};
    status at = status::connected;
    std::chrono::system_clock::time_point heard_at{};
  };

  explicit worker_pool(worker_pool_options options) : options_(options) {}

  // ---- workers ------------------------------------------------------------------------------------------

  /// Adds a connection, which gets no calls before set_ready(). Returns false when its id is in use.
  bool add(connected_worker worker);
  void set_ready(const std::string& connection_id);
  /// Gives a connection no more calls. Those that were sent may end over it.
  void pause(const std::string& connection_id);
  /// Removes a connection. Calls that it has acknowledged continue until their lease expires, because the
  /// worker may reconnect and answer them.
  void remove(const std::string& connection_id);
  /// Records a heartbeat. Returns true when the worker, which was silent, gets calls again.
  bool note_heartbeat(const std::string& connection_id);
  std::vector<shown_worker> shown() const;
  /// The connections of an app's workers.
  connected_app connections_of(std::string_view app) const;

  // ---- calls, for the engine ----------------------------------------------------------------------------

  /// Reserves capacity of a ready worker that has the function; null when there is none.
  std::unique_ptr<app_route> route_to(const function_definition& function);

  /// Gives no more calls to any worker. Those that were sent may end: an acknowledgement may be on its way.
  void begin_to_close();
  /// Waits until no call is in progress. Returns false when the timeout passes first.
  bool wait_until_unused(std::chrono::milliseconds timeout) const;
  /// Whether a worker has lost a call to another one since the last question, so that it has room for calls.
  bool take_room() { return has_room_.exchange(false); }
  /// Ends all running calls, as if no worker had received them.
  void close();

  // ---- what workers say about calls ---------------------------------------------------------------------

  /// Does nothing if the call was meanwhile given to another connection.
  void acknowledge(const std::string& request_id, const std::string& connection_id);
  /// The next lease; `nullopt` when the worker has lost the call.
  std::optional<std::string> extend(const std::string& request_id, std::string_view lease_id);
  /// Returns false when the pool closes and no call waits for the reply: the worker must keep it.
  bool take_reply(connect::detail::sdk_response reply);

 private:
  struct worker_state {
    connected_worker worker{};
    std::map<std::string, std::string, std::less<>> app_of{};  // by function
    status at = status::connected;
    clock::time_point heard{};
    std::chrono::system_clock::time_point heard_at{};
    std::uint64_t last_use = 0;
  };

  enum class phase { sent, refused, acknowledged };

  /// A running call; the thread that makes it owns it.
  struct call_state {
    phase at = phase::sent;
    std::string connection_id{};  // that it was sent to
    std::string lease_id{};
    clock::time_point lease_end{};
    std::optional<connect::detail::sdk_response> reply{};
    std::condition_variable changed{};
  };

  /// Reserved capacity of a worker for one call.
  class place final : public app_route {
   public:
    place(std::shared_ptr<worker_pool> pool, std::string function)
        : pool_(std::move(pool)), function_(std::move(function)) {}
    ~place() override { pool_->leave(*this); }
    std::optional<http::response> call(remote_call call) override {
      return pool_->call(*this, std::move(call));
    }

   private:
    friend class worker_pool;
    std::shared_ptr<worker_pool> pool_;
    std::string function_;
    std::string connection_id_;
    std::string instance_id_;  // empty if nothing is reserved
  };

  static constexpr int max_sends = 3;  // like a server

  bool is_silent(const worker_state& state, clock::time_point now) const {
    return now - state.heard > 2 * options_.heartbeat_interval;
  }
  bool has_room(const worker_state& state) const;
  /// The least busy worker with the function; of several, the least recently used one.
  worker_state* find_worker(std::string_view function, const std::vector<std::string>& but_not);
  bool enter(place& taken, const std::vector<std::string>& but_not);
  void leave(place& left);
  void free(place& left);

  std::optional<http::response> call(place& where, remote_call made);
  bool send(place& where, const std::string& request_id, const remote_call& made, call_state& state);
  /// Waits until the worker has acknowledged the call. Returns false when it does not.
  bool is_acknowledged(std::unique_lock<std::mutex>& lock, call_state& state) const;
  std::optional<http::response> result_of(std::unique_lock<std::mutex>& lock, call_state& state) const;
  void refuse_unacknowledged(const std::string& connection_id);

  static std::string request_id_of(const remote_call& call);
  static http::response failure(const char* name, const char* message);
  static http::response response_of(connect::detail::sdk_response reply);

  static std::size_t size_of(const std::string& request_id, const connect::detail::sdk_response& reply);

  /// Stores a reply that no call is waiting for: after a restart of the engine, a worker may answer a call
  /// before the engine makes it again.
  void keep(connect::detail::sdk_response reply);
  std::optional<connect::detail::sdk_response> take_kept(const std::string& request_id);

  static constexpr std::size_t max_kept = 1000, max_kept_bytes = std::size_t{64} * 1024 * 1024;

  const worker_pool_options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable unused_;
  std::map<std::string, worker_state> workers_;                          // by connection id
  std::unordered_map<std::string, std::int64_t> used_;                   // reserved calls, by instance id
  std::unordered_map<std::string, call_state*> calls_;                   // by request id
  std::unordered_map<std::string, connect::detail::sdk_response> kept_;  // by request id
  std::deque<std::string> kept_order_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t uses_ = 0;
  bool is_closing_ = false;
  bool is_closed_ = false;
  std::atomic<bool> has_room_ = false;
};

inline bool worker_pool::add(connected_worker worker) {
  worker_state state{.heard = clock::now(), .heard_at = std::chrono::system_clock::now()};
  for (const worker_app& app : worker.apps) {
    for (const std::string& function : app.functions) state.app_of.emplace(function, app.id);
  }
  const std::string id = worker.connection_id;
  state.worker = std::move(worker);
  const std::lock_guard lock(mutex_);
  return workers_.emplace(id, std::move(state)).second;
}

inline void worker_pool::set_ready(const std::string& connection_id) {
  const std::lock_guard lock(mutex_);
  const auto found = workers_.find(connection_id);
  if (found != workers_.end() && found->second.at == status::connected) found->second.at = status::ready;
}

inline void worker_pool::pause(const std::string& connection_id) {
  const std::lock_guard lock(mutex_);
  const auto found = workers_.find(connection_id);
  if (found != workers_.end()) found->second.at = status::draining;
}

inline void worker_pool::remove(const std::string& connection_id) {
  const std::lock_guard lock(mutex_);
  if (workers_.erase(connection_id) > 0) refuse_unacknowledged(connection_id);
}

inline bool worker_pool::note_heartbeat(const std::string& connection_id) {
  const std::lock_guard lock(mutex_);
  const auto found = workers_.find(connection_id);
  if (found == workers_.end()) return false;
  const auto now = clock::now();
  const bool was_silent = is_silent(found->second, now);
  found->second.heard = now;
  found->second.heard_at = std::chrono::system_clock::now();
  return was_silent;
}

inline std::vector<worker_pool::shown_worker> worker_pool::shown() const {
  const std::lock_guard lock(mutex_);
  std::vector<shown_worker> out;
  for (const auto& [id, state] : workers_) out.push_back({state.worker, state.at, state.heard_at});
  return out;
}

inline connected_app worker_pool::connections_of(std::string_view app) const {
  const std::lock_guard lock(mutex_);
  connected_app out;
  for (const auto& [id, state] : workers_) {
    const auto& apps = state.worker.apps;
    if (std::none_of(apps.begin(), apps.end(), [&](const worker_app& served) { return served.id == app; }))
      continue;
    ++out.workers;
    out.heard_at = (std::max)(out.heard_at, std::optional(state.heard_at));
  }
  return out;
}

// ---- places ---------------------------------------------------------------------------------------------

inline bool worker_pool::has_room(const worker_state& state) const {
  const auto used = used_.find(state.worker.instance_id);
  return state.worker.max_concurrency <= 0 || used == used_.end() ||
         used->second < state.worker.max_concurrency;
}

inline worker_pool::worker_state* worker_pool::find_worker(std::string_view function,
                                                           const std::vector<std::string>& but_not) {
  const auto now = clock::now();
  worker_state* out = nullptr;
  std::pair<std::int64_t, std::uint64_t> least;
  for (auto& [id, state] : workers_) {
    if (state.at != status::ready || is_silent(state, now) || !has_room(state) ||
        !state.app_of.contains(function))
      continue;
    if (std::find(but_not.begin(), but_not.end(), id) != but_not.end()) continue;
    const auto used = used_.find(state.worker.instance_id);
    const std::pair rank(used == used_.end() ? std::int64_t{0} : used->second, state.last_use);
    if (out && rank >= least) continue;
    out = &state;
    least = rank;
  }
  return out;
}

inline bool worker_pool::enter(place& taken, const std::vector<std::string>& but_not) {
  worker_state* found = is_closing_ ? nullptr : find_worker(taken.function_, but_not);
  if (!found) return false;
  found->last_use = ++uses_;
  taken.connection_id_ = found->worker.connection_id;
  taken.instance_id_ = found->worker.instance_id;
  ++used_[taken.instance_id_];
  return true;
}

inline void worker_pool::free(place& left) {
  const auto used = used_.find(left.instance_id_);
  if (used != used_.end() && --used->second == 0) used_.erase(used);
  left.instance_id_.clear();
}

inline void worker_pool::leave(place& left) {
  const std::lock_guard lock(mutex_);
  if (!left.instance_id_.empty()) free(left);
}

inline std::unique_ptr<app_route> worker_pool::route_to(const function_definition& function) {
  auto out = std::make_unique<place>(shared_from_this(), function.slug);
  const std::lock_guard lock(mutex_);
  if (!enter(*out, {})) return nullptr;
  return out;
}

// ---- calls ----------------------------------------------------------------------------------------------

inline std::optional<http::response> worker_pool::call(place& where, remote_call made) {
  const std::string request_id = request_id_of(made);
  call_state state;
  std::unique_lock lock(mutex_);
  if (auto early = take_kept(request_id)) return response_of(std::move(*early));
  if (!calls_.emplace(request_id, &state).second)
    throw unreachable("call " + request_id + " is already in progress");
  struct end_of_call {
    worker_pool& pool;
    const std::string& id;
    ~end_of_call() {
      pool.calls_.erase(id);
      if (pool.calls_.empty()) pool.unused_.notify_all();
    }
  } const end{*this, request_id};
  std::vector<std::string> tried;
  while (send(where, request_id, made, state)) {
    if (is_acknowledged(lock, state)) return result_of(lock, state);
    tried.push_back(where.connection_id_);
    if (tried.size() == max_sends) break;
    free(where);
    has_room_ = true;
    if (!enter(where, tried)) break;
  }
  return std::nullopt;
}

inline bool worker_pool::send(place& where, const std::string& request_id, const remote_call& made,
                              call_state& state) {
  const auto found = workers_.find(where.connection_id_);
  const auto link = found == workers_.end() ? nullptr : found->second.worker.link.lock();
  state.at = link && !is_closing_ ? phase::sent : phase::refused;
  if (state.at == phase::refused) return true;  // is_acknowledged() says no
  state.connection_id = where.connection_id_;
  state.lease_id = detail::make_ulid(std::chrono::system_clock::now());
  state.lease_end = clock::now() + options_.lease;
  const std::string& app = found->second.app_of.at(where.function_);
  const connect::detail::executor_request request{.request_id = request_id,
                                                  .account_id = "00000000-0000-4000-a000-000000000000",
                                                  .env_id = "00000000-0000-4000-b000-000000000000",
                                                  .app_id = uuid_of(app),
                                                  .app_name = app,
                                                  .function_id = uuid_of(where.function_),
                                                  .function_slug = where.function_,
                                                  .step_id = made.step,
                                                  .request_payload = made.request.body,
                                                  .system_trace_ctx = "{}",
                                                  .user_trace_ctx = "{}",
                                                  .run_id = made.run_id,
                                                  .lease_id = state.lease_id,
                                                  .job_id = std::to_string(made.job_id)};
  link->send(
      frame_of(connect::detail::message_kind::gateway_executor_request, connect::detail::encode(request)));
  return true;
}

inline bool worker_pool::is_acknowledged(std::unique_lock<std::mutex>& lock, call_state& state) const {
  const auto end = clock::now() + options_.ack_timeout;
  state.changed.wait_until(lock, end, [&] { return state.at != phase::sent || state.reply || is_closed_; });
  return state.at == phase::acknowledged || state.reply;
}

inline std::optional<http::response> worker_pool::result_of(std::unique_lock<std::mutex>& lock,
                                                            call_state& state) const {
  const auto latest = clock::now() + options_.call_timeout;
  while (true) {
    if (state.reply) return response_of(std::move(*state.reply));
    if (is_closed_) return std::nullopt;
    const auto now = clock::now();
    const auto lost = state.lease_end + options_.lease_grace;
    if (now >= lost)
      return failure("connect_worker_stopped_responding", "The worker stopped responding to the request.");
    if (now >= latest)
      return failure("request_too_long",
                     "The worker took longer than the maximum request duration to respond to the request.");
    state.changed.wait_until(lock, (std::min)(lost, latest));
  }
}

inline void worker_pool::refuse_unacknowledged(const std::string& connection_id) {
  for (const auto& [id, state] : calls_) {
    if (state->at != phase::sent || state->connection_id != connection_id) continue;
    state->at = phase::refused;
    state->changed.notify_all();
  }
}

inline void worker_pool::acknowledge(const std::string& request_id, const std::string& connection_id) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(request_id);
  if (found == calls_.end() || found->second->at != phase::sent) return;
  if (found->second->connection_id != connection_id) return;
  found->second->at = phase::acknowledged;
  found->second->lease_end = clock::now() + options_.lease;
  found->second->changed.notify_all();
}

inline std::optional<std::string> worker_pool::extend(const std::string& request_id,
                                                      std::string_view lease_id) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(request_id);
  if (found == calls_.end()) return std::nullopt;
  call_state& state = *found->second;
  const auto now = clock::now();
  if (state.lease_id != lease_id || state.reply || now >= state.lease_end) return std::nullopt;
  state.lease_id = detail::make_ulid(std::chrono::system_clock::now());
  state.lease_end = now + options_.lease;
  return state.lease_id;
}

inline bool worker_pool::take_reply(connect::detail::sdk_response reply) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(reply.request_id);
  if (found == calls_.end()) {
    if (is_closing_) return false;
    keep(std::move(reply));
  } else if (!found->second->reply) {  // several workers may have made the call
    found->second->reply = std::move(reply);
    found->second->changed.notify_all();
  }
  return true;
}

inline std::size_t worker_pool::size_of(const std::string& request_id,
                                        const connect::detail::sdk_response& reply) {
  const std::size_t retry_after = reply.retry_after ? reply.retry_after->size() : 0;
  return 2 * request_id.size() + reply.body.size() + retry_after + reply.sdk_version.size();
}

inline void worker_pool::keep(connect::detail::sdk_response reply) {
  // The worker's call was overtaken. As an answer, this would use up the call that is made again.
  if (reply.status == connect::detail::response_status::not_completed && reply.body == protocol::no_news)
    return;
  const std::string id = reply.request_id;
  // Only what response_of() reads, so that the limit of bytes holds for all that is kept.
  reply = {.status = reply.status,
           .body = std::move(reply.body),
           .no_retry = reply.no_retry,
           .retry_after = std::move(reply.retry_after),
           .sdk_version = std::move(reply.sdk_version),
           .request_version = reply.request_version};
  const std::size_t size = size_of(id, reply);
  if (size > max_kept_bytes || !kept_.emplace(id, std::move(reply)).second) return;
  kept_order_.push_back(id);
  kept_bytes_ += size;
  while (kept_order_.size() > max_kept || kept_bytes_ > max_kept_bytes) {
    take_kept(std::string(kept_order_.front()));
  }
}

inline std::optional<connect::detail::sdk_response> worker_pool::take_kept(const std::string& request_id) {
  auto found = kept_.extract(request_id);
  if (found.empty()) return std::nullopt;
  kept_bytes_ -= size_of(request_id, found.mapped());
  kept_order_.erase(std::find(kept_order_.begin(), kept_order_.end(), request_id));
  return std::move(found.mapped());
}

inline void worker_pool::begin_to_close() {
  const std::lock_guard lock(mutex_);
  is_closing_ = true;
}

inline bool worker_pool::wait_until_unused(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return unused_.wait_for(lock, timeout, [&] { return calls_.empty(); });
}

inline void worker_pool::close() {
  const std::lock_guard lock(mutex_);
  is_closing_ = is_closed_ = true;
  for (const auto& [id, state] : calls_) state->changed.notify_all();
}

inline std::string worker_pool::request_id_of(const remote_call& call) {
  // The same in the next process, so that it recognizes a worker's late reply.
  const auto digest = detail::hmac_sha256("request", call.run_id + ":", std::to_string(call.job_id));
  std::array<std::uint8_t, 16> chance{};
  std::copy_n(digest.begin(), chance.size(), chance.begin());
  std::string out = detail::make_ulid({}, chance);
  if (call.run_id.size() == out.size()) out.replace(0, 10, call.run_id, 0, 10);  // the run's time
  return out;
}

inline http::response worker_pool::failure(const char* name, const char* message) {
  http::response out{.status = 500,
                     .body = detail::json_object_text().add("name", name).add("message", message).text()};
  out.headers.add(protocol::header::sdk, protocol::sdk_name);  // a protocol error, not a proxy's
  return out;
}

inline http::response worker_pool::response_of(connect::detail::sdk_response reply) {
  using connect::detail::response_status;
  http::response out{.status = 500};
  // Only errors have no_retry. For an error that must not be retried, which is status 400 over HTTP, the
  // TypeScript SDK sends `done`.
  if (reply.status == response_status::done && !reply.no_retry) out.status = 200;
  if (reply.status == response_status::not_completed) out.status = 206;
  out.headers.add(protocol::header::sdk, std::move(reply.sdk_version));
  if (reply.request_version > 0)
    out.headers.add(protocol::header::request_version, std::to_string(reply.request_version));
  if (reply.no_retry) out.headers.add(protocol::header::no_retry, "true");
  if (reply.retry_after) out.headers.add(protocol::header::retry_after, std::move(*reply.retry_after));
  out.body = std::move(reply.body);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
