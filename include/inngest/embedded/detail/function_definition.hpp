#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/registered_names.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/time/detail/cron.hpp>
#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/detail/server_duration.hpp>
#include <inngest/time/duration.hpp>

// A function of the engine, registered by this process or over HTTP.

namespace inngest::inline INNGEST_ABI::embedded {

/// An expression shared by copies; null without one.
using shared_expression = std::shared_ptr<const expression>;
using std::chrono::milliseconds;

struct registered_trigger {
  std::string event{};
  shared_expression condition{};
  std::string schedule{};  // as registered
  std::optional<detail::cron_schedule> cron{};
  milliseconds jitter{};
};

struct registered_limit {
  enum class scope { function, environment, account };
  int limit = 0;
  shared_expression key{};
  scope within = scope::function;
  /// Whether a run holds its slot from its first call to its end; otherwise each call holds one.
  bool holds_for_run = false;
};

struct registered_throttle {
  int limit = 1;
  int burst = 0;  // additional runs beyond the limit
  milliseconds period{};
  shared_expression key{};
};

struct registered_rate_limit {
  int limit = 1;
  milliseconds period{};
  shared_expression key{};
};

struct registered_debounce {
  milliseconds period{};
  std::optional<milliseconds> timeout{};
  shared_expression key{};
};

struct registered_batch {
  std::size_t max_size = 1;
  milliseconds timeout{};
  shared_expression key{};
  shared_expression condition{};
};

struct registered_singleton {
  bool cancels = false;  // cancels the earlier run; otherwise skips the new one
  shared_expression key{};
};

struct registered_cancel {
  std::string event{};
  shared_expression condition{};
  std::optional<milliseconds> timeout{};
};

struct registered_tag {
  std::string name{};
  shared_expression value{};
};

/// The URL of functions that are called over the connections of workers.
inline constexpr std::string_view connect_url = "wss://connect";

struct function_definition {
  std::string slug{};
  std::string app_id{};
  std::string name{};
  /// The app's URL; empty when the app is this process. `connect_url` when workers connect for the app.
  std::string url{};
  /// Whether it is an endpoint: requests start its runs, and its output is a stored response.
  bool is_endpoint = false;
  int retries = 4;  // the server's default
  std::vector<registered_trigger> triggers{};
  std::vector<registered_limit> concurrency{};
  std::optional<registered_throttle> throttle{};
  std::optional<registered_rate_limit> rate_limit{};
  std::optional<registered_debounce> debounce{};
  std::optional<registered_batch> batch{};
  std::optional<registered_singleton> singleton{};
  shared_expression priority{};
  shared_expression idempotency{};
  std::vector<registered_cancel> cancels{};
  std::vector<registered_tag> tags{};
  std::optional<milliseconds> start_timeout{};
  std::optional<milliseconds> finish_timeout{};
  /// Of a handler of ends, such as on_failure: the slug of the function whose ends it handles. A pause of
  /// that function holds its handlers, too. Empty for other functions.
  std::string handles_ends_of{};
  /// The registration, as JSON.
  std::string text{};
  /// The app's UUID for the function: see function_uuid().
  std::string uuid{};

  bool is_called_over_connection() const { return url == connect_url; }

  /// The function's id within the app.
  std::string id() const { return slug.starts_with(app_id + "-") ? slug.substr(app_id.size() + 1) : slug; }
};

/// The URL to call one step of a function, or with the step "step", the whole function.
std::string call_url(const function_definition& function, const std::string& step);

/// The URL of a function's app: without the parameters that name one function and its step.
std::string app_url(std::string_view function_url);

/// Reads one function of a registration. Errors name the function and the option.
class definition_reader {
 public:
  /// \throws configuration_error
  static function_definition read(const json& text, std::string app_id);

 private:
  explicit definition_reader(const json& whole) : whole_(whole) {}

  function_definition read(std::string app_id);

  // ---- members ----------------------------------------------------------------------------------------

  [[noreturn]] void fail(const std::string& problem) const;

  static const json& member(const json& object, const char* name) { return registered_member(object, name); }

  static std::string text_of(const json& object, const char* name);

  int number_of(const json& object, const char* name, int otherwise) const;

  int to_number(const json& found, const char* name) const;

  std::optional<milliseconds> duration_of(const json& object, const char* name) const;

  /// A timeout. Like a server, ignores a text that is not a duration.
  std::optional<milliseconds> timeout_of(const json& object, const char* name) const;

  /// A period of at least `least`. A negative period means none.
  std::optional<milliseconds> period_of(const json& object, const char* name, milliseconds least) const;

  shared_expression expression_of(const json& object, const char* name) const;

  // ---- options ----------------------------------------------------------------------------------------

  void read_triggers();

  void read_step();

  void read_flow_control();

  /// A number, a limit, a list of limits, or {"step": limits of calls, "fn": limits of whole runs}.
  void read_concurrency();

  void read_limits(const json& limits, bool holds_for_run);

  void read_limit(const json& limit, bool holds_for_run);

  void read_ends();

  void read_tags();

  /// SDKs register a handler of ends as a function of its own, "shop-charge-failure" for "shop-charge", whose
  /// condition compares the id of the function that has ended.
  void read_handled_ends();

  static constexpr milliseconds none{0}, shortest{1};

  const json& whole_;
  function_definition out_;
};

/// The functions of a remote app. Also reads the time zones of its schedules, so that using the functions
/// does not fail. \throws configuration_error, payload_error
std::vector<function_definition> read_registration(const app_record& app);

/// A function of this process.
function_definition define(const any_function& function);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/function_definition.ipp>
#endif
