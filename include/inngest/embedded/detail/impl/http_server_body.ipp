#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/http_server_body.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE app_calls::app_calls(std::string signing_key, std::chrono::milliseconds timeout)
    : signing_key_(std::move(signing_key)), timeout_(timeout) {}

INNGEST_INLINE http::response app_calls::send(http::request request) {
  request.headers.add(protocol::header::server_kind, "dev");
  if (!signing_key_.empty()) {
    // The signature covers canonical JSON, which every SDK can compute from the body. The last of two members
    // with the same name counts.
    request.body = detail::canonical_json(encode(detail::parse_dom(request.body)));
    request.headers.add(
        protocol::header::signature,
        protocol::sign(request.body, signing_key_,
                       std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
  }
  http::response out = transport_.send(request, timeout_);
  if (out.status == 201) unwrap(out);
  return out;
}

INNGEST_INLINE void app_calls::unwrap(http::response& answer) {
  const json whole = detail::parse_dom(answer.body);
  answer.status = whole.value("status", 500);
  const json headers = whole.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    if (value.is_string()) answer.headers.add(name, value.get<std::string>());
  }
  const json body = whole.value("body", json());
  answer.body = body.is_string() ? body.get<std::string>() : encode(body);
}

INNGEST_INLINE http_server_body::http_server_body(engine& engine, http_server_options options)
    : engine_(engine), options_(std::move(options)), access_(access_of(options_), engine_api::refusal) {
  if (options_.connections == 0 || options_.max_connections == 0)
    throw configuration_error("http_server_options: connections and max_connections must be at least 1");
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
  // all ports of a host share its cookies
  access_.name_cookie("inngest_session_" + std::to_string(port()));
  // a call may outlive this server
  const auto calls = std::make_shared<app_calls>(access_.signing_key(), options_.call_timeout);
  engine_.call_apps_by([calls](http::request request) { return calls->send(std::move(request)); });
  try {
    start();
  } catch (...) {
    engine_.call_apps_by({});
    throw;
  }
}

INNGEST_INLINE http_server_body::~http_server_body() {
  listener_.reset();
  engine_.call_apps_by({});
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
  access_options out{.signing_key = options.signing_key, .event_keys = options.event_keys};
  out.hosts = options.hosts;
  const bool is_v6 = options.host.find(':') != std::string::npos;
  if (!options.host.empty()) out.hosts.push_back(is_v6 ? "[" + options.host + "]" : options.host);
  std::erase_if(out.hosts, [](const std::string& each) { return each == "0.0.0.0" || each == "[::]"; });
  return out;
}

INNGEST_INLINE void http_server_body::start() {
  listener_->start(
      [this](const http::request& head) -> std::optional<http::response> {
        auto refusal = access_.refusal(head);
        if (!refusal) return std::nullopt;
        log_refusal(refusal->status);
        return guarded(std::move(*refusal));
      },
      [this](const http::request& request) { return answer(request); },
      [](int status, const std::string& problem) { return guarded(engine_api::refusal(status, problem)); });
}

INNGEST_INLINE void http_server_body::log_refusal(int status) {
  const auto held_back = refusals_.pass(status);
  if (!held_back) return;
  const char* reason = status == 401   ? "a key is missing or wrong, or the browser is not signed in"
                       : status == 403 ? "a web page of another origin sent it"
                       : status == 421 ? "its Host is not one of http_server_options::hosts"
                                       : "its method or content type is not supported";
  std::string line = std::string("the engine's server refused a request: ") + reason;
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

INNGEST_INLINE http::response http_server_body::answer(const http::request& request) {
  http::response out;
  try {
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
    // some programs check links before people open them: that must not use up the token
    if (request.path() == "/sign-in") return {.status = 204};
    request.method = "GET";  // the listener omits the body
  }
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
  if (request.method == "POST" && path.starts_with("/e/") && has_full_queue())
    return engine_api::refusal(503, "too many runs are queued: send the events again later");
  if (gets && (path == "/" || path == "/index.html")) return page();
  if (gets && path == "/sign-in") return sign_in(request);
  if (gets && path == "/health") return engine_api::answer_of(200, {{"status", 200}, {"message", "OK"}});
  if (gets && path == "/dev") return engine_api::answer_of(200, described());
  const bool registers = request.method == "POST" || request.method == "PUT";
  if (registers && path == "/fn/register") return register_app(request);
  if (request.method == "POST" && path.starts_with("/v1/checkpoint/") && path.ends_with("/async"))
    return checkpoint(request, path.substr(15, path.size() - 15 - 6));
  return page_answer(request, path);
}

INNGEST_INLINE bool http_server_body::has_full_queue() {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(queue_mutex_);
  if (now >= count_again_) {
    queued_ = engine_.store().count_runs().queued;
    count_again_ = now + std::chrono::milliseconds(250);
  }
  return queued_ >= options_.max_queued_runs;
}

INNGEST_INLINE http::response http_server_body::page() {
  return {.status = 200,
          .headers = {{"content-type", "text/html; charset=utf-8"},
                      {"content-security-policy", std::string(detail::web_page_policy)}},
          .body = std::string(detail::web_page)};
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
  if (request.method == "POST" && path.starts_with(run) && path.ends_with("/rerun")) {
    const std::string id = path.substr(run.size(), path.size() - run.size() - 6);
    const auto again = engine_.rerun(id);
    return again
               ? engine_api::answer_of(200, {{"run_id", *again}})
               : engine_api::refusal(404, "there is no run \"" + id + "\", or its function no longer exists");
  }
  if (request.method != "GET") return std::nullopt;
  if (path == "/api/state") return engine_api::answer_of(200, pages.state());
  if (path == "/api/functions") return engine_api::answer_of(200, pages.functions());
  if (path == "/api/events") return engine_api::answer_of(200, pages.events(request));
  if (path == "/api/runs") return engine_api::answer_of(200, pages.runs(request));
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

INNGEST_INLINE http::response http_server_body::register_app(const http::request& request) {
  const json body = detail::parse_dom(request.body);
  const auto text = [&](const char* name) {
    const bool there = body.is_object() && body.contains(name) && body[name].is_string();
    return there ? body[name].get<std::string>() : std::string();
  };
  const std::string id = text("appName").empty() ? text("appname") : text("appName");
  if (id.empty()) throw payload_error("appName", "missing");
  engine_.register_app(id, request.body);
  return engine_api::answer_of(200, {{"ok", true}, {"modified", true}, {"status", 200}});
}

INNGEST_INLINE http::response http_server_body::checkpoint(const http::request& request,
                                                           const std::string& run_id) {
  const detail::json_buffer body(request.body);
  const std::string call = detail::find_text(body.text(), "qi_id");
  const std::string_view steps = detail::find_member(body, "steps");
  std::uint64_t id = 0;
  std::from_chars(call.data(), call.data() + call.size(), id);
  if (!engine_.checkpoint(run_id, id, std::string(steps)))
    return engine_api::refusal(409, "run \"" + run_id + "\" has ended, or was called again since");
  return engine_api::answer_of(200, {{"data", json::object()}});
}

}  // namespace inngest::inline INNGEST_ABI::embedded
