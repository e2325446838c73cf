#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/json_canonical.hpp>
#include <inngest/detail/json_dom.hpp>
#include <inngest/embedded/api.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/page_api.hpp>
#include <inngest/embedded/web_page.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::embedded {

struct http_server_options {
  /// Only this machine reaches it, unless another address is chosen. It asks nobody who they are, except for
  /// a signature where there is a signing key: don't open it to a network that you don't trust.
  std::string host = "127.0.0.1";
  /// 0 chooses a free one: see port().
  int port = 8288;
  /// Signs the calls of apps elsewhere and is asked of what only apps may do. None: as a dev server.
  std::string signing_key{};
  /// Connections that are answered at the same time; others wait. Apps keep theirs for a while.
  std::size_t connections = 64;
  /// How long an app elsewhere may take for a call.
  duration_ms call_timeout = std::chrono::hours(2);
};

/// Calls apps elsewhere, signed if there is a key.
class app_calls {
 public:
  app_calls(std::string signing_key, std::chrono::milliseconds timeout)
      : signing_key_(std::move(signing_key)), timeout_(timeout) {}

  http::response send(http::request request) {
    request.headers.add(protocol::header::server_kind, "dev");
    if (!signing_key_.empty()) {
      // what is signed is canonical JSON, which every SDK can make of what it reads; of two members with the
      // same name, such as a careless app's, the last counts
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

 private:
  /// An answer that was streamed has the real one in its body.
  static void unwrap(http::response& answer) {
    const json whole = detail::parse_dom(answer.body);
    answer.status = whole.value("status", 500);
    const json headers = whole.value("headers", json::object());
    for (const auto& [name, value] : headers.items()) {
      if (value.is_string()) answer.headers.add(name, value.get<std::string>());
    }
    const json body = whole.value("body", json());
    answer.body = body.is_string() ? body.get<std::string>() : encode(body);
  }

  const std::string signing_key_;
  const std::chrono::milliseconds timeout_;
  httplib_transport transport_;
};

/// An engine as a server: any Inngest SDK can send it events, register functions and be called by it, and
/// people can look at it with a browser.
///
///     inngest::embedded::http_server server{engine};  // http://127.0.0.1:8288
///
/// It listens while it lives; the engine must live longer.
class http_server {
 public:
  /// \throws configuration_error when it can't listen there.
  explicit http_server(engine& engine, http_server_options options = {})
      : engine_(engine), options_(std::move(options)) {
    server_.set_payload_max_length(INNGEST_MAX_BODY_SIZE);
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(1000);
    server_.new_task_queue = [threads = options_.connections] { return new httplib::ThreadPool(threads); };
    server_.set_socket_options([](socket_t socket) {  // by default two servers may share a port
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, reinterpret_cast<const char*>(&yes), sizeof yes);
    });
    const auto answered = [this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
    };
    server_.Get(".*", answered).Post(".*", answered).Put(".*", answered).Delete(".*", answered);
    port_ = options_.port == 0 ? server_.bind_to_any_port(options_.host)
                               : (server_.bind_to_port(options_.host, options_.port) ? options_.port : -1);
    if (port_ < 0) {
      throw configuration_error("the engine can't listen on " + options_.host + ":" +
                                std::to_string(options_.port) + ": is it in use?");
    }
    // a call may outlive this server
    const auto calls = std::make_shared<app_calls>(options_.signing_key, options_.call_timeout);
    engine_.call_apps_by([calls](http::request request) { return calls->send(std::move(request)); });
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }

  ~http_server() {
    server_.stop();
    thread_.join();
    engine_.call_apps_by({});
  }

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  int port() const { return port_; }
  /// Such as "http://127.0.0.1:8288".
  std::string url() const { return "http://" + options_.host + ":" + std::to_string(port_); }

 private:
  using engine_api = api<engine>;

  void answer(const httplib::Request& request, httplib::Response& response) {
    http::request wire{.method = request.method, .url = request.target, .body = request.body};
    for (const auto& [name, value] : request.headers) wire.headers.add(name, value);
    http::response out = answer(wire);
    response.status = out.status;
    std::string content_type = "application/json";
    for (const auto& [name, value] : out.headers) {
      if (name == "content-type")
        content_type = value;
      else
        response.set_header(name, value);
    }
    response.set_header(protocol::header::server_kind, "dev");
    response.set_content(std::move(out.body), content_type);
  }

  http::response answer(const http::request& request) {
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

  /// What is asked of a server and not of an engine.
  std::optional<http::response> own_answer(const http::request& request) {
    const std::string path = request.path();
    const bool gets = request.method == "GET";
    if (gets && (path == "/" || path == "/index.html")) return page();
    if (gets && path == "/health") return engine_api::answer_of(200, {{"status", 200}, {"message", "OK"}});
    if (gets && path == "/dev") return engine_api::answer_of(200, described());
    const bool registers = request.method == "POST" || request.method == "PUT";
    if (registers && path == "/fn/register") return register_app(request);
    if (request.method == "POST" && path.starts_with("/v1/checkpoint/") && path.ends_with("/async"))
      return checkpoint(request, path.substr(15, path.size() - 15 - 6));
    return page_answer(request, path);
  }

  // ---- the page -----------------------------------------------------------------------------------------

  static http::response page() {
    return {.status = 200,
            .headers = {{"content-type", "text/html; charset=utf-8"},
                        {"content-security-policy", std::string(web_page_policy)},
                        {"cache-control", "no-cache"}},
            .body = std::string(web_page)};
  }

  std::optional<http::response> page_answer(const http::request& request, const std::string& path) {
    const page_api pages(engine_);
    const std::string_view run = "/api/runs/";
    if (request.method == "POST" && path.starts_with(run) && path.ends_with("/rerun")) {
      const std::string id = path.substr(run.size(), path.size() - run.size() - 6);
      const auto again = engine_.rerun(id);
      return again ? engine_api::answer_of(200, {{"run_id", *again}})
                   : engine_api::refusal(404, "there is no run \"" + id + "\", or its function is gone");
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

  // ---- apps elsewhere -------------------------------------------------------------------------------------

  /// What SDKs look for to find a dev server.
  json described() const {
    return {{"version", INNGEST_VERSION},
            {"authed", !options_.signing_key.empty()},
            {"startOpts", {{"sdkURLs", nullptr}, {"urls", json::array()}, {"dir", ""}}},
            {"functions", json::array()},
            {"handlers", json::array()}};
  }

  bool is_allowed(const http::request& request) const {
    if (options_.signing_key.empty()) return true;
    const auto given = request.headers.find("authorization");
    const std::string wanted = "Bearer " + protocol::hashed_signing_key(options_.signing_key);
    return given && detail::equal_in_constant_time(*given, wanted);
  }

  http::response register_app(const http::request& request) {
    if (!is_allowed(request)) return engine_api::refusal(401, "the signing key is missing or wrong");
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

  http::response checkpoint(const http::request& request, const std::string& run_id) {
    if (!is_allowed(request)) return engine_api::refusal(401, "the signing key is missing or wrong");
    const detail::json_buffer body(request.body);
    const std::string call = detail::find_text(body.text(), "qi_id");
    const std::string_view steps = detail::find_member(body, "steps");
    std::uint64_t id = 0;
    std::from_chars(call.data(), call.data() + call.size(), id);
    if (!engine_.checkpoint(run_id, id, std::string(steps)))
      return engine_api::refusal(409, "run \"" + run_id + "\" has ended, or was called again since");
    return engine_api::answer_of(200, {{"data", json::object()}});
  }

  engine& engine_;
  http_server_options options_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace inngest::embedded
