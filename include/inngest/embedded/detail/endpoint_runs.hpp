#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/registration_conflict.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/time/timestamp.hpp>

// The server's side of endpoints: apps begin runs themselves and report their progress, and the apps' clients
// request responses.

namespace inngest::inline INNGEST_ABI::embedded {

/// Whether a request is about the runs of endpoints.
bool is_endpoint_route(const http::request& request);

/// Whether a request asks for the response of a run. Its token authenticates it.
bool is_response_route(const http::request& request);

/// A run that an app has begun.
struct begun_run_request {
  std::string run_id{};
  incoming_event event{};
  std::string domain{};    // the app's origin, which is its id
  std::string path{};      // of the request
  std::string function{};  // the endpoint's id, or its method and path
  int retries = 0;
  std::string operations{};  // a JSON array
};

/// Reads the request with which an app begins a run.
/// \throws payload_error, protocol_error
begun_run_request read_begun_run_request(const std::string& body);

/// A token for the response of a run: when it expires, and a signature.
std::string response_token(std::string_view secret, std::string_view run_id, std::int64_t expires);

/// Whether the token was made for the run and has not expired. `now` is in seconds since 1970.
bool is_response_token(std::string_view token, std::string_view secret, std::string_view run_id,
                       std::int64_t now);

namespace endpoint {

/// The parts of the path after one of the two prefixes that SDKs use; `nullopt` for other paths.
std::optional<std::vector<std::string>> rest_of(const std::string& path);

/// SDKs expect the ids of functions and apps to be UUIDs, and send them back. This one encodes a number.
std::string uuid_of(std::uint64_t number);
std::uint64_t number_of(const std::string& uuid);

/// The registration of a remote endpoint.
std::string definition_of(const begun_run_request& begun, const std::string& slug);

http::response answer_of(int status, std::string body);
http::response refusal(int status, const std::string& problem);

std::int64_t seconds_of(timestamp now);

/// How long the sender of a request waits for the answer, as far as it says so. A request that is held longer
/// occupies a thread for nobody.
std::chrono::milliseconds max_wait(const http::request& request);

/// A stored response in the form in which it is sent, with the header field by which its app recognizes it.
std::optional<http::response> sent(std::string_view stored);

}  // namespace endpoint

/// Answers the requests about endpoints. Errors become answers; it does not throw. A template, to avoid a
/// circular include.
template <class Engine>
class endpoint_runs {
 public:
  explicit endpoint_runs(Engine& engine) : engine_(engine) {}

  /// `is_own`: this process has sent the request, so it refers to functions of this process. `wait` is how
  /// long a request for a response waits.
  http::response answer(const http::request& request, bool is_own, std::chrono::milliseconds wait) {
    try {
      return route(request, is_own, wait);
    } catch (const payload_error& problem) {
      return endpoint::refusal(400, problem.what());
    } catch (const protocol_error& problem) {
      return endpoint::refusal(400, problem.what());
    } catch (const configuration_error& problem) {
      return endpoint::refusal(400, problem.what());
    } catch (const unreachable& problem) {  // the engine can't write to its store
      return endpoint::refusal(503, problem.what());
    } catch (const std::exception& problem) {
      return endpoint::refusal(500, problem.what());
    } catch (...) {  // a user's store may throw anything
      return endpoint::refusal(500, "something was thrown that is not a std::exception");
    }
  }

 private:
  http::response route(const http::request& request, bool is_own, std::chrono::milliseconds wait) {
    const std::vector<std::string> rest =
        endpoint::rest_of(request.path()).value_or(std::vector<std::string>());
    if (rest.empty()) return begin(request, is_own);
    return rest.back() == "steps" ? report(request, rest.front()) : respond(request, rest.front(), wait);
  }

  http::response begin(const http::request& request, bool is_own) {
    const begun_run_request begun = read_begun_run_request(request.body);
    std::unique_lock lock(engine_.mutex_);
    if (engine_.core_.state().is_running(begun.run_id) || engine_.options_.store->find_run(begun.run_id))
      return endpoint::refusal(409, "the run already exists");
    const timestamp now = engine_.clock_.now();
    const std::string slug = slug_of(begun, is_own);
    const std::string secret = engine_.core_.token_secret(now);
    const std::uint64_t call = engine_.core_.begin_at_app(slug, begun.run_id, begun.event, now);
    // not held here: the app goes on with the next step before it can be told
    if (begun.operations != "[]")
      engine_.core_.report_at_app(begun.run_id, call, begun.operations, request.headers, now, false);
    engine_.commits_.commit_changes(lock);
    lock.unlock();
    engine_.deliver();
    constexpr std::int64_t hour = 3600;
    const std::string token = response_token(secret, begun.run_id, endpoint::seconds_of(now) + hour);
    const std::string ids =
        detail::json_object_text()
            .add("fn_id", endpoint::uuid_of(detail::sha1::of(slug)[0]))
            .add("app_id", endpoint::uuid_of(call))
            .add("run_id", begun.run_id)
            .add("token", token)
            .add("realtime_token", token)  // opens no channel, but TypeScript insists on a text
            .text();
    return endpoint::answer_of(200, detail::json_object_text().add_raw("data", ids).text());
  }

  /// The endpoint's slug. Registers a remote app's endpoint when it is new or has changed.
  /// \throws configuration_error
  std::string slug_of(const begun_run_request& begun, bool is_own) {
    const auto& all = engine_.core_.state().functions();
    if (is_own) {
      std::string own = detail::slug_of(engine_.app_.id(), begun.function);
      const auto found = all.find(own);
      if (found && found->is_endpoint && found->url.empty()) return own;
    }
    std::string slug = detail::slug_of(begun.domain, begun.function);
    const std::string definition = endpoint::definition_of(begun, slug);
    const auto known = all.find(slug);
    if (known && known->is_endpoint && known->text == detail::parse_dom(definition).dump()) return slug;
    std::string list = definition;
    for (const auto& [other, function] : all.all()) {
      if (function->app_id == begun.domain && other != slug) list += "," + function->text;
    }
    const app_record app{.id = begun.domain,
                         .text = detail::json_object_text().add_raw("functions", "[" + list + "]").text()};
    std::vector<function_definition> functions = read_registration(app);
    if (const auto conflict = find_registration_conflict(all.all(), app, functions))
      throw configuration_error(*conflict);
    engine_.core_.register_app(app, std::move(functions), engine_.clock_.now());
    return slug;
  }

  http::response report(const http::request& request, const std::string& run_id) {
    const detail::json_buffer whole(request.body);
    const std::string operations(detail::find_member(whole, "steps"));
    read_operations(operations);
    const std::uint64_t call = endpoint::number_of(detail::find_text(request.body, "app_id"));
    std::unique_lock lock(engine_.mutex_);
    const bool is_wanted =
        engine_.core_.report_at_app(run_id, call, operations, request.headers, engine_.clock_.now());
    engine_.commits_.commit_changes(lock);
    lock.unlock();
    engine_.deliver();
    if (!is_wanted) return endpoint::refusal(409, "the run has ended, or the engine already continues it");
    return endpoint::answer_of(200, "{\"data\":{}}");
  }

  http::response respond(const http::request& request, const std::string& run_id,
                         std::chrono::milliseconds wait) {
    {
      std::unique_lock lock(engine_.mutex_);
      const timestamp now = engine_.clock_.now();
      const std::string secret = engine_.core_.token_secret(now);
      const std::string token = request.query("token").value_or("");
      if (!is_response_token(token, secret, run_id, endpoint::seconds_of(now)))
        return endpoint::refusal(401, "the token is not valid for this run, or it has expired");
    }
    const bool is_stopping = await(run_id, (std::min)(wait, endpoint::max_wait(request)));
    const auto found = engine_.find_run(run_id);
    if (!found) return endpoint::refusal(404, "there is no run \"" + run_id + "\"");
    if (found->ended()) return response_of(*found);
    http::response out{.status = 302, .headers = {{"location", request.url}, {"cache-control", "no-store"}}};
    if (is_stopping) out.headers.add(protocol::header::retry_after, "1");
    return out;
  }

  /// Waits for the run's end. Returns whether the engine stops. Then it waits only for a moment: the client
  /// comes again, which it should not do at once, and the process may wait for this thread.
  bool await(const std::string& run_id, std::chrono::milliseconds wait) {
    using clock = std::chrono::steady_clock;
    constexpr std::chrono::seconds moment(1);
    const clock::time_point end = clock::now() + detail::within_a_year(wait);
    std::unique_lock lock(engine_.mutex_);
    ++engine_.waiting_for_responses_;
    std::optional<std::uint64_t> last;  // number of the run's last change
    const auto has_ended = [&] {
      if (!last && !engine_.core_.state().is_running(run_id)) last = engine_.core_.changed();
      return last && engine_.core_.committed() >= *last;
    };
    engine_.settled_.wait_until(lock, end, [&] { return engine_.core_.is_stopping() || has_ended(); });
    if (engine_.core_.is_stopping()) {
      const clock::time_point soon = (std::min)(end, clock::now() + moment);
      engine_.settled_.wait_until(lock, soon, [&] { return engine_.is_ending_ || has_ended(); });
    }
    --engine_.waiting_for_responses_;
    engine_.settled_.notify_all();
    return engine_.core_.is_stopping();
  }

  /// The response to a client whose run has ended.
  static http::response response_of(const run& ended) {
    if (auto out = endpoint::sent(ended.output_text)) return *std::move(out);
    if (ended.status == run_status::completed) return endpoint::answer_of(200, ended.output_text);
    const run_error error = ended.error.value_or(run_error{"Error", "the run was cancelled"});
    const std::string text = text_of(error);
    const detail::json_buffer buffer(text);
    if (const std::string_view response = detail::find_member(buffer, "response"); !response.empty()) {
      if (auto out = endpoint::sent(response)) return *std::move(out);
    }
    return endpoint::answer_of(200, detail::json_object_text().add_raw("error", text).text());
  }

  Engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/endpoint_runs.ipp>
#endif
