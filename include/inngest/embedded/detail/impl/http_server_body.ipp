#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/http_server_body.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE app_calls::app_calls(std::string signing_key, std::chrono::milliseconds timeout)
    : signing_key_(std::move(signing_key)), timeout_(timeout) {}

INNGEST_INLINE std::chrono::sys_seconds app_calls::signing_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

INNGEST_INLINE std::optional<http::response> app_calls::route::call(remote_call call) {
  try {
    http::response answer = calls_->send(std::move(call.request), call.abandoned);
    if (!call.abandoned.stop_requested()) return answer;  // otherwise it may be incomplete
  } catch (...) {
    if (!call.abandoned.stop_requested()) throw;
  }
  return std::nullopt;
}

INNGEST_INLINE http::response app_calls::send(http::request request, const stop_token& stop) {
  request.headers.add(protocol::header::server_kind, "dev");
  if (request.headers.find(protocol::header::run_id)) {  // from an endpoint, which accepts any body
    request.headers.add(
        protocol::header::signature,
        signing_key_.empty() ? "" : protocol::sign(request.body, signing_key_, signing_time()));
  } else if (!signing_key_.empty()) {
    // The signature covers canonical JSON, which every SDK can compute from the body. Of two members with the
    // same name, the last one counts.
    request.body = detail::canonical_json(encode(detail::parse_dom(request.body)));
    request.headers.add(protocol::header::signature,
                        protocol::sign(request.body, signing_key_, signing_time()));
  }
  http::response out = transport_.send(request, timeout_, stop);
  for (int left = max_redirects; is_redirect(out) && left > 0; --left) {
    auto next = redirected_url(request.url, out.headers.find("location").value_or(""));
    if (!next || *next == request.url) break;  // the answer fails the attempt
    request.url = std::move(*next);
    out = transport_.send(request, timeout_, stop);
  }
  if (out.status == 201) unwrap(out);
  return out;
}

INNGEST_INLINE std::unique_ptr<app_route> app_calls::route_to(const function_definition&) {
  return std::make_unique<route>(shared_from_this());
}

INNGEST_INLINE void app_calls::unwrap(http::response& answer) {
  json whole;
  try {
    whole = detail::parse_dom(answer.body);
  } catch (const payload_error&) {  // it is told below
  }
  const json status = whole.is_object() ? whole.value("status", json()) : json();
  const json headers = whole.is_object() ? whole.value("headers", json::object()) : json();
  if (!status.is_number_integer() || status < 100 || status > 599 || !headers.is_object())
    throw protocol_error(
        "an answer with status 201 must be a JSON object with status (from 100 to 599), headers and body, "
        "not " +
        detail::to_printable(answer.body.substr(0, 100)));
  answer.status = status.get<int>();
  for (const auto& [name, value] : headers.items()) {
    if (value.is_string()) answer.headers.add(name, value.get<std::string>());
  }
  const json body = whole.value("body", json());
  answer.body = body.is_string() ? body.get<std::string>() : encode(body);
}

INNGEST_INLINE http_server_body::http_server_body(embedded::engine& engine, http_server_options options)
    : engine_(engine),
      options_(std::move(options)),
      access_(access_of(options_), engine_api::refusal),
      live_([this] { return engine_.sequence(); },
            std::clamp<std::size_t>(detail::http_listener::within_file_limit(options_.max_connections) / 4, 1,
                                    100)) {
  if (options_.connections == 0 || options_.max_connections == 0)
    throw configuration_error("http_server_options: connections and max_connections must be at least 1");
  for (const std::chrono::milliseconds time :
       {options_.header_timeout, options_.body_timeout, std::chrono::milliseconds(options_.call_timeout)}) {
    if (time != detail::within_a_year(time, std::chrono::milliseconds(1)))
      throw configuration_error("http_server_options: a timeout must be from 1 ms to 366 days");
  }
  if (!access_.has_keys() && !options_.allow_anyone && !detail::is_loopback_only(options_.host))
    throw configuration_error(
        "the engine must not listen on \"" + options_.host +
        "\" without keys, because other machines can reach it there. Set signing_key and event_keys in "
        "http_server_options, or allow_anyone = true");
  listener_.emplace(detail::listener_options{.host = options_.host,
                                             .port = options_.port,
                                             .workers = options_.connections,
                                             .max_connections = options_.max_connections,
                                             .max_body_size = options_.max_body_size,
                                             .header_timeout = options_.header_timeout,
                                             .body_timeout = options_.body_timeout});
  // all ports of a host share cookies
  access_.name_cookie("inngest_session_" + std::to_string(port()));
  router_ =
      std::make_shared<app_router>(std::make_shared<app_calls>(access_.signing_key(), options_.call_timeout));
  engine_.reach_apps_by(router_);
  try {
    start();
  } catch (...) {
    engine_.reach_apps_by(nullptr);
    throw;
  }
}

INNGEST_INLINE http_server_body::~http_server_body() {
  listener_.reset();
  engine_.reach_apps_by(nullptr);
}

INNGEST_INLINE void http_server_body::attach(std::shared_ptr<server_gateway> gateway) {
  if (router_->gateway()) throw configuration_error("the http_server already has a connect_gateway");
  router_->set_gateway(std::move(gateway));
}

INNGEST_INLINE std::string http_server_body::url() const {
  const bool everywhere = options_.host.empty() || options_.host == "0.0.0.0" || options_.host == "::";
  const bool is_v6 = options_.host.find(':') != std::string::npos && !everywhere;
  const std::string host = everywhere ? "127.0.0.1" : is_v6 ? "[" + options_.host + "]" : options_.host;
  return "http://" + host + ":" + std::to_string(port());
}

INNGEST_INLINE std::string http_server_body::sign_in_url() {
  return access_.has_keys() ? url() + "/sign-in?token=" + access_.people().new_token() : url();
}

INNGEST_INLINE access_options http_server_body::access_of(const http_server_options& options) {
  access_options out{.signing_key = options.signing_key,
                     .event_keys = options.event_keys,
                     .metrics_key = options.metrics_key};
  out.hosts = options.hosts;
  const bool is_v6 = options.host.find(':') != std::string::npos;
  if (!options.host.empty()) out.hosts.push_back(is_v6 ? "[" + options.host + "]" : options.host);
  std::erase_if(out.hosts, [](const std::string& host) { return host == "0.0.0.0" || host == "[::]"; });
  return out;
}

INNGEST_INLINE void http_server_body::start() {
  listener_->start(
      [this](const http::request& head) -> std::optional<http::response> {
        auto refusal = access_.refusal(head);
        if (!refusal) return std::nullopt;
        log_refusal(head, refusal->status);
        return guarded(std::move(*refusal));
      },
      [this](const http::request& request) { return answer(request); },
      [](int status, const std::string& problem) { return guarded(engine_api::refusal(status, problem)); },
      [this](const http::request& head) {
        detail::opened_body out = realtime().open_body(head);
        if (out.refusal) out.refusal = guarded(std::move(*out.refusal));
        return out;
      });
}

INNGEST_INLINE server_realtime http_server_body::realtime() const {
  // The other half is for those who do not stay.
  const std::size_t most = detail::http_listener::within_file_limit(options_.max_connections) / 2;
  return server_realtime(engine_, (std::max)(most, std::size_t{1}));
}

INNGEST_INLINE std::string_view http_server_body::known_route(std::string_view url) {
  for (const std::string_view route : std::initializer_list<std::string_view>{
           "/e", "/fn", "/v0", "/v1", "/v2", "/api", "/metrics", "/dev", "/health", "/sign-in"}) {
    if (url.starts_with(route) && url.substr(route.size()).find_first_not_of("/?") != 0) return route;
  }
  return "another path";
}

INNGEST_INLINE void http_server_body::log_refusal(const http::request& request, int status) {
  const auto held_back = refusals_.pass(status);
  if (!held_back) return;
  const char* reason = status == 401   ? "a key is missing or wrong, or the browser is not signed in"
                       : status == 403 ? "a web page of another origin sent it"
                       : status == 421 ? "its Host is not one of http_server_options::hosts"
                                       : "its method or content type is not supported";
  std::string line =
      "the engine's server refused a request to " + std::string(known_route(request.url)) + ": " + reason;
  if (*held_back > 0) line += " (and " + std::to_string(*held_back) + " more since the last such line)";
  engine_.log().warn(line);
}

INNGEST_INLINE http::response http_server_body::guarded(http::response answer) {
  const auto add = [&](const char* name, std::string value) {
    if (!answer.headers.find(name)) answer.headers.add(name, std::move(value));
  };
  add(protocol::header::server_kind, "dev");
  add("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  add("x-frame-options", "DENY");
  add("x-content-type-options", "nosniff");
  add("referrer-policy", "no-referrer");
  add("cross-origin-opener-policy", "same-origin");
  if (!answer.headers.find("access-control-allow-origin")) add("cross-origin-resource-policy", "same-origin");
  add("cache-control", "no-store");
  return answer;
}

INNGEST_INLINE detail::listener_answer http_server_body::answer(const http::request& request) {
  http::response out;
  try {
    const auto make = [this](std::size_t most) { return listener_->make_open_answer(most); };
    auto open = realtime().subscribe(request, make);
    if (!open) open = live_.subscribe(request, make);
    if (open) {
      open->response = guarded(std::move(open->response));
      return std::move(*open);
    }
    out = respond(request);
    if (access_.is_open_to_pages(request)) out.headers.add("access-control-allow-origin", "*");
  } catch (const std::exception& problem) {
    out = engine_api::refusal(500, problem.what());
  } catch (...) {  // a user's store may throw anything
    out = engine_api::refusal(500, "something was thrown that is not a std::exception");
  }
  return guarded(std::move(out));
}

INNGEST_INLINE http::response http_server_body::respond(http::request request) {
  if (request.method == "HEAD") {
    // some programs open links before users do: that must not use up the token
    if (request.path() == "/sign-in") return {.status = 204};
    request.method = "GET";  // the listener omits the body
  }
  return request.method == "GET" ? handle(request) : change(request);
}

INNGEST_INLINE http::response http_server_body::change(const http::request& request) {
  const std::vector<std::string> path = detail::path_parts(request.path());
  const changing_route* route = find_changing_route(request.method, path);
  if (!route)
    return engine_api::refusal(
        404, "the embedded engine has no " + request.method + " " + std::string(request.path()));
  // a parameter that is ignored, such as ?dry_run=true, must not change more than was asked for
  if (path[0] == "api" && !route->has_parameters && request.url.find('?') != std::string::npos)
    return engine_api::refusal(400, "this route has no parameters: send members of a JSON body");
  if (route->action.empty()) return handle(request);
  audit_scope scope(access_.actor_of(request));
  http::response out = handle(request);
  if (out.status >= 300 || scope.has_entry()) return out;
  try {
    engine_.audit({.actor = scope.actor(),
                   .action = std::string(route->action),
                   .target = target_of(*route, path),
                   .details = route->keeps_body ? shortened(request.body, 2000) : std::string()});
  } catch (const std::exception& problem) {  // the engine stores the entry with its next commit
    engine_.log().error(std::string("the audit trail could not be written: ") + problem.what());
  }
  return out;
}

INNGEST_INLINE http::response http_server_body::handle(const http::request& request) {
  try {
    if (const auto own = own_answer(request)) return *own;
  } catch (const payload_error& problem) {
    return engine_api::refusal(400, problem.what());
  } catch (const configuration_error& problem) {
    return engine_api::refusal(400, problem.what());
  } catch (const protocol_error& problem) {
    return engine_api::refusal(400, problem.what());
  } catch (const unreachable& problem) {
    return engine_api::refusal(503, problem.what());
  } catch (const std::exception& problem) {
    return engine_api::refusal(500, problem.what());
  }
  return engine_api(engine_).answer(request);
}

INNGEST_INLINE std::optional<http::response> http_server_body::own_answer(const http::request& request) {
  const std::string path = request.path();
  const bool gets = request.method == "GET";
  const bool sends = request.method == "POST" && detail::path_parts(path).front() == "e";
  if (sends && engine_.queued_runs() >= options_.max_queued_runs)
    return engine_api::refusal(429, "too many runs are queued: send the events again later");
  if (gets && (path == "/" || path == "/index.html")) return page();
  if (gets && path == "/sign-in") return sign_in(request);
  if (gets && path == "/health") return engine_api::answer_of(200, {{"status", 200}, {"message", "OK"}});
  if (gets) {
    if (auto told = operating_api(engine_, access_.is_known(request)).answer(path)) return told;
  }
  if (gets) {
    if (auto told = apps_api(engine_).answer(request)) return told;
  }
  if (auto told = control_api(engine_, options_.backup_folder, turns_).answer(request, path)) return told;
  if (gets && path == "/dev") return engine_api::answer_of(200, described());
  if (path.starts_with("/v0/connect/")) return gateway_answer(request);
  const bool registers = request.method == "POST" || request.method == "PUT";
  if (registers && path == "/fn/register") return register_app(request);
  if (request.method == "POST" && path.starts_with("/v1/checkpoint/") && path.ends_with("/async"))
    return checkpoint(request, path.substr(15, path.size() - 15 - 6));
  if (is_endpoint_route(request)) return endpoint_answer(request);
  return page_answer(request, path);
}

INNGEST_INLINE http::response http_server_body::endpoint_answer(const http::request& request) {
  constexpr std::chrono::seconds longest(20);
  if (!is_response_route(request)) return engine_.answer_endpoint(request, longest);
  // Waiting clients must leave enough threads for the apps, or no run would end.
  const std::size_t most = (std::max)(options_.connections / 2, std::size_t{1});
  struct waiting {
    std::atomic<std::size_t>& count;
    ~waiting() { --count; }
  };
  const bool may_wait = ++waiting_for_responses_ <= most && options_.connections > 1;
  const waiting counted{waiting_for_responses_};
  return engine_.answer_endpoint(request, may_wait ? longest : std::chrono::seconds(0));
}

INNGEST_INLINE http::response http_server_body::page() {
  std::string body;
  for (const std::string_view piece : detail::web_page) body += piece;
  return {.status = 200,
          .headers = {{"content-type", "text/html; charset=utf-8"},
                      {"content-security-policy", std::string(detail::web_page_policy)}},
          .body = std::move(body)};
}

INNGEST_INLINE http::response http_server_body::sign_in(const http::request& request) {
  const auto secret = access_.people().exchange(request.query("token").value_or(""));
  const std::string text = secret ? "<meta http-equiv=\"refresh\" content=\"0;url=/\"><p>Signed in. "
                                    "<a href=\"/\">Open the page</a>"
                                  : "<p>This sign-in link is unknown or was used before. Ask the server's "
                                    "program for a new one.";
  http::response out{.status = secret ? 200 : 401,
                     .headers = {{"content-type", "text/html; charset=utf-8"}},
                     .body = "<!doctype html><html lang=\"en\"><title>inngest-cpp</title>" + text + "\n"};
  const auto seconds = std::chrono::seconds(sign_ins::session_length).count();
  if (secret)
    out.headers.add("set-cookie", access_.cookie() + "=" + *secret + "; Path=/; Max-Age=" +
                                      std::to_string(seconds) + "; HttpOnly; SameSite=Strict");
  return out;
}

INNGEST_INLINE std::optional<http::response> http_server_body::page_answer(const http::request& request,
                                                                           const std::string& path) {
  const page_api pages(engine_);
  const std::string_view run = "/api/runs/";
  if (auto told = rerun_api(engine_).answer(request)) return told;
  if (auto told = bulk_api(engine_).answer(request)) return told;
  if (request.method != "GET") return std::nullopt;
  if (path == "/api/state") return engine_api::answer_of(200, pages.state());
  if (const auto found = find_api(engine_).answer(request)) return engine_api::answer_of(200, *found);
  if (!path.starts_with(run)) return std::nullopt;
  const auto found = pages.run_details(path.substr(run.size()));
  return found ? engine_api::answer_of(200, *found)
               : engine_api::refusal(404, "there is no run \"" + path.substr(run.size()) + "\"");
}

INNGEST_INLINE json http_server_body::described() const {
  return {{"version", INNGEST_VERSION},
          {"authed", access_.has_keys()},
          {"startOpts", {{"sdkURLs", nullptr}, {"urls", json::array()}, {"dir", ""}}},
          {"functions", json::array()},
          {"handlers", json::array()}};
}

INNGEST_INLINE http::response http_server_body::gateway_answer(const http::request& request) const {
  const auto gateway = router_->gateway();
  if (!gateway && router_->had_gateway())
    return engine_api::refusal(503, "this server is stopping: its connect_gateway has closed");
  if (!gateway)
    return engine_api::refusal(501,
                               "this server accepts no workers over Connect: its program must create an "
                               "inngest::embedded::connect_gateway beside the http_server");
  if (auto out = gateway->answer(request)) return std::move(*out);
  return engine_api::refusal(404, "the gateway has no " + request.method + " " + std::string(request.path()));
}

INNGEST_INLINE http::response http_server_body::register_app(const http::request& request) {
  const std::string_view kind = request.headers.find(protocol::header::expected_server_kind).value_or("");
  if (!kind.empty() && kind != "dev" && !access_.has_keys())
    throw configuration_error("Expected server kind " + std::string(kind) + ", got dev");
  const json body = detail::parse_dom(request.body);
  const json& id = registered_member(body, "appName");
  if (!id.is_string() || id.empty() || id == "") throw payload_error("appName", "missing");
  engine_.register_app(id.get<std::string>(), request.body);
  return engine_api::answer_of(200, {{"ok", true},
                                     {"modified", true},
                                     {"status", 200},
                                     {"sync_id", random_uuid()},
                                     {"app_id", app_uuid(id.get<std::string>())}});
}

INNGEST_INLINE http::response http_server_body::checkpoint(const http::request& request,
                                                           const std::string& run_id) {
  const detail::json_buffer body(request.body);
  const std::string call = detail::find_text(body.text(), "qi_id");
  const std::string_view steps = detail::find_member(body, "steps");
  std::uint64_t id = 0;
  const char* const end = call.data() + call.size();
  if (std::from_chars(call.data(), end, id).ptr != end) id = 0;  // that of no call
  if (!engine_.checkpoint(run_id, id, std::string(steps)))
    return engine_api::refusal(409, "run \"" + run_id + "\" has ended, or was called again since");
  return engine_api::answer_of(200, {{"data", json::object()}});
}

}  // namespace inngest::inline INNGEST_ABI::embedded
