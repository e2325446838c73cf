#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/dependencies.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/limits.hpp>
#include <inngest/log.hpp>
#include <inngest/middleware.hpp>
#include <inngest/options.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

/// The kind of server that the app talks to.
enum class mode {
  cloud,  ///< a server with keys, including self-hosted ones: every call must be signed
  dev     ///< a dev server: calls need no signature
};

/// "cloud" or "dev".
constexpr std::string_view to_string(mode mode) { return mode == mode::dev ? "dev" : "cloud"; }

/// What send() does with events when all attempts to send them have failed.
enum class unreachable_policy {
  fail,  ///< send() throws `unreachable`
  drop,  ///< the events are lost; a warning is logged
  keep,  ///< client_options::outbox stores them, and the next send() sends them first, in order
};

/// Stores events that could not be sent. <inngest/outbox.hpp> has an implementation in a file.
class event_keeper {
 public:
  /// Sends a JSON array of events with the seed of their ids.
  /// \throws event_rejected, unreachable
  using sender = std::function<void(const std::string& events, const std::string& seed)>;

  virtual ~event_keeper() = default;
  /// Stores a JSON array of events and the seed of their ids. They must be durable when it returns.
  virtual void keep(const std::string& events, const std::string& seed) = 0;
  /// Whether no events are stored.
  [[nodiscard]] virtual bool empty() const = 0;
  /// Passes the stored events to `send`, in order, until it throws, and removes those that were sent. Events
  /// for which `send` throws event_rejected will never be accepted: move them elsewhere and continue.
  virtual void flush(const sender& send) = 0;
  /// Like flush(), but returns false immediately if another thread is flushing; that thread then sends
  /// everything stored so far.
  virtual bool try_flush(const sender& send);
};

/// Options of a client. An option that is not set is read from the environment variable named here; without
/// the variable, the default applies. White space around keys, URLs and the environment name is ignored.
struct client_options {
  /// The app's id; required.
  std::string id;
  /// INNGEST_EVENT_KEY: authorizes sending events.
  std::string event_key{};
  /// INNGEST_SIGNING_KEY: signs requests and answers between server and app.
  std::string signing_key{};
  /// INNGEST_SIGNING_KEY_FALLBACK: the previous or next key, while keys are rotated.
  std::string signing_key_fallback{};
  /// INNGEST_ENV: a branch environment. Default: the branch name that the hosting platform sets in
  /// BRANCH_NAME, VERCEL_GIT_COMMIT_REF, BRANCH (Netlify), CF_PAGES_BRANCH, RENDER_GIT_BRANCH or
  /// RAILWAY_GIT_BRANCH.
  std::string env{};
  /// INNGEST_DEV: "1" or "true" for dev, "0" or "false" for cloud, or a URL for dev with that server.
  /// Default: cloud.
  std::optional<inngest::mode> mode{};
  /// INNGEST_API_BASE_URL or INNGEST_BASE_URL. Default: https://api.inngest.com, in dev
  /// http://127.0.0.1:8288.
  std::string api_base_url{};
  /// INNGEST_EVENT_API_BASE_URL or INNGEST_BASE_URL. Default: https://inn.gs, in dev http://127.0.0.1:8288.
  std::string event_api_base_url{};
  /// INNGEST_SERVE_ORIGIN: where the server reaches this app, such as "https://jobs.example.com". Default:
  /// the Host header of a sync request.
  std::string serve_origin{};
  /// INNGEST_SERVE_PATH: the path at the origin. Default: the path of the sync request.
  std::string serve_path{};
  /// Your app's version, which the server shows.
  std::string app_version{};
  /// Sends HTTP requests. Default: the transport of <inngest/transport/httplib.hpp>.
  std::shared_ptr<http::transport> transport{};
  /// The time limit of one HTTP request.
  duration_ms timeout = std::chrono::seconds(30);
  /// The maximum number of attempts to send events: 1 or more. The delay between them starts at 100 ms and
  /// doubles; a random part of up to a half is added.
  int send_attempts = 5;
  /// Receives log messages. Default: standard error, with the level INNGEST_LOG_LEVEL (default "info").
  std::optional<logger> log{};
  /// Runs around every request, run, step and sent event, outside of the functions' own middleware.
  middleware_list middleware{};
  /// Values for handlers: see provide().
  std::vector<dependency> dependencies{};
  /// How step results are saved while functions continue. A function may override it.
  inngest::checkpointing checkpointing{};
  /// INNGEST_SESSION_PROPAGATION ("true", "1", "false", "0"): whether events that a run sends and runs that
  /// it starts inherit its sessions. Default: true.
  std::optional<bool> session_propagation{};
  /// Maximum sizes; larger data are rejected before they are sent.
  size_limits limits{};
  /// What send() does with events when no server answers.
  unreachable_policy when_unreachable = unreachable_policy::fail;
  /// Stores events for `unreachable_policy::keep`: see <inngest/outbox.hpp>.
  std::shared_ptr<event_keeper> outbox{};
  /// Reads an environment variable. Default: std::getenv.
  std::function<std::optional<std::string>(const char* name)> environment{};
};

namespace detail {

std::optional<std::string> read_environment(const char* name);

bool is_url(std::string_view text);

/// Checks text that goes into headers and messages.
/// \throws configuration_error for control characters and invalid UTF-8.
void check_plain_text(const std::string& name, const std::string& text);

}  // namespace detail

/// A client's options with defaults filled in. The environment is read only when the client is created.
class settings {
 public:
  /// \throws configuration_error for an invalid option or environment variable.
  explicit settings(client_options options);

  /// The app's id.
  const std::string& id() const { return options_.id; }
  /// The kind of server.
  inngest::mode mode() const { return *options_.mode; }
  /// See client_options::event_key.
  const std::string& event_key() const { return options_.event_key; }
  /// See client_options::signing_key; not changed by client::set_keys.
  const std::string& signing_key() const { return options_.signing_key; }
  /// See client_options::signing_key_fallback; not changed by client::set_keys.
  const std::string& signing_key_fallback() const { return options_.signing_key_fallback; }
  /// The branch environment; empty for none.
  const std::string& env() const { return options_.env; }
  /// The hosting platform, according to its environment variables: "vercel", "netlify", "cloudflare-pages",
  /// "render", "railway"; empty for any other.
  const std::string& platform() const { return platform_; }
  /// The API's URL, without a trailing slash.
  const std::string& api_base_url() const { return options_.api_base_url; }
  /// The event API's URL, without a trailing slash.
  const std::string& event_api_base_url() const { return options_.event_api_base_url; }
  /// See client_options::serve_origin; empty for the default.
  const std::string& serve_origin() const { return options_.serve_origin; }
  /// See client_options::serve_path; empty for the default.
  const std::string& serve_path() const { return options_.serve_path; }
  /// See client_options::app_version.
  const std::string& app_version() const { return options_.app_version; }
  /// See client_options::transport; null for the default.
  const std::shared_ptr<http::transport>& transport() const { return options_.transport; }
  /// The time limit of one HTTP request.
  std::chrono::milliseconds timeout() const { return options_.timeout; }
  /// The maximum number of attempts to send events.
  int send_attempts() const { return options_.send_attempts; }
  /// The client's logger.
  const logger& log() const { return *options_.log; }
  /// The client's middleware.
  const middleware_list& middleware() const { return options_.middleware; }
  /// The client's dependencies.
  const std::vector<dependency>& dependencies() const { return options_.dependencies; }
  /// The default for functions.
  const inngest::checkpointing& checkpointing() const { return options_.checkpointing; }
  /// See client_options::session_propagation.
  bool session_propagation() const { return *options_.session_propagation; }
  /// See client_options::limits.
  const size_limits& limits() const { return options_.limits; }
  /// See client_options::when_unreachable.
  unreachable_policy when_unreachable() const { return options_.when_unreachable; }
  /// See client_options::outbox; null for none.
  const std::shared_ptr<event_keeper>& outbox() const { return options_.outbox; }

  /// An environment variable, read now through client_options::environment; `nullopt` when it is not set or
  /// blank.
  std::optional<std::string> variable(const char* name) const;

  /// Harmless problems in options and variables, such as white space around keys. Contains no keys.
  const std::vector<std::string>& remarks() const { return remarks_; }

  /// All settings as text, one per line, to print at start-up. For keys it only says whether they are set.
  std::string describe() const;

 private:
  std::string platform_from_environment() const;

  bool session_propagation_from_environment() const;

  static inngest::mode mode_of(const std::string& dev_variable);

  log_level log_level_from_environment() const;

  void fill(std::string& option, std::initializer_list<const char*> names) const;

  void fill_key(std::string& key, const char* option, const char* name, bool is_event_key = false);

  void fill_url(std::string& option, const char* name, const std::string& otherwise) const;

  static std::string checked_url(std::string url);

  client_options options_;
  std::string platform_;
  std::vector<std::string> remarks_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/settings.ipp>
#endif
