#pragma once

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/dependencies.hpp>
#include <inngest/detail/json_document.hpp>
#include <inngest/detail/keys.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/limits.hpp>
#include <inngest/log.hpp>
#include <inngest/middleware.hpp>
#include <inngest/options.hpp>

namespace inngest {

/// Which kind of server the app works with. In cloud mode (an Inngest server with keys, self-hosted too)
/// every call must be signed; in dev mode nothing need be.
enum class mode { cloud, dev };

constexpr std::string_view to_string(mode mode) { return mode == mode::dev ? "dev" : "cloud"; }

/// What happens to events that no server took after all attempts.
enum class unreachable_policy {
  fail,  ///< send() throws `unreachable`
  drop,  ///< they are lost; a warning is logged
  keep,  ///< client_options::outbox keeps them, and sends them in order before the next that are sent
};

/// Keeps events that could not be sent. An outbox in a file is in <inngest/outbox.hpp>.
class event_keeper {
 public:
  using sender = std::function<void(const std::string& events, const std::string& seed)>;

  virtual ~event_keeper() = default;
  /// Keeps a JSON array of events, to be sent with the seed of their ids. Must be durable when it returns.
  virtual void keep(const std::string& events, const std::string& seed) = 0;
  [[nodiscard]] virtual bool empty() const = 0;
  /// Gives what is kept to `send`, in order, until one throws; forgets what was sent. Events for which `send`
  /// throws event_rejected will never be taken: set them aside and go on.
  virtual void flush(const sender& send) = 0;
  /// The same, but false at once when another thread does so, which then sends all that is kept by now.
  virtual bool try_flush(const sender& send) {
    flush(send);
    return true;
  }
};

/// Options of a client. What is empty is taken from the environment variable that is named, then from the
/// default. White space around keys, URLs and the environment's name is ignored.
struct client_options {
  /// The app's id; required.
  std::string id;
  /// INNGEST_EVENT_KEY: authorizes sending events.
  std::string event_key{};
  /// INNGEST_SIGNING_KEY: signs what the server and the app tell each other.
  std::string signing_key{};
  /// INNGEST_SIGNING_KEY_FALLBACK: the key before or after, while keys are rotated.
  std::string signing_key_fallback{};
  /// INNGEST_ENV: a branch environment.
  std::string env{};
  /// INNGEST_DEV: "1" or "true" for dev, "0" or "false" for cloud, a URL for dev with that server. Default:
  /// cloud.
  std::optional<inngest::mode> mode{};
  /// INNGEST_API_BASE_URL or INNGEST_BASE_URL. Default: https://api.inngest.com, in dev
  /// http://127.0.0.1:8288.
  std::string api_base_url{};
  /// INNGEST_EVENT_API_BASE_URL or INNGEST_BASE_URL. Default: https://inn.gs, in dev http://127.0.0.1:8288.
  std::string event_api_base_url{};
  /// INNGEST_SERVE_ORIGIN: where the server reaches this app, such as "https://jobs.example.com". Default:
  /// what the Host header of a sync request says.
  std::string serve_origin{};
  /// INNGEST_SERVE_PATH: the path there. Default: that of the sync request.
  std::string serve_path{};
  /// A version of yours, shown by the server.
  std::string app_version{};
  /// Sends HTTP requests. Default: the transport of <inngest/transport/httplib.hpp>.
  std::shared_ptr<http::transport> transport{};
  /// Time for one HTTP request.
  duration_ms timeout = std::chrono::seconds(30);
  /// Attempts to send events before they are given up. The wait between them starts at 100 ms and doubles.
  int send_attempts = 5;
  /// Where messages go. Default: standard error, from INNGEST_LOG_LEVEL (default "info") on.
  std::optional<logger> log{};
  /// Around every request, run, step and sent event, before the functions' own.
  middleware_list middleware{};
  /// Values that handlers may ask for: see provide().
  std::vector<dependency> dependencies{};
  /// How results of steps are saved while functions go on; a function may have its own.
  inngest::checkpointing checkpointing{};
  /// What is refused before it is sent.
  size_limits limits{};
  /// What send() does with events when no server answers.
  unreachable_policy when_unreachable = unreachable_policy::fail;
  /// Where events are kept for later: see <inngest/outbox.hpp>.
  std::shared_ptr<event_keeper> outbox{};
  /// Reads an environment variable. Default: std::getenv.
  std::function<std::optional<std::string>(const char* name)> environment{};
};

namespace detail {

inline std::optional<std::string> read_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

inline bool is_url(std::string_view text) {
  const std::size_t host = text.find("://") + 3;
  return (text.starts_with("http://") || text.starts_with("https://")) && text.size() > host &&
         text[host] != '/' && text.find(' ') == std::string_view::npos && !has_control_characters(text);
}

/// Text that goes into headers and messages. \throws configuration_error for control characters and for
/// what is not UTF-8.
inline void check_plain_text(const std::string& name, const std::string& text) {
  if (has_control_characters(text))
    throw configuration_error(name + " must not have line breaks or other control characters in it");
  if (!is_utf8(text)) throw configuration_error(name + " must be UTF-8");
}

}  // namespace detail

/// A client's options with every gap filled: read once, when the client is made.
class settings {
 public:
  /// \throws configuration_error for an option or environment variable that makes no sense.
  explicit settings(client_options options) : options_(std::move(options)) {
    if (detail::is_blank(options_.id))
      throw configuration_error("client_options::id must not be empty or blank");
    if (!options_.environment) options_.environment = detail::read_environment;
    detail::check_plain_text("client_options::id", options_.id);
    std::string dev_variable = variable("INNGEST_DEV").value_or("");
    dev_variable.resize(dev_variable.find_last_not_of(detail::white_space) + 1);
    if (!options_.mode) options_.mode = mode_of(dev_variable);
    const bool dev = options_.mode == inngest::mode::dev;

    fill_key(options_.event_key, "event_key", "INNGEST_EVENT_KEY", true);
    fill_key(options_.signing_key, "signing_key", "INNGEST_SIGNING_KEY");
    fill_key(options_.signing_key_fallback, "signing_key_fallback", "INNGEST_SIGNING_KEY_FALLBACK");
    fill(options_.env, {"INNGEST_ENV"});
    fill(options_.serve_origin, {"INNGEST_SERVE_ORIGIN"});
    fill(options_.serve_path, {"INNGEST_SERVE_PATH"});
    detail::check_plain_text("client_options::env or INNGEST_ENV", options_.env);
    detail::check_plain_text("client_options::serve_path or INNGEST_SERVE_PATH", options_.serve_path);
    detail::check_plain_text("client_options::app_version", options_.app_version);
    if (!options_.serve_origin.empty()) options_.serve_origin = checked_url(options_.serve_origin);
    if (!options_.serve_path.empty() && !options_.serve_path.starts_with('/'))
      options_.serve_path.insert(0, "/");
    const std::string dev_default = detail::is_url(dev_variable) ? dev_variable : "http://127.0.0.1:8288";
    fill_url(options_.api_base_url, "INNGEST_API_BASE_URL", dev ? dev_default : "https://api.inngest.com");
    fill_url(options_.event_api_base_url, "INNGEST_EVENT_API_BASE_URL", dev ? dev_default : "https://inn.gs");
    if (!options_.log) options_.log = logger(log_to_stderr, log_level_from_environment());
    if (options_.timeout <= std::chrono::milliseconds::zero())
      throw configuration_error("client_options::timeout must be more than zero");
    if (const std::string problem = detail::problem_of(options_.checkpointing); !problem.empty())
      throw configuration_error("client_options::" + problem);
    if (options_.send_attempts < 1)
      throw configuration_error("client_options::send_attempts must be at least 1");
    if (options_.when_unreachable == unreachable_policy::keep && !options_.outbox) {
      throw configuration_error(
          "client_options::when_unreachable = keep needs client_options::outbox: see <inngest/outbox.hpp>");
    }
  }

  const std::string& id() const { return options_.id; }
  inngest::mode mode() const { return *options_.mode; }
  const std::string& event_key() const { return options_.event_key; }
  const std::string& signing_key() const { return options_.signing_key; }
  const std::string& signing_key_fallback() const { return options_.signing_key_fallback; }
  const std::string& env() const { return options_.env; }
  const std::string& api_base_url() const { return options_.api_base_url; }
  const std::string& event_api_base_url() const { return options_.event_api_base_url; }
  const std::string& serve_origin() const { return options_.serve_origin; }
  const std::string& serve_path() const { return options_.serve_path; }
  const std::string& app_version() const { return options_.app_version; }
  const std::shared_ptr<http::transport>& transport() const { return options_.transport; }
  std::chrono::milliseconds timeout() const { return options_.timeout; }
  int send_attempts() const { return options_.send_attempts; }
  const logger& log() const { return *options_.log; }
  const middleware_list& middleware() const { return options_.middleware; }
  const std::vector<dependency>& dependencies() const { return options_.dependencies; }
  const inngest::checkpointing& checkpointing() const { return options_.checkpointing; }
  const size_limits& limits() const { return options_.limits; }
  unreachable_policy when_unreachable() const { return options_.when_unreachable; }
  const std::shared_ptr<event_keeper>& outbox() const { return options_.outbox; }

  /// What was odd about the options and variables, but could be understood; without keys.
  const std::vector<std::string>& remarks() const { return remarks_; }

  /// All of it as text, a line each, to print at start-up. Of keys it says only whether they are set.
  std::string describe() const {
    const auto set = [](const std::string& key) { return key.empty() ? "not set" : "set"; };
    return "id: " + id() + "\nmode: " + std::string(to_string(mode())) + "\nevent key: " + set(event_key()) +
           "\nsigning key: " + set(signing_key()) + "\nsigning key fallback: " + set(signing_key_fallback()) +
           "\nenv: " + env() + "\napi: " + api_base_url() + "\nevent api: " + event_api_base_url() +
           "\nserve origin: " + serve_origin() + "\nserve path: " + serve_path() + "\n";
  }

 private:
  std::optional<std::string> variable(const char* name) const {
    auto value = options_.environment(name);
    if (value && value->find_first_not_of(detail::white_space) == std::string::npos) value.reset();
    return value;
  }

  static inngest::mode mode_of(const std::string& dev_variable) {
    if (dev_variable.empty() || dev_variable == "0" || dev_variable == "false") return inngest::mode::cloud;
    if (dev_variable == "1" || dev_variable == "true" || detail::is_url(dev_variable))
      return inngest::mode::dev;
    throw configuration_error("INNGEST_DEV must be 1, 0, true, false or a URL, not \"" + dev_variable + "\"");
  }

  log_level log_level_from_environment() const {
    const auto value = variable("INNGEST_LOG_LEVEL");
    if (!value) return log_level::info;
    if (const auto level = parse_log_level(detail::trimmed(*value))) return *level;
    throw configuration_error("INNGEST_LOG_LEVEL must be debug, info, warn, error or off, not \"" + *value +
                              "\"");
  }

  void fill(std::string& option, std::initializer_list<const char*> names) const {
    option = detail::trimmed(option);
    for (const char* name : names) {
      if (option.empty()) option = detail::trimmed(variable(name).value_or(""));
    }
  }

  void fill_key(std::string& key, const char* option, const char* name, bool is_event_key = false) {
    std::string whose = std::string("client_options::") + option;
    std::string given = std::move(key);
    key = detail::checked_key(whose, given, is_event_key);
    if (key.empty()) {
      given = variable(name).value_or("");
      whose = name;
      key = detail::checked_key(whose, given, is_event_key);
    }
    if (key != given) remarks_.push_back(whose + " has white space around it, which is ignored");
  }

  void fill_url(std::string& option, const char* name, const std::string& otherwise) const {
    fill(option, {name, "INNGEST_BASE_URL"});
    if (option.empty()) option = otherwise;
    option = checked_url(option);
  }

  static std::string checked_url(std::string url) {
    if (!detail::is_url(url)) throw configuration_error("not an http or https URL: \"" + url + "\"");
    detail::check_plain_text("a URL", url);
    while (url.ends_with('/')) url.pop_back();
    return url;
  }

  client_options options_;
  std::vector<std::string> remarks_;
};

}  // namespace inngest
