#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/transport/httplib.hpp>

#include "matrix/step_kinds.hpp"
#include "matrix/step_kinds_world.hpp"
#include "support/free_port.hpp"

// Where the functions of the matrix run: engines on each store, with the functions in their process or in an
// app over HTTP. An engine's time is the system's and what the test adds to it.

namespace step_kinds {

namespace embedded = inngest::embedded;

// ---- stores ---------------------------------------------------------------------------------------------

/// Where a case's store is: outlives processes.
class place {
 public:
  virtual ~place() = default;
  virtual std::shared_ptr<embedded::store> open() = 0;
  /// From now on open() gives what a process would leave that is killed now.
  virtual void kill() {}
};

template <>
struct store_row<embedded::memory_store> {
  static constexpr std::string_view name = "memory";
  struct where final : place {
    std::shared_ptr<embedded::memory_store> kept = std::make_shared<embedded::memory_store>();
    std::shared_ptr<embedded::store> open() override { return kept; }
  };
};

template <>
struct store_row<embedded::sqlite_store> {
  static constexpr std::string_view name = "SQLite";
  struct where final : place {
    where() {
      std::filesystem::remove_all(folder);  // of an earlier process with this number that was killed
      std::filesystem::create_directories(folder);
    }
    ~where() override {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
    std::shared_ptr<embedded::store> open() override {
      return std::make_shared<embedded::sqlite_store>(
          embedded::sqlite_options{.path = file, .sync = embedded::sqlite_options::synchronous::normal});
    }
    void kill() override {
      const auto copy = folder / "copy.db";
      std::filesystem::copy_file(file, copy);
      if (std::filesystem::exists(file.string() + "-wal"))
        std::filesystem::copy_file(file.string() + "-wal", copy.string() + "-wal");
      file = copy;
    }

    /// In memory where there is such a place: the disk is not what is tried here.
    static std::filesystem::path next_folder() {
      static std::atomic<int> number{0};
      const std::filesystem::path shared = "/dev/shm";
      std::error_code ignored;
      return (std::filesystem::is_directory(shared, ignored) ? shared
                                                             : std::filesystem::temp_directory_path()) /
             ("inngest-matrix-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
    }
    std::filesystem::path folder = next_folder();
    std::filesystem::path file = folder / "engine.db";
  };
};

/// A store's name and how a place for it is made.
struct store_entry {
  std::string_view name;
  std::function<std::unique_ptr<place>()> make;
};

/// Every store of the library.
inline const std::vector<store_entry>& stores() {
#define INNGEST_TEST_STORE_ENTRY(store)         \
  store_entry{store_row<embedded::store>::name, \
              [] { return std::unique_ptr<place>(std::make_unique<store_row<embedded::store>::where>()); }},
  static const std::vector<store_entry> all{INNGEST_TEST_STORES(INNGEST_TEST_STORE_ENTRY)};
#undef INNGEST_TEST_STORE_ENTRY
  return all;
}

// ---- hosts ----------------------------------------------------------------------------------------------

/// Makes the functions of a process that begins; the first is the one that is looked at.
using make_functions = std::function<std::vector<inngest::any_function>(const inngest::client&)>;

/// What became of a run.
struct outcome {
  embedded::run_status status{};
  std::string output{};  // JSON
  std::string error{};
  std::string timeline{};
};

class host {
 public:
  virtual ~host() = default;
  virtual std::string begin(const inngest::any_event& event) = 0;
  virtual void send(const inngest::any_event& event) = 0;
  virtual void signal(const std::string& name, const inngest::json& data) = 0;
  virtual bool cancel(const std::string& run) = 0;
  virtual void pass_time(std::chrono::milliseconds time) = 0;
  virtual void restart() = 0;
  virtual void kill() = 0;
  virtual outcome look_at(const std::string& run) = 0;
  /// How often something of the kind is in the run's timeline.
  virtual int count(const std::string& run, embedded::progress what) = 0;
  virtual bool waits_until(const std::function<bool()>& condition) = 0;
  /// Whether all is done, for all runs.
  virtual bool becomes_idle() = 0;
  /// What is left in the store of runs that have ended; empty when nothing is.
  virtual std::string leftovers() = 0;
};

inline inngest::client_options quiet(const std::string& id) {
  return {.id = id,
          .mode = inngest::mode::dev,
          .send_attempts = 1,
          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
          .environment = [](const char*) { return std::nullopt; }};
}

/// Holds and fails the engine's requests for steps as bodies, and makes them.
class held_requests final : public inngest::http::transport {
 public:
  explicit held_requests(world& at) : at_(at) {}
  inngest::http::response send(const inngest::http::request& request,
                               std::chrono::milliseconds timeout) override {
    if (!at_.is(disturbance::step_timed_out)) at_.visit();
    return real_.send(request, timeout);
  }

 private:
  world& at_;
  inngest::httplib_transport real_{};
};

class engine_host final : public host {
 public:
  /// \param over_http The functions are those of an app with a socket of its own.
  engine_host(std::unique_ptr<place> where, world& at, bool over_http, make_functions functions)
      : place_(std::move(where)), at_(at), over_http_(over_http), functions_(std::move(functions)) {
    start();
  }
  ~engine_host() override {
    at_.release();
    stop();
  }

  std::string begin(const inngest::any_event& event) override {
    return engine_->runs_of(client_->send(event).ids.at(0)).at(0).id;
  }
  void send(const inngest::any_event& event) override { client_->send(event); }
  void signal(const std::string& name, const inngest::json& data) override {
    comes([&] { return engine_->signal(name, data.dump()).has_value(); });
  }
  bool cancel(const std::string& run) override { return engine_->cancel(run); }
  void pass_time(std::chrono::milliseconds time) override {
    ahead_ += time.count();
    client_->send(
        inngest::any_event(inngest::event<"matrix/poked", inngest::json>{}));  // it looks at its clock
  }
  void restart() override {
    stop();
    start();
  }
  void kill() override {
    place_->kill();
    restart();
  }
  outcome look_at(const std::string& run) override {
    const embedded::run found = engine_->find_run(run).value();
    return {.status = found.status,
            .output = found.output_text,
            .error = found.error ? embedded::words_of(*found.error) : "",
            .timeline = format_timeline(found)};
  }
  int count(const std::string& run, embedded::progress what) override {
    const embedded::run found = engine_->find_run(run).value();
    int out = 0;
    for (const auto& each : found.timeline) out += each.what == what ? 1 : 0;
    return out;
  }
  bool waits_until(const std::function<bool()>& condition) override { return comes(condition); }
  bool becomes_idle() override { return engine_->wait_until_idle(patience); }
  std::string leftovers() override {
    const embedded::unfinished_work left = store_->load();
    const auto words = [](std::size_t count, const char* what) {
      return count == 0 ? std::string() : std::to_string(count) + " " + what + " ";
    };
    return words(left.runs.size(), "runs") + words(left.jobs.size(), "jobs") +
           words(left.waits.size(), "waits") + words(left.events.size(), "events") +
           words(left.unreadable.size(), "unreadable records");
  }

 private:
  std::chrono::milliseconds retry_delay() const {
    return at_.is(disturbance::restarted_before_retry) ? world::long_time : 1ms;
  }

  void start() {
    store_ = place_->open();
    embedded::engine_options options{
        .workers = 6,
        .store = store_,
        .retry_delay = [this](int) { return retry_delay(); },
        .requests = std::make_shared<held_requests>(at_),
        .system_time =
            [this] { return std::chrono::system_clock::now() + std::chrono::milliseconds(ahead_); }};
    if (at_.is(disturbance::step_timed_out)) options.request_timeout = 30ms;
    if (!over_http_) {
      client_.emplace(quiet("app"));
      engine_.emplace(*client_, functions_(*client_), std::move(options));
      return;
    }
    start_app();  // first: calls of an app that can't be reached would use up attempts
    engine_.emplace(inngest::client(quiet("engine")), std::vector<inngest::any_function>(),
                    std::move(options));
    server_.emplace(*engine_, embedded::http_server_options{.port = server_port_});
    const auto synced = handler_->sync("http://127.0.0.1:" + std::to_string(app_port_) + "/api/inngest");
    if (!synced.ok) throw std::runtime_error("not registered: " + synced.message);
  }

  void start_app() {
    inngest::client_options options = quiet("app");
    options.api_base_url = "http://127.0.0.1:" + std::to_string(server_port_);
    options.event_api_base_url = options.api_base_url;
    options.transport = std::make_shared<inngest::httplib_transport>();
    client_.emplace(std::move(options));
    listener_ = std::make_unique<httplib::Server>();
    handler_.emplace(inngest::serve(*listener_, *client_, functions_(*client_)));
    if (!listener_->bind_to_port("127.0.0.1", app_port_)) throw std::runtime_error("the app's port is taken");
    thread_ = std::thread([this] { listener_->listen_after_bind(); });
    while (!listener_->is_running()) std::this_thread::yield();
  }

  void stop() {
    engine_->stop(0ms);
    at_.interrupt(true);
    if (handler_) handler_->drain(patience);
    server_.reset();
    engine_.reset();  // and with it the connections that the app's server would wait for
    client_.reset();
    if (listener_) {
      listener_->stop();
      thread_.join();
    }
    handler_.reset();
    listener_.reset();
    store_.reset();
    at_.interrupt(false);
  }

  std::unique_ptr<place> place_;
  world& at_;
  const bool over_http_;
  const make_functions functions_;
  std::atomic<std::int64_t> ahead_{0};  // milliseconds
  std::shared_ptr<embedded::store> store_{};
  std::optional<inngest::client> client_{};
  std::optional<embedded::engine> engine_{};
  std::optional<embedded::http_server> server_{};
  const int server_port_ = support::free_port(), app_port_ = support::free_port();
  std::unique_ptr<httplib::Server> listener_{};
  std::optional<inngest::handler> handler_{};
  std::thread thread_{};
};

/// A row for each host: its name, and what makes it.
struct host_row {
  std::string_view name;
  std::function<std::unique_ptr<host>(world&, make_functions)> make;
};

/// An engine on each of the stores, and one whose functions are elsewhere.
inline std::vector<host_row> engine_hosts() {
  std::vector<host_row> out;
  for (const store_entry& store : stores()) {
    out.push_back({store.name, [&store](world& at, make_functions functions) -> std::unique_ptr<host> {
                     return std::make_unique<engine_host>(store.make(), at, false, std::move(functions));
                   }});
  }
  out.push_back({http_host, [](world& at, make_functions functions) -> std::unique_ptr<host> {
                   auto where = std::make_unique<store_row<embedded::sqlite_store>::where>();
                   return std::make_unique<engine_host>(std::move(where), at, true, std::move(functions));
                 }});
  return out;
}

}  // namespace step_kinds
