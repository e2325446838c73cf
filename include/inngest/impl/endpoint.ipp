#pragma once

#include <algorithm>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/http/detail/collect_stream.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/endpoint_route.hpp>
#include <inngest/serving/pending_responses.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE http_error::http_error(int status, const std::string& message)
    : error(error_code::http, message), status_(std::clamp(status, 400, 599)) {}

namespace detail {

/// The stored request with a URL as frameworks provide it: without an origin.
INNGEST_INLINE http::request as_received(http::request stored) {
  const std::size_t mark = stored.url.find('?');
  stored.url = stored.path() + (mark == std::string::npos ? std::string() : stored.url.substr(mark));
  return stored;
}

}  // namespace detail

INNGEST_INLINE endpoint_context::endpoint_context(execution::replay& replay,
                                                  const handler_resources& resources)
    : endpoint_context(replay, resources, protocol::read_http_event(replay.request().event())) {}

INNGEST_INLINE endpoint_context::endpoint_context(execution::replay& replay,
                                                  const handler_resources& resources,
                                                  protocol::http_event described)
    : basic_context(replay, resources),
      request(replay.caller() ? *replay.caller() : detail::as_received(std::move(described.request))),
      client_address(std::move(described.ip)),
      client_waits_(replay.caller() != nullptr) {}

namespace detail {

INNGEST_INLINE void check_endpoint(const endpoint_options& options) {
  require_name(options.id, "endpoint_options::id");
  if (options.retries < 0 || options.retries > 20)
    throw configuration_error("endpoint \"" + options.id + "\": retries must be 0 to 20");
  if (options.methods.empty())
    throw configuration_error("endpoint \"" + options.id + "\": methods must not be empty");
  if (options.wait < std::chrono::milliseconds(1))
    throw configuration_error("endpoint \"" + options.id + "\": wait must be at least a millisecond");
}

/// Adapters compare the names of some fields.
INNGEST_INLINE http::headers in_lower_case(const http::headers& fields) {
  http::headers out;
  for (const auto& [name, value] : fields) out.add(lower_case(name), value);
  return out;
}

}  // namespace detail

INNGEST_INLINE durable_endpoint::durable_endpoint(inngest::client app, endpoint_options options,
                                                  endpoint_handler handler)
    : any_function(app.id(), function_of(options), {}, erased(std::move(handler)), {}, true),
      client_(std::move(app)),
      settings_(std::make_shared<const endpoint_options>(std::move(options))) {}

INNGEST_INLINE function_options durable_endpoint::function_of(const endpoint_options& options) {
  try {
    detail::check_endpoint(options);
  } catch (const payload_error& problem) {
    throw configuration_error(problem.what());
  }
  function_options out{.id = options.id, .retries = options.retries};
  out.middleware = options.middleware;
  out.dependencies = options.dependencies;
  return out;
}

INNGEST_INLINE any_function::handler_type durable_endpoint::erased(endpoint_handler handler) {
  return [handler = std::move(handler)](execution::replay& replay, const handler_resources& resources,
                                        std::string& result) {
    endpoint_context ctx(replay, resources);
    http::response response;
    try {
      response = handler(ctx);
    } catch (const http_error& problem) {
      response = {.status = problem.status(),
                  .headers = {{"content-type", "application/json"}},
                  .body = detail::json_object_text().add("message", problem.what()).text()};
    }
    response.headers = detail::in_lower_case(response.headers);
    if (!ctx.client_waits()) detail::collect_stream(response);  // a stored response must be complete
    protocol::write_http_result(result, response);
    replay.note_response(std::move(response));
  };
}

INNGEST_INLINE inngest::handler durable_endpoint::serve(serve_options options) const {
  const inngest::settings& chosen = client_.settings();
  if (chosen.mode() == mode::cloud && chosen.serve_origin().empty())
    client_.log().warn("endpoint \"" + id() +
                       "\": set INNGEST_SERVE_ORIGIN. Without it clients choose by the Host header where the "
                       "server continues their runs, and get its signatures there");
  return inngest::handler(client_, std::vector<any_function>{*this}, std::move(options),
                          std::make_shared<const serving::endpoint_route>(*settings_));
}

namespace detail {

class proxy_route final : public serving::route {
 public:
  proxy_route(std::string allow_origin, std::chrono::milliseconds wait)
      : allow_origin_(std::move(allow_origin)), wait_(wait) {}

  http::response answer(const serving::served_app& app, http::request request,
                        const execution::call_stop& stop) const override {
    http::response out = answer_inside(app, request, stop);
    if (request.method == "HEAD") out.body.clear();
    if (allow_origin_.empty()) return out;
    out.headers.add("access-control-allow-origin", allow_origin_);
    if (allow_origin_ != "*") out.headers.add("vary", "origin");
    return out;
  }

 private:
  http::response answer_inside(const serving::served_app& app, const http::request& request,
                               const execution::call_stop& stop) const {
    if (request.method == "OPTIONS")
      return {.status = 204,
              .headers = {{"access-control-allow-methods", "GET, OPTIONS"},
                          {"access-control-allow-headers", "content-type"},
                          {"access-control-max-age", "86400"}}};
    if (request.method != "GET" && request.method != "HEAD") {
      http::response out = serving::bare_answer(405, "method not allowed: use GET");
      out.headers.add("allow", "GET, HEAD, OPTIONS");
      return out;
    }
    const std::string run_id = request.query("runId").value_or("");
    const std::string token = request.query("token").value_or("");
    if (run_id.empty() || token.empty()) return serving::bare_answer(400, "runId or token is missing");
    const std::string here =
        "?runId=" + http::percent_encoded(run_id) + "&token=" + http::percent_encoded(token);
    return serving::answer_pending(app, app.client_hooks, run_id, token, here, wait_, stop);
  }

  const std::string allow_origin_;
  const std::chrono::milliseconds wait_;
};

}  // namespace detail

INNGEST_INLINE inngest::handler endpoint_proxy::serve(serve_options options) const {
  return inngest::handler(client_, std::vector<any_function>{}, std::move(options),
                          std::make_shared<const detail::proxy_route>(options_.allow_origin, options_.wait));
}

}  // namespace inngest::inline INNGEST_ABI
