#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/protocol/registration.hpp>
#include <inngest/protocol/signature.hpp>

namespace inngest {

/// Options of serving.
struct serve_options {
  /// Where the app answers; the same for GET, PUT and POST.
  std::string path = "/api/inngest";
  /// Bytes of a request body; a larger one is answered with 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// The name of the HTTP framework, shown by the server. An adapter fills it in.
  std::string framework{};
};

/// What a server said to a registration.
struct sync_result {
  bool ok = false;
  /// Whether the server knew something else before.
  bool modified = false;
  /// The server's words, or ours when it did not answer.
  std::string message;
};

/// Answers an Inngest server for an app, whatever the HTTP framework: a function from request to response,
/// without sockets or threads of its own. Copies share one state; it may be called from many threads at once.
///
/// - GET describes the app, in little when nobody proves to be its server.
/// - PUT registers the app's functions: with the server, or (in-band) in the answer.
/// - POST runs a function, or one step of it.
class handler {
 public:
  /// \throws configuration_error when two functions have the same id, or one is of another app.
  handler(inngest::client client, std::vector<any_function> functions, serve_options options = {})
      : shared_(std::make_shared<const state>(std::move(client), std::move(functions), std::move(options))) {}

  const serve_options& options() const { return shared_->options; }
  const inngest::client& client() const { return shared_->client; }
  const std::vector<any_function>& functions() const { return shared_->functions; }

  /// The answer to a request. Throws nothing: what goes wrong becomes an answer with a reason.
  http::response operator()(http::request request) const {
    return guarded([&] { return answer(std::move(request)); });
  }

  /// The answer to a call made by this process itself: nobody else could have made it, so it is not signed.
  http::response answer_in_process(http::request request) const {
    return guarded([&] { return call(std::move(request)); });
  }

  /// Registers the app's functions with its server, which will call them at `url`. Do so when the app starts;
  /// a dev server that polls finds the app by itself.
  sync_result sync(const std::string& url) const {
    json body{{"v", "0.1"},
              {"url", url},
              {"deployType", "ping"},
              {"sdk", protocol::sdk_name},
              {"framework", options().framework},
              {"appName", client().id()},
              {"functions", describe_functions(url)},
              {"capabilities", protocol::capabilities()}};
    if (!settings().app_version().empty()) body["appVersion"] = settings().app_version();
    http::request request{.method = "POST", .url = "/fn/register", .body = text_of(body)};
    request.headers.add(protocol::header::expected_server_kind, std::string(to_string(settings().mode())));
    request.headers.add(protocol::header::sync_kind, protocol::out_of_band);
    try {
      return read_sync_answer(client().call_api(std::move(request)));
    } catch (const unreachable& problem) {
      return {.message = std::string("no Inngest server answered at ") + settings().api_base_url() + ": " +
                         problem.what()};
    }
  }

 private:
  struct state {
    state(inngest::client served, std::vector<any_function> list, serve_options chosen)
        : client(std::move(served)), functions(std::move(list)), options(std::move(chosen)) {
      for (const any_function& each : functions) {
        if (each.app_id() != client.id()) {
          throw configuration_error("function \"" + each.id() + "\" belongs to app \"" + each.app_id() +
                                    "\", not to \"" + client.id() + "\"");
        }
        if (!by_slug.emplace(each.slug(), &each).second) {
          throw configuration_error("two functions of app \"" + client.id() + "\" have the id \"" +
                                    each.id() + "\"");
        }
      }
      world.now = [] { return std::chrono::system_clock::now(); };
      world.send = [sender = client](const std::vector<any_event>& events) {
        return sender.send(events).ids;
      };
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    inngest::client client;
    std::vector<any_function> functions;
    serve_options options;
    std::map<std::string, const any_function*, std::less<>> by_slug;
    execution::environment world;
  };

  const inngest::settings& settings() const { return client().settings(); }

  http::response guarded(detail::function_ref<http::response()> answer) const {
    try {
      return answer();
    } catch (const protocol_error& problem) {
      return message(400, problem.what());
    } catch (const std::exception& problem) {
      client().log().error(std::string("serve: ") + problem.what());
      return message(500, problem.what());
    }
  }

  // ---- who asks -------------------------------------------------------------------------------------

  /// Whether the request proves to come from the app's server, and with which key.
  struct identity {
    bool verified = false;
    bool refused = false;  // a signature is wrong, or missing where it is needed
    std::string_view key{};
  };

  identity identify(const http::request& request) const {
    const auto signature = request.headers.find(protocol::header::signature);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const bool must = settings().mode() == mode::cloud;
    if (!signature) return {.refused = must};
    for (const std::string* key : {&settings().signing_key(), &settings().signing_key_fallback()}) {
      if (protocol::verify(*signature, request.body, *key, now)) return {.verified = true, .key = *key};
    }
    return {.refused = must || !settings().signing_key().empty()};
  }

  // ---- what is asked --------------------------------------------------------------------------------

  http::response answer(http::request request) const {
    if (request.body.size() > options().max_body_size) return bare_answer(413, "the body is too large");
    const identity caller = identify(request);
    http::response out = guarded([&] { return route(std::move(request), caller); });
    if (caller.verified) {
      const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
      out.headers.add(protocol::header::signature, protocol::sign(out.body, caller.key, now));
    }
    return out;
  }

  http::response route(http::request request, const identity& caller) const {
    if (request.method == "PUT") return register_functions(request, caller);
    if (caller.refused) {
      if (settings().mode() == mode::cloud && settings().signing_key().empty()) {
        client().log().error(
            "a request was refused: cloud mode needs INNGEST_SIGNING_KEY (for a dev server, set "
            "INNGEST_DEV=1)");
      }
      return unauthorized_answer();
    }
    if (request.method == "GET") return json_answer(200, text_of(introspection(caller)));
    if (request.method != "POST") return message(405, "method not allowed: use GET, PUT or POST");
    if (const auto probe = request.query("probe")) {
      return *probe == "trust" ? json_answer(200, "null") : message(400, "unknown probe");
    }
    return call(std::move(request));
  }

  http::response register_functions(const http::request& request, const identity& caller) const {
    const bool in_band = request.headers.find(protocol::header::sync_kind) == protocol::in_band;
    const bool dev = settings().mode() == mode::dev;
    // Without a signature the Host header could be anybody's, and the server would be sent there.
    const bool trusted = caller.verified || (dev && !caller.refused) ||
                         (!in_band && !settings().serve_origin().empty() &&
                          !request.headers.find(protocol::header::signature));
    if (!trusted) return unauthorized_answer();

    http::response out;
    if (in_band) {
      out = json_answer(200, text_of(in_band_answer(request, caller)));
    } else {
      const sync_result result = sync(url_of(request));
      out = json_answer(result.ok ? 200 : 500,
                        text_of(json{{"message", result.message}, {"modified", result.modified}}));
    }
    out.headers.add(protocol::header::sync_kind, in_band ? protocol::in_band : protocol::out_of_band);
    out.headers.add(protocol::header::expected_server_kind, std::string(to_string(settings().mode())));
    return out;
  }

  // ---- POST -----------------------------------------------------------------------------------------

  http::response call(http::request request) const {
    const auto slug = request.query("fnId");
    if (!slug) return message(400, "the call names no function: fnId is missing");
    const auto found = shared_->by_slug.find(*slug);
    if (found == shared_->by_slug.end()) {
      return message(500, "app \"" + client().id() + "\" has no function \"" + *slug +
                              "\": has it been synced since it changed?");
    }
    const any_function& function = *found->second;

    const protocol::call_request call(std::move(request.body), target_of(request));
    if (call.use_api()) {
      return message(500, "run " + call.run_id() +
                              " has more state than fits into a call, which this version can't fetch");
    }
    execution::replay replay(call, shared_->world);
    const auto outcome =
        replay.run([&](std::string& result) { function.handler()(replay, client().log(), result); });
    for (const std::string& warning : outcome.warnings) {
      client().log().warn("function \"" + function.id() + "\", run " + call.run_id() + ": " + warning);
    }
    return answer_for(outcome, request);
  }

  static std::optional<step_hash> target_of(const http::request& request) {
    const auto step = request.query("stepId");
    if (!step || *step == "step" || step->empty()) return std::nullopt;
    step_hash out{};
    if (!detail::from_hex(*step, out))
      throw protocol_error("stepId is neither \"step\" nor a step's hashed id");
    return out;
  }

  http::response answer_for(const execution::outcome& outcome, const http::request& request) const {
    using kind = execution::outcome::kind;
    switch (outcome.ended) {
      case kind::completed:
        return json_answer(200, outcome.result);
      case kind::failed: {
        std::string body;
        protocol::write_error(body, outcome.failure->info);
        http::response out = json_answer(outcome.failure->retriable ? 500 : 400, std::move(body));
        add_retry_headers(out, *outcome.failure);
        return out;
      }
      case kind::operations: {
        http::response out = json_answer(206, protocol::write_operations(outcome.operations));
        if (outcome.failure) add_retry_headers(out, *outcome.failure);
        return out;
      }
      case kind::not_reached:
        break;
    }
    http::response out =
        message(500, "step " + request.query("stepId").value_or("") +
                         " was not reached: the function no longer gets to it, or it was changed");
    out.headers.add(protocol::header::no_retry, "false");
    return out;
  }

  static void add_retry_headers(http::response& out, const protocol::failure& failure) {
    out.headers.add(protocol::header::no_retry, failure.retriable ? "false" : "true");
    if (failure.retriable && failure.retry_after) {
      constexpr std::chrono::seconds longest = std::chrono::hours(24);  // a server's own limit
      const auto seconds = std::min(longest, std::chrono::ceil<std::chrono::seconds>(*failure.retry_after));
      out.headers.add(protocol::header::retry_after, std::to_string(seconds.count()));
    }
  }

  // ---- descriptions ---------------------------------------------------------------------------------

  json describe_functions(const std::string& url) const {
    json out = json::array();
    for (const any_function& each : functions()) {
      out.push_back(protocol::describe_function(each.slug(), each.options(), each.triggers(), url));
    }
    return out;
  }

  json introspection(const identity& caller) const {
    json out{{"schema_version", "2024-05-24"},
             {"function_count", functions().size()},
             {"has_event_key", !settings().event_key().empty()},
             {"has_signing_key", !settings().signing_key().empty()},
             {"has_signing_key_fallback", !settings().signing_key_fallback().empty()},
             {"mode", to_string(settings().mode())}};
    if (!caller.verified) return out;
    const auto or_null = [](const std::string& text) { return text.empty() ? json(nullptr) : json(text); };
    const auto key_hash = [](const std::string& key) {  // enough to compare, too little to use
      return key.empty()
                 ? json(nullptr)
                 : json(protocol::hashed_signing_key(key.substr(protocol::prefix_length(key))).substr(0, 12));
    };
    out["authentication_succeeded"] = true;
    out["api_origin"] = settings().api_base_url();
    out["event_api_origin"] = settings().event_api_base_url();
    out["app_id"] = client().id();
    out["capabilities"] = protocol::capabilities();
    out["env"] = or_null(settings().env());
    out["event_key_hash"] =
        settings().event_key().empty() ? json(nullptr) : json(detail::sha256_hex(settings().event_key()));
    out["framework"] = options().framework;
    out["sdk_language"] = "cpp";
    out["sdk_version"] = INNGEST_VERSION;
    out["serve_origin"] = or_null(settings().serve_origin());
    out["serve_path"] = or_null(settings().serve_path());
    out["signing_key_hash"] = key_hash(settings().signing_key());
    out["signing_key_fallback_hash"] = key_hash(settings().signing_key_fallback());
    return out;
  }

  json in_band_answer(const http::request& request, const identity& caller) const {
    const json body = request.body.empty() ? json::object() : detail::parse_dom(request.body);
    const auto asked = body.is_object() ? body.find("url") : body.end();
    const bool has_url = body.is_object() && asked != body.end() && asked->is_string();
    const std::string url =
        has_url && settings().serve_origin().empty() ? asked->get<std::string>() : url_of(request);
    return {{"app_id", client().id()},
            {"appVersion", settings().app_version().empty() ? json(nullptr) : json(settings().app_version())},
            {"capabilities", protocol::capabilities()},
            {"env", settings().env().empty() ? json(nullptr) : json(settings().env())},
            {"framework", options().framework},
            {"functions", describe_functions(url)},
            {"inspection", introspection(caller)},
            {"platform", nullptr},
            {"sdk_author", "inngest-cpp"},
            {"sdk_language", "cpp"},
            {"sdk_version", INNGEST_VERSION},
            {"sdk", protocol::sdk_name},
            {"url", url}};
  }

  /// Where the server reaches the app: as configured, otherwise as this request did.
  std::string url_of(const http::request& request) const {
    std::string origin = settings().serve_origin();
    if (origin.empty()) {
      const bool https = request.headers.find("x-forwarded-proto") == "https";
      origin =
          (https ? "https://" : "http://") + std::string(request.headers.find("host").value_or("localhost"));
    }
    return origin + (settings().serve_path().empty() ? request.path() : settings().serve_path());
  }

  static sync_result read_sync_answer(const http::response& answer) {
    const json body = json::parse(answer.body.substr(0, 64 * 1024), nullptr, false);
    const auto text = [&](const char* key) {
      return body.is_object() && body.contains(key) && body[key].is_string() ? body[key].get<std::string>()
                                                                             : std::string();
    };
    if (answer.status >= 200 && answer.status < 300) {
      const bool modified = body.is_object() && body.contains("modified") && body["modified"] == true;
      return {.ok = true, .modified = modified, .message = "registered"};
    }
    std::string reason = text("error").empty() ? text("message") : text("error");
    if (reason.empty() && (answer.status == 401 || answer.status == 403))
      reason = "the signing key was refused";
    return {.message =
                "the server refused the registration: " + std::to_string(answer.status) + " " + reason};
  }

  // ---- answers --------------------------------------------------------------------------------------

  /// Names and messages may hold any bytes: what is not UTF-8 in them is replaced rather than refused.
  static std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  http::response json_answer(int status, std::string body) const {
    http::response out{.status = status, .body = std::move(body)};
    out.headers.add(protocol::header::content_type, "application/json");
    out.headers.add(protocol::header::sdk, protocol::sdk_name);
    if (!options().framework.empty()) out.headers.add(protocol::header::framework, options().framework);
    out.headers.add(protocol::header::request_version, protocol::execution_version);
    if (!settings().env().empty()) out.headers.add(protocol::header::environment, settings().env());
    return out;
  }

  http::response message(int status, const std::string& text) const {
    return json_answer(status, text_of(json{{"message", text}}));
  }

  /// Tells nothing of the app, not even that it is one: for callers who have not proved who they are.
  static http::response bare_answer(int status, const char* why) {
    return {.status = status,
            .headers = {{protocol::header::content_type, "application/json"}},
            .body = std::string("{\"message\":\"") + why + "\"}"};
  }
  static http::response unauthorized_answer() { return bare_answer(401, "unauthorized"); }

  std::shared_ptr<const state> shared_;
};

/// Connects a handler to a server of an HTTP framework. Specialize it for yours:
///
///     template <>
///     struct inngest::adapter<my::server> {
///       static constexpr const char* framework = "my";
///       static void mount(my::server& server, const inngest::handler& handler) {
///         server.on_any(handler.options().path, [handler](const my::request& request) {
///           const auto answer = handler({.method = request.method, .url = request.target, .body =
///           request.body}); return my::response(answer.status, answer.body);  // and headers, both ways
///         });
///       }
///     };
template <class Server>
struct adapter;

template <class Server>
concept has_adapter = requires(Server& server, const handler& handler) {
  { adapter<Server>::framework } -> std::convertible_to<std::string>;
  adapter<Server>::mount(server, handler);
};

/// Serves the functions on a server: GET, PUT and POST at `options.path`. The handler that comes back can
/// register the app: `inngest::serve(server, app, {ingest}).sync("http://localhost:3000/api/inngest")`.
template <class Server>
handler serve(Server& server, const client& client, std::vector<any_function> functions,
              serve_options options = {}) {
  static_assert(has_adapter<Server>,
                "inngest: no adapter for this server: include the one of its framework, such as "
                "<inngest/adapters/httplib.hpp>, or specialize inngest::adapter for it");
  if constexpr (has_adapter<Server>) {
    if (options.framework.empty()) options.framework = adapter<Server>::framework;
    handler out(client, std::move(functions), std::move(options));
    adapter<Server>::mount(server, out);
    return out;
  } else {
    return handler(client, std::move(functions), std::move(options));
  }
}

}  // namespace inngest
