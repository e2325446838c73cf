#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/api.hpp>
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
  /// Answers at once and sends white space while a function runs, so that nothing in between takes the
  /// connection for dead. For functions with steps of minutes behind a proxy or on a platform with a limit.
  bool streaming = false;
  /// The time between two pieces of that white space.
  duration_ms heartbeat = std::chrono::seconds(3);
  /// For tests: goes through each handler a second time and fails the call for good when it then comes to
  /// other steps. Checkpointing is off meanwhile.
  bool strict = false;
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
/// without sockets of its own. Copies share one state; it may be called from many threads at once.
///
/// - GET describes the app, in little when nobody proves to be its server.
/// - PUT registers the app's functions: with the server, or (in-band) in the answer.
/// - POST runs a function, or one step of it.
class handler {
 public:
  /// \throws configuration_error when two functions have the same id, or one is of another app.
  handler(inngest::client client, std::vector<any_function> functions, serve_options options = {})
      : shared_(std::make_shared<const state>(std::move(client), functions, std::move(options))) {}

  const serve_options& options() const { return shared_->options; }
  const inngest::client& client() const { return shared_->client; }
  /// All functions, the companions of others among them.
  const std::vector<any_function>& functions() const { return shared_->functions; }

  /// The answer to a request. Throws nothing: what goes wrong becomes an answer with a reason.
  http::response operator()(http::request request) const {
    return guarded([&] { return answer(std::move(request)); });
  }

  /// Keeps results of a call's steps while its function goes on.
  using save_results = std::function<execution::checkpoints::saved(const std::vector<protocol::operation>&)>;

  /// The answer to a call made by this process itself: nobody else could have made it, so it is not signed.
  /// `save` is asked instead of a server, as the checkpointing options of function or client say. `stop` asks
  /// the call to stop.
  http::response answer_in_process(http::request request, const save_results& save = {},
                                   const execution::call_stop& stop = {}) const {
    return guarded([&] { return call(std::move(request), save ? &save : nullptr, stop); });
  }

  /// Stops working: new calls are refused with 503, calls under way are asked to stop through their stop
  /// tokens, and are waited for until the grace is over. True when none is under way any more. To a server a
  /// call that was refused or interrupted is a failed attempt: send it no more calls before. All copies of
  /// the handler stop. Call it before the HTTP server stops, which still has to send the answers.
  bool drain(std::chrono::milliseconds grace = std::chrono::seconds(10)) const {
    constexpr std::chrono::milliseconds shortest{0}, longest = std::chrono::hours(366 * 24);
    call_registry& calls = shared_->calls;
    std::vector<execution::call_stop> running;
    {
      const std::lock_guard lock(calls.mutex);
      calls.is_draining = true;
      running.assign(calls.under_way.begin(), calls.under_way.end());
    }
    for (const execution::call_stop& stop : running) stop.request_shutdown();
    std::unique_lock lock(calls.mutex);
    return calls.ended.wait_for(lock, std::clamp(grace, shortest, longest),
                                [&] { return calls.under_way.empty(); });
  }

  /// How many calls of functions are under way, those whose answers are still to be made.
  std::size_t calls_under_way() const {
    const std::lock_guard lock(shared_->calls.mutex);
    return shared_->calls.under_way.size();
  }

  /// A step's result, as JSON text, as the function's middleware leaves it. Of a function that is not here,
  /// as the client's does.
  std::string read_result(std::string_view slug, std::string_view run_id, const step_info& step,
                          std::string result) const {
    const auto found = shared_->by_slug.find(slug);
    const execution::hooks& hooks =
        found == shared_->by_slug.end() ? shared_->of_client : found->second.hooks;
    const std::string function_id = found == shared_->by_slug.end() ? "" : found->second.function->id();
    return hooks.read_result({.function_id = function_id, .run_id = run_id}, step, std::move(result));
  }
  /// The same for what a function returned: it is read as by a step that had invoked it.
  std::string read_output(std::string_view slug, std::string_view run_id, std::string output) const {
    return read_result(slug, run_id,
                       {.id = "output", .name = "output", .kind = step_kind::invoke, .memoized = true},
                       std::move(output));
  }

  /// Registers the app's functions with its server, which will call them at `url`. Do so when the app starts;
  /// a dev server that polls finds the app by itself.
  sync_result sync(const std::string& url) const { return sync(url, {}); }

 private:
  /// `deployment` is an id that a hosting platform gave to this version of the app.
  sync_result sync(std::string url, const std::string& deployment) const {
    const std::string query = deployment.empty() ? "" : "?deployId=" + http::percent_encoded(deployment);
    url += query;
    detail::json_object_text body;
    body.add("v", "0.1").add("url", url).add("deployType", "ping").add("sdk", protocol::sdk_name);
    body.add("framework", options().framework).add("appName", client().id());
    body.add_if("deployId", deployment)
        .add_if("appVersion", settings().app_version())
        .add_raw("functions", describe_functions(url));
    body.add_raw("capabilities", protocol::capabilities);
    http::request request{.method = "POST", .url = "/fn/register" + query, .body = body.text()};
    request.headers.add(protocol::header::expected_server_kind, std::string(to_string(settings().mode())));
    request.headers.add(protocol::header::sync_kind, protocol::out_of_band);
    try {
      return read_sync_answer(client().call_api(std::move(request)));
    } catch (const unreachable& problem) {
      return {.message = std::string("no Inngest server answered at ") + settings().api_base_url() + ": " +
                         problem.what()};
    }
  }

  struct served_function {
    const any_function* function;
    execution::hooks hooks;
  };

  struct call_registry {
    std::mutex mutex;
    std::condition_variable ended;
    std::list<execution::call_stop> under_way;
    bool is_draining = false;
  };

  /// A call that is under way while this lives.
  class registered_call {
   public:
    /// False: the handler drains.
    registered_call(call_registry& calls, const execution::call_stop& stop) : calls_(calls) {
      const std::lock_guard lock(calls_.mutex);
      if (!calls_.is_draining) place_ = calls_.under_way.insert(calls_.under_way.end(), stop);
    }
    ~registered_call() {
      const std::lock_guard lock(calls_.mutex);
      if (place_) calls_.under_way.erase(*place_);
      calls_.ended.notify_all();  // under the lock: who waits for it may destroy the registry
    }
    registered_call(const registered_call&) = delete;
    registered_call& operator=(const registered_call&) = delete;
    bool is_refused() const { return !place_; }

   private:
    call_registry& calls_;
    std::optional<std::list<execution::call_stop>::iterator> place_;
  };

  struct state {
    state(inngest::client served, const std::vector<any_function>& list, serve_options chosen)
        : client(std::move(served)),
          functions(with_companions(list)),
          options(std::move(chosen)),
          of_client(client.settings().middleware(), {}) {
      for (const any_function& each : functions) {
        if (each.app_id() != client.id()) {
          throw configuration_error("function \"" + each.id() + "\" belongs to app \"" + each.app_id() +
                                    "\", not to \"" + client.id() + "\"");
        }
        execution::hooks hooks(client.settings().middleware(), each.options().middleware);
        hooks.each([&](middleware& one) { one.on_register(each); });
        if (!by_slug.emplace(each.slug(), served_function{&each, std::move(hooks)}).second) {
          throw configuration_error("two functions of app \"" + client.id() + "\" have the id \"" +
                                    each.id() + "\"");
        }
      }
      world.now = [] { return std::chrono::system_clock::now(); };
      world.send = [sender = client](const std::vector<any_event>& events, const execution::replay& replay) {
        return sender.send(events, replay.hooks(), replay.info().traceparent).ids;
      };
      world.call_api = [caller = client](http::request request) {
        return caller.call_api(std::move(request));
      };
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    static std::vector<any_function> with_companions(const std::vector<any_function>& list) {
      std::vector<any_function> out;
      for (const any_function& each : list) {
        out.push_back(each);
        out.insert(out.end(), each.companions().begin(), each.companions().end());
      }
      return out;
    }

    inngest::client client;
    std::vector<any_function> functions;
    serve_options options;
    execution::hooks of_client;
    std::map<std::string, served_function, std::less<>> by_slug;
    execution::environment world;
    /// When results may be saved again, in milliseconds of the steady clock: not soon after a server took
    /// none.
    mutable std::atomic<std::int64_t> checkpoints_from{std::numeric_limits<std::int64_t>::min()};
    /// Of refused requests, by the reason.
    mutable detail::log_limiter refusals;
    mutable call_registry calls;
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
    } catch (...) {  // of middleware, say
      const auto thrown = protocol::describe(std::current_exception(), shared_->world.now()).info;
      client().log().error("serve: " + thrown.message);
      return message(500, thrown.message);
    }
  }

  // ---- who asks -------------------------------------------------------------------------------------

  /// Whether the request proves to come from the app's server, and with which key.
  struct identity {
    bool verified = false;
    bool refused = false;  // a signature is wrong, or missing where it is needed
    std::string key{};
    protocol::signature_check check{};
  };

  /// The body becomes the bytes that were signed: nothing else of it may be read.
  identity identify(http::request& request) const {
    const auto signature = request.headers.find(protocol::header::signature);
    const bool must = settings().mode() == mode::cloud;
    if (!signature) return {.refused = must};
    const signing_keys keys = client().keys();
    auto check = protocol::check_signature(*signature, request.body, {keys.current, keys.fallback}, now());
    if (!check.is_good()) {
      const bool has_keys = !keys.current.empty() || !keys.fallback.empty();
      return {.refused = must || has_keys, .check = std::move(check)};
    }
    if (check.canonical) request.body = std::move(*check.canonical);
    return {.verified = true, .key = check.key == 0 ? keys.current : keys.fallback};
  }

  /// Refuses a request, and says why in the log: the caller is told nothing.
  http::response refuse(const identity& caller) const {
    const signing_keys keys = client().keys();
    const bool no_keys = settings().mode() == mode::cloud && keys.current.empty() && keys.fallback.empty();
    const auto kind = no_keys ? protocol::signature_state::no_key : caller.check.state;
    if (const auto held_back = shared_->refusals.pass(static_cast<int>(kind))) {
      std::string text = "a request was refused: ";
      text += no_keys ? "cloud mode needs INNGEST_SIGNING_KEY (for a dev server, set INNGEST_DEV=1)"
                      : caller.check.reason();
      if (*held_back > 0)
        text += " (" + std::to_string(*held_back) + " more were refused for this since the last message)";
      client().log().log(no_keys ? log_level::error : log_level::warn, text);
    }
    return bare_answer(401, "unauthorized");
  }

  static std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }

  // ---- what is asked --------------------------------------------------------------------------------

  http::response answer(http::request request, const execution::call_stop& stop = {}) const {
    if (request.body.size() > options().max_body_size) return bare_answer(413, "the body is too large");
    identity caller = identify(request);
    const bool is_call = request.method == "POST" && !request.query("probe");
    if (is_call && options().streaming && !caller.refused)
      return streamed(std::move(request), std::move(caller));
    return signed_answer(std::move(request), caller, stop);
  }

  http::response signed_answer(http::request request, const identity& caller,
                               const execution::call_stop& stop) const {
    http::response out = guarded([&] { return route(std::move(request), caller, stop); });
    if (caller.verified)
      out.headers.add(protocol::header::signature, protocol::sign(out.body, caller.key, now()));
    return out;
  }

  http::response route(http::request request, const identity& caller,
                       const execution::call_stop& stop) const {
    if (request.method == "PUT") return register_functions(request, caller);
    if (caller.refused) return refuse(caller);
    if (request.method == "GET") return json_answer(200, introspection(caller));
    if (request.method != "POST") return message(405, "method not allowed: use GET, PUT or POST");
    if (const auto probe = request.query("probe")) {
      return *probe == "trust" ? json_answer(200, "null") : message(400, "unknown probe");
    }
    return call(std::move(request), nullptr, stop);
  }

  http::response register_functions(const http::request& request, const identity& caller) const {
    const bool in_band = request.headers.find(protocol::header::sync_kind) == protocol::in_band;
    const bool dev = settings().mode() == mode::dev;
    // Without a signature the Host header could be anybody's, and the server would be sent there.
    const bool trusted = caller.verified || (dev && !caller.refused) ||
                         (!in_band && !settings().serve_origin().empty() &&
                          !request.headers.find(protocol::header::signature));
    if (!trusted) return refuse(caller);
    // A server that holds the key is the app's own, whatever it calls itself.
    const std::string mismatch = caller.verified ? std::string() : server_mismatch(request.headers);
    if (!mismatch.empty()) return message(400, "not registered: " + mismatch);

    http::response out;
    if (in_band) {
      out = json_answer(200, in_band_answer(request, caller));
    } else {
      const sync_result result = sync(url_of(request), request.query("deployId").value_or(""));
      out = json_answer(
          result.ok ? 200 : 500,
          detail::json_object_text().add("message", result.message).add("modified", result.modified).text());
    }
    out.headers.add(protocol::header::sync_kind, in_band ? protocol::in_band : protocol::out_of_band);
    out.headers.add(protocol::header::expected_server_kind, std::string(to_string(settings().mode())));
    return out;
  }

  /// Says which is which when the other side is a server of the kind that the app is not set up for.
  std::string server_mismatch(const http::headers& headers) const {
    const auto kind = headers.find(protocol::header::server_kind);
    if (!kind || *kind == to_string(settings().mode())) return {};
    return settings().mode() == mode::dev
               ? "this app is in dev mode (INNGEST_DEV), and the server is a cloud or self-hosted one: unset "
                 "INNGEST_DEV and set INNGEST_SIGNING_KEY"
               : "this app is in cloud mode, and the server is a dev server: set INNGEST_DEV=1 to work with "
                 "it";
  }

  // ---- POST -----------------------------------------------------------------------------------------

  http::response call(http::request request, const save_results* save,
                      const execution::call_stop& stop) const {
    const registered_call registered(shared_->calls, stop);
    if (registered.is_refused()) {
      http::response out = message(503, "the app is stopping: it takes no more calls");
      out.headers.add(protocol::header::no_retry, "false");
      out.headers.add(protocol::header::retry_after, "1");
      return out;
    }
    const auto slug = request.query("fnId");
    if (!slug) return message(400, "the call names no function: fnId is missing");
    const auto found = shared_->by_slug.find(*slug);
    if (found == shared_->by_slug.end()) {
      return message(500, "app \"" + client().id() + "\" has no function \"" + *slug +
                              "\": has it been synced since it changed?");
    }
    const served_function& served = found->second;
    if (served.hooks.empty()) return call(served, request, std::move(request.body), save, stop);
    return served.hooks.template wrap<http::response>(
        [&](middleware& one, next_call<http::response> next) { return one.wrap_request(request, next); },
        [&] { return call(served, request, request.body, save, stop); });
  }

  http::response call(const served_function& served, const http::request& request, std::string body,
                      const save_results* save, const execution::call_stop& stop) const {
    using clock = std::chrono::steady_clock;
    const auto began = clock::now();
    protocol::call_request call(std::move(body), target_of(request));
    if (call.use_api()) fetch_state(call);
    const std::string traceparent(request.headers.find(protocol::header::traceparent).value_or(""));
    execution::replay_options replay_options{.function_id = served.function->id(),
                                             .traceparent = traceparent,
                                             .hooks = &served.hooks,
                                             .limits = settings().limits(),
                                             .trace_steps = options().strict,
                                             .stop = stop};
    auto checkpoints = save ? checkpoints_in_process(*served.function, call, *save)
                            : checkpoints_for(*served.function, call);
    if (checkpoints) replay_options.checkpoints = &*checkpoints;
    transform_input(served, call, replay_options);
    const auto parsed = clock::now();

    execution::outcome outcome = run(served, call, replay_options);
    if (options().strict) check_determinism(served, call, replay_options, outcome);
    for (const std::string& warning : outcome.warnings) {
      client().log().warn("function \"" + served.function->id() + "\", run " + call.run_id() + ": " +
                          warning);
    }
    http::response out = answer_for(std::move(outcome), request);
    const auto text_of = [](clock::duration duration) {
      return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
    };
    out.headers.add(protocol::header::server_timing, "parse;dur=" + text_of(parsed - began) +
                                                         ", handler;dur=" + text_of(clock::now() - parsed));
    for (const char* name : {protocol::header::traceparent, protocol::header::tracestate}) {
      if (const auto value = request.headers.find(name)) out.headers.add(name, std::string(*value));
    }
    return out;
  }

  execution::outcome run(const served_function& served, const protocol::call_request& call,
                         const execution::replay_options& replay_options) const {
    execution::replay replay(call, shared_->world, replay_options);
    const handler_resources resources{.log = client().log(),
                                      .of_function = served.function->options().dependencies,
                                      .of_client = settings().dependencies()};
    return replay.run([&](std::string& result) { served.function->handler()(replay, resources, result); });
  }

  /// Goes through the handler again, running no step, and compares which steps it comes to. A call that was
  /// stopped, as after the one step that it was to run, is compared as far as it went.
  void check_determinism(const served_function& served, const protocol::call_request& call,
                         execution::replay_options replay_options, execution::outcome& outcome) const {
    replay_options.rehearse = true;
    replay_options.checkpoints = nullptr;
    std::vector<std::string> again = run(served, call, replay_options).steps;
    std::vector<std::string> steps = outcome.steps;
    if (outcome.steps_before_going_on) steps.resize(*outcome.steps_before_going_on);
    if (outcome.stopped_early && again.size() > steps.size()) again.resize(steps.size());
    if (again == steps) return;
    const auto [first, second] = std::mismatch(steps.begin(), steps.end(), again.begin(), again.end());
    const auto name = [](auto at, auto end) {
      return at == end ? std::string("its end") : "step \"" + *at + "\"";
    };
    outcome.ended = execution::outcome::kind::failed;
    outcome.is_failure_among_operations = false;
    outcome.failure = protocol::failure{
        .info = {.name = "inngest::not_deterministic",
                 .message =
                     "function \"" + served.function->id() +
                     "\" is not deterministic: called twice with the same results, as step " +
                     std::to_string(first - steps.begin() + 1) + " it first came to " +
                     name(first, steps.end()) + " and then to " + name(second, again.end()) +
                     ": step ids must not differ between the calls of a run. Times, random numbers and "
                     "everything that changes belong into a step"},
        .retriable = false};
  }

  void transform_input(const served_function& served, protocol::call_request& call,
                       const execution::replay_options& replay_options) const {
    if (served.hooks.empty()) return;
    const call_info info{.function_id = replay_options.function_id,
                         .run_id = call.run_id(),
                         .attempt = call.attempt(),
                         .max_attempts = call.max_attempts(),
                         .traceparent = replay_options.traceparent};
    function_input input{.event = std::string(call.event()), .events = std::string(call.events())};
    served.hooks.each([&](middleware& one) { one.transform_function_input(info, input); });
    call.replace_events(std::move(input.event), std::move(input.events));
  }

  /// Fetches events and steps that were too large for the request.
  void fetch_state(protocol::call_request& call) const {
    const auto get = [&](const char* what) {
      const std::string path = "/v0/runs/" + http::percent_encoded(call.run_id()) + "/" + what;
      http::response answer = client().call_api({.method = "GET", .url = path});
      protocol::expect_success(answer, std::string("fetching the run's ") + what);
      if (answer.body.size() > options().max_body_size) throw too_large("the run's state is too large");
      return std::move(answer.body);
    };
    call.adopt_events(get("batch"));
    call.adopt_steps(get("actions"));
  }

  static std::optional<step_hash> target_of(const http::request& request) {
    const auto step = request.query("stepId");
    if (!step || *step == "step" || step->empty()) return std::nullopt;
    step_hash out{};
    if (!detail::from_hex(*step, out))
      throw protocol_error("stepId is neither \"step\" nor a step's hashed id");
    return out;
  }

  // ---- saving results while a function runs -----------------------------------------------------------

  std::optional<execution::checkpoints> checkpoints_for(const any_function& function,
                                                        const protocol::call_request& call) const {
    const checkpointing& chosen =
        function.options().checkpointing ? *function.options().checkpointing : settings().checkpointing();
    const bool possible =
        !call.function_uuid().empty() && !call.queue_item_id().empty() && !call.target() && !call.plan_only();
    if (!chosen.enabled || !possible || options().strict ||
        steady_milliseconds_now() < shared_->checkpoints_from)
      return std::nullopt;
    const std::int64_t started = milliseconds_now();
    return std::optional<execution::checkpoints>(
        std::in_place, chosen, execution::checkpoints::clock::now,
        [this, &call, started](const std::vector<protocol::operation>& operations) {
          return save(call, started, operations);
        });
  }

  std::optional<execution::checkpoints> checkpoints_in_process(const any_function& function,
                                                               const protocol::call_request& call,
                                                               const save_results& save) const {
    const checkpointing chosen = function.options().checkpointing.value_or(settings().checkpointing());
    if (!chosen.enabled || call.target() || call.plan_only()) return std::nullopt;
    return std::optional<execution::checkpoints>(std::in_place, chosen, execution::checkpoints::clock::now,
                                                 save);
  }

  static std::int64_t milliseconds_now() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return now.time_since_epoch().count();
  }

  static std::int64_t steady_milliseconds_now() {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
    return now.time_since_epoch().count();
  }

  execution::checkpoints::saved save(const protocol::call_request& call, std::int64_t started,
                                     const std::vector<protocol::operation>& operations) const {
    using saved = execution::checkpoints::saved;
    detail::json_object_text body;
    body.add("run_id", call.run_id()).add("fn_id", call.function_uuid()).add("qi_id", call.queue_item_id());
    body.add_if("request_id", call.request_id()).add("generation_id", call.generation_id());
    body.add("request_started_at", started).add_raw("steps", protocol::write_operations(operations));
    const http::request request =
        protocol::json_request("/v1/checkpoint/" + http::percent_encoded(call.run_id()) + "/async",
                               body.add("ts", milliseconds_now()).text());
    constexpr int attempts = 5;
    std::string problem;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50 << attempt));
      try {
        const http::response answer = client().call_api(request);
        if (answer.status >= 200 && answer.status < 300) return saved::yes;
        if (answer.status == 409) return saved::stale;
        problem = protocol::refusal(answer);
        if (answer.status < 500 && answer.status != 429 && answer.status != 408) break;
      } catch (const unreachable& failed) {
        problem = failed.what();
      }
    }
    constexpr std::int64_t pause = 60'000;
    shared_->checkpoints_from = steady_milliseconds_now() + pause;
    client().log().warn("run " + call.run_id() +
                        ": no server saved a step's result, so it goes into the answer: " + problem);
    return saved::no;
  }

  // ---- streaming --------------------------------------------------------------------------------------

  /// Answers with white space while the call runs, then with the answer itself as a JSON object.
  http::response streamed(http::request request, identity caller) const {
    http::response out = json_answer(201, {});
    auto call = std::make_shared<std::pair<http::request, identity>>(std::move(request), std::move(caller));
    out.stream = [self = *this, call](const http::chunk_writer& write) {
      const execution::call_stop stop;
      auto answer = std::async(
          std::launch::async, [&] { return self.signed_answer(std::move(call->first), call->second, stop); });
      const auto pause = std::clamp<std::chrono::milliseconds>(
          self.options().heartbeat, std::chrono::milliseconds(1), std::chrono::hours(1));
      while (answer.wait_for(pause) != std::future_status::ready) {
        if (!write(" ")) return stop.request();  // nobody listens; a body that does not stop runs to its end
      }
      const http::response inner = answer.get();
      detail::json_object_text headers;
      for (const auto& [name, value] : inner.headers) headers.add(name, value);
      detail::json_object_text text;
      text.add("status", inner.status).add_raw("headers", headers.text());
      write(text.add("body", inner.body).add("version", 2).text());
    };
    return out;
  }

  // ---- answers to calls -------------------------------------------------------------------------------

  http::response answer_for(execution::outcome outcome, const http::request& request) const {
    using kind = execution::outcome::kind;
    switch (outcome.ended) {
      case kind::completed:
        return json_answer(200, std::move(outcome.result));
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
    std::string found;
    for (const std::string& each : outcome.found) found += (found.empty() ? "\"" : ", \"") + each + "\"";
    http::response out = message(
        500, "the step whose id has the hash " + request.query("stepId").value_or("") +
                 " was not reached; the function came to " + (found.empty() ? "no new step" : found) +
                 ": step ids must not differ between the calls of a run, or the function was changed");
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

  std::string describe_functions(const std::string& url) const {
    return protocol::describe_each(functions(), [&](const any_function& each) {
      return protocol::describe_function(each.slug(), each.options(), each.triggers(), url);
    });
  }

  std::string introspection(const identity& caller) const {
    const signing_keys keys = client().keys();
    detail::json_object_text out;
    out.add("schema_version", "2024-05-24");
    out.add("function_count", static_cast<std::int64_t>(functions().size()));
    out.add("has_event_key", !settings().event_key().empty()).add("has_signing_key", !keys.current.empty());
    out.add("has_signing_key_fallback", !keys.fallback.empty()).add("mode", to_string(settings().mode()));
    if (!caller.verified) return out.text();
    const auto key_hash = [](const std::string& key) {  // enough to compare, too little to use
      return key.empty()
                 ? key
                 : protocol::hashed_signing_key(key.substr(protocol::prefix_length(key))).substr(0, 12);
    };
    const std::string& event_key = settings().event_key();
    out.add("authentication_succeeded", true).add("api_origin", settings().api_base_url());
    out.add("event_api_origin", settings().event_api_base_url()).add("app_id", client().id());
    out.add_raw("capabilities", protocol::capabilities).add_or_null("env", settings().env());
    out.add_or_null("event_key_hash", event_key.empty() ? event_key : detail::sha256_hex(event_key));
    out.add("framework", options().framework).add("sdk_language", "cpp").add("sdk_version", INNGEST_VERSION);
    out.add_or_null("serve_origin", settings().serve_origin());
    out.add_or_null("serve_path", settings().serve_path());
    out.add_or_null("signing_key_hash", key_hash(keys.current));
    return out.add_or_null("signing_key_fallback_hash", key_hash(keys.fallback)).text();
  }

  std::string in_band_answer(const http::request& request, const identity& caller) const {
    if (!request.body.empty() && !is_json(request.body))
      throw protocol_error("the body of the PUT is not JSON");
    const std::string asked = detail::find_text(request.body, "url");
    const std::string url = !asked.empty() && settings().serve_origin().empty() ? asked : url_of(request);
    detail::json_object_text out;
    out.add("app_id", client().id()).add_or_null("appVersion", settings().app_version());
    out.add_raw("capabilities", protocol::capabilities).add_or_null("env", settings().env());
    out.add("framework", options().framework).add_raw("functions", describe_functions(url));
    out.add_raw("inspection", introspection(caller)).add_or_null("platform", "");
    out.add("sdk_author", "inngest-cpp").add("sdk_language", "cpp").add("sdk_version", INNGEST_VERSION);
    return out.add("sdk", protocol::sdk_name).add("url", url).text();
  }

  static bool is_json(const std::string& body) {
    try {
      const detail::json_buffer buffer(body);
      detail::json_document document(buffer.text());
      detail::json_value root = document.root();
      const auto type = detail::type_of(root, {});
      return type == detail::json_type::object || type == detail::json_type::array;
    } catch (const payload_error&) {
      return false;
    }
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

  sync_result read_sync_answer(const http::response& answer) const {
    if (answer.status >= 200 && answer.status < 300) {
      bool modified = false;
      try {
        const detail::json_buffer body(answer.body.substr(0, 64 * 1024));
        modified = detail::find_member(body, "modified") == "true";
      } catch (const payload_error&) {  // taken all the same
      }
      return {.ok = true, .modified = modified, .message = "registered"};
    }
    std::string reason = protocol::refusal(answer);
    const bool about_key = answer.status == 401 || answer.status == 403;
    if (about_key && reason.find(' ') == std::string::npos) reason += " the signing key was refused";
    const std::string mismatch = server_mismatch(answer.headers);
    if (!mismatch.empty()) reason += ": " + mismatch;
    return {.message = "the server refused the registration: " + reason};
  }

  // ---- answers --------------------------------------------------------------------------------------

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
    return json_answer(status, detail::json_object_text().add("message", text).text());
  }

  /// Tells nothing of the app, not even that it is one: for callers who have not proved who they are.
  static http::response bare_answer(int status, const char* why) {
    return {.status = status,
            .headers = {{protocol::header::content_type, "application/json"}},
            .body = std::string("{\"message\":\"") + why + "\"}"};
  }

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
    if (options.streaming && !requires { adapter<Server>::streams; }) {
      throw configuration_error("serve_options::streaming: the adapter of \"" + options.framework +
                                "\" can't stream answers");
    }
    handler out(client, std::move(functions), std::move(options));
    adapter<Server>::mount(server, out);
    return out;
  } else {
    return handler(client, std::move(functions), std::move(options));
  }
}

}  // namespace inngest
