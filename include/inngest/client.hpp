#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/context.hpp>
#include <inngest/detail/check_options.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/result_traits.hpp>
#include <inngest/event.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/settings.hpp>
#include <inngest/trigger.hpp>

namespace inngest {
namespace detail {

/// Set by the header of a transport that is to be the default.
inline std::function<std::shared_ptr<http::transport>()>& default_transport() {
  static std::function<std::shared_ptr<http::transport>()> make;
  return make;
}

/// The checks on a handler, each with the words that its author will read, and what it returns.
template <class Handler, class Context>
struct handler_traits {
  static constexpr bool takes_context = std::invocable<Handler&, Context&>;
  static_assert(takes_context,
                "inngest: the handler must take the context of its trigger's events: "
                "[](inngest::context<MyEvent>& ctx) { ... } for on<MyEvent>(), or [](auto& ctx) { ... }");
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<Handler&, Context&>;
  static_assert(may_throw,
                "inngest: a handler must not be noexcept: a step without a result leaves it by an exception");

  using returned = returned_by_t<Handler, Context&>;
  static_assert(json_result<returned>,
                "inngest: a handler's result is kept as JSON: declare its type with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");
  static constexpr bool valid = takes_context && may_throw && json_result<returned>;
  using output = result_form_t<returned>;
};

}  // namespace detail

/// An app: it makes functions and sends events. Copies share one state; all of it may be used from many
/// threads at once.
class client {
 public:
  /// \throws configuration_error for options or environment variables that make no sense.
  explicit client(client_options options) : shared_(std::make_shared<state>(std::move(options))) {}

  const std::string& id() const { return shared_->settings.id(); }
  const inngest::settings& settings() const { return shared_->settings; }
  const logger& log() const { return shared_->settings.log(); }

  /// Makes a durable function: what it is called, what starts it, and what it does.
  ///
  ///     auto greet = app.create_function({.id = "greet", .retries = 3}, inngest::on<SignedUp>(),
  ///                                      [](inngest::context<SignedUp>& ctx) {
  ///                                        ctx.step.run("send-mail", [&] { mail(ctx.event.data.address); });
  ///                                      });
  ///
  /// The handler is kept and may be called from many threads at once.
  /// \throws configuration_error for options that no server would take.
  template <class... Events, class Handler>
  auto create_function(function_options options, trigger<Events...> trigger, Handler handler) const {
    using traits = detail::handler_traits<Handler, context<Events...>>;
    detail::option_check(options, trigger.definitions).run();
    auto erased = [handler = std::move(handler), function_id = options.id](
                      execution::replay& replay, const logger& log, std::string& result) mutable {
      if constexpr (traits::valid) {
        context<Events...> ctx(replay, log, function_id);
        if constexpr (std::is_void_v<typename traits::returned>) {
          handler(ctx);
          result = "null";
        } else {
          encode_to(result, handler(ctx), "result");
        }
      }
    };
    return function<typename traits::output, Events...>(id(), std::move(options),
                                                        std::move(trigger.definitions), std::move(erased));
  }

  /// Sends an event and gives the id that the server gave it.
  /// \throws event_rejected, unauthorized, unreachable, configuration_error.
  sent_events send(const any_event& event) const { return send(std::vector<any_event>{event}); }

  /// Sends events of any types, all in one request: `app.send({Created{...}, Deleted{...}})`.
  sent_events send(std::initializer_list<any_event> events) const {
    return send(std::vector<any_event>(events));
  }
  sent_events send(const std::vector<any_event>& events) const {
    if (events.empty()) return {};
    const http::request request = event_request(events);
    std::string problem;
    for (int attempt = 0; attempt < settings().send_attempts(); ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(pause_before(attempt));
      try {
        const http::response answer = transport()->send(request, settings().timeout());
        if (answer.status >= 200 && answer.status < 300) return read_ids(answer);
        problem = std::to_string(answer.status) + " " + without_keys(error_text(answer));
        if (answer.status == 401 || answer.status == 403)
          throw unauthorized("the event key was refused: " + problem);
        const bool may_pass = answer.status >= 500 || answer.status == 429 || answer.status == 408;
        if (!may_pass) throw event_rejected("the server refused " + names(events) + ": " + problem);
      } catch (const unreachable& failed) {
        problem = failed.what();
      }
    }
    throw unreachable("sending " + names(events) + " failed after " +
                      std::to_string(settings().send_attempts()) + " attempts: " + problem);
  }

  /// Calls the server's API with the signing key, and again with the fallback key if that was refused. The
  /// request's `url` is a path.
  /// \throws unreachable when no answer came.
  http::response call_api(http::request request) const {
    request.url = settings().api_base_url() + request.url;
    const http::headers given = request.headers;
    http::response answer;
    for (const std::string* key : {&settings().signing_key(), &settings().signing_key_fallback()}) {
      const bool first = key == &settings().signing_key();
      if (!first && (key->empty() || (answer.status != 401 && answer.status != 403))) break;
      request.headers = given;
      add_common_headers(request.headers);
      if (!key->empty()) {
        request.headers.add(protocol::header::authorization, "Bearer " + protocol::hashed_signing_key(*key));
      }
      answer = transport()->send(request, settings().timeout());
    }
    return answer;
  }

  /// Takes over all HTTP of this client and its copies until `restore_transport`. An engine in the process
  /// does so, in order to be the server. \throws configuration_error when it is taken over already.
  void replace_transport(std::shared_ptr<http::transport> transport) const {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->replacement) throw configuration_error("client \"" + id() + "\" has an engine already");
    shared_->replacement = std::move(transport);
  }
  void restore_transport() const {
    const std::lock_guard lock(shared_->mutex);
    shared_->replacement = nullptr;
  }

 private:
  struct state {
    explicit state(client_options options) : settings(std::move(options)), transport(settings.transport()) {}
    const inngest::settings settings;
    std::mutex mutex;  // of the two below
    std::shared_ptr<http::transport> transport;
    std::shared_ptr<http::transport> replacement;
  };

  std::shared_ptr<http::transport> transport() const {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->replacement) return shared_->replacement;
    if (!shared_->transport && detail::default_transport())
      shared_->transport = detail::default_transport()();
    if (!shared_->transport) {
      throw configuration_error("client \"" + id() +
                                "\" has no HTTP transport: include <inngest/transport/httplib.hpp> or set "
                                "client_options::transport");
    }
    return shared_->transport;
  }

  bool has_engine() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->replacement != nullptr;
  }

  http::request event_request(const std::vector<any_event>& events) const {
    if (settings().event_key().empty() && settings().mode() == mode::cloud && !has_engine()) {
      throw configuration_error(
          "client \"" + id() +
          "\" has no event key: set INNGEST_EVENT_KEY, or INNGEST_DEV=1 for a dev server");
    }
    const std::string key = settings().event_key().empty() ? "NO_EVENT_KEY_SET" : settings().event_key();
    http::request out{.method = "POST",
                      .url = settings().event_api_base_url() + "/e/" + http::percent_encoded(key)};
    out.body = "[";
    for (const any_event& each : events) {
      if (out.body.size() > 1) out.body += ',';
      out.body += each.text();
    }
    out.body += ']';
    add_common_headers(out.headers);
    out.headers.add(protocol::header::event_id_seed, event_id_seed());
    return out;
  }

  void add_common_headers(http::headers& headers) const {
    headers.add(protocol::header::content_type, "application/json");
    headers.add(protocol::header::sdk, protocol::sdk_name);
    headers.add(protocol::header::user_agent, protocol::sdk_name);
    if (!settings().env().empty()) headers.add(protocol::header::environment, settings().env());
  }

  /// With the same seed, a repeated request makes no second event.
  static std::string event_id_seed() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return std::to_string(now.time_since_epoch().count()) + "," +
           detail::to_base64(detail::random_bytes<10>());
  }

  static std::chrono::milliseconds pause_before(int attempt) {
    const int base = 100 << std::min(attempt - 1, 10);
    return std::chrono::milliseconds(base +
                                     detail::random_bytes<1>()[0] * base / 512);  // up to half as long again
  }

  static std::string names(const std::vector<any_event>& events) {
    std::string out = "\"" + events.front().name() + "\"";
    if (events.size() > 1) out += " and " + std::to_string(events.size() - 1) + " more";
    return out;
  }

  static std::string error_text(const http::response& answer) {
    const json body = json::parse(answer.body.substr(0, 4096), nullptr, false);
    if (body.is_object()) {
      for (const char* key : {"error", "message"}) {
        const auto found = body.find(key);
        if (found != body.end() && found->is_string() && !found->get_ref<const std::string&>().empty()) {
          return found->get<std::string>();
        }
      }
    }
    return "(no reason given)";
  }

  /// A server's words, which may repeat the URL that was asked for, and so the event key.
  std::string without_keys(std::string text) const {
    constexpr std::string_view hidden = "***";
    for (const std::string* key : {&settings().event_key(), &settings().signing_key()}) {
      if (key->empty()) continue;
      for (std::size_t at = 0; (at = text.find(*key, at)) != std::string::npos; at += hidden.size()) {
        text.replace(at, key->size(), hidden);
      }
    }
    return text;
  }

  static sent_events read_ids(const http::response& answer) {
    try {
      return decode<sent_events>(answer.body);
    } catch (const payload_error& problem) {
      throw protocol_error(std::string("the event API's answer can't be read: ") + problem.what());
    }
  }

  std::shared_ptr<state> shared_;
};

}  // namespace inngest
