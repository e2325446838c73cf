// A request to one of the routes that only the engine's own server has: to search, to put runs right, to
// control the engine, and the routes of a server that apps use. Each is answered, or refused in words;
// nothing is an error of the server itself.
//
// The input is a method, a space, a path with its query, a new line, and the body. "{run}", "{event}" and
// "{bulk}" stand for ids that the engine has.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/apps_api.hpp>
#include <inngest/embedded/detail/bulk_api.hpp>
#include <inngest/embedded/detail/control_api.hpp>
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/embedded/detail/find_api.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/serve.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

namespace http = inngest::http;
using namespace inngest::embedded;
using namespace std::chrono_literals;

using sent = inngest::event<"shop/sent">;

/// An engine with some runs: one has completed, one failed, one sleeps.
struct shop {
  inngest::client client{{.id = "shop",
                          .mode = inngest::mode::dev,
                          .log = inngest::logger(nullptr),
                          .environment = [](const char*) { return std::optional<std::string>(); }}};
  engine works{
      client,
      {client.create_function({.id = "done", .tags = {{"k", "event.data.k"}}}, inngest::on<sent>(),
                              [](auto& ctx) { return ctx.step.run("a", [] { return 1; }); }),
       client.create_function({.id = "fails", .retries = 0}, inngest::on<sent>(),
                              [](auto&) -> int { throw std::runtime_error("no"); }),
       client.create_function(
           {.id = "sleeps"}, inngest::any_of(inngest::on<sent>(), inngest::cron("TZ=Europe/Paris 0 9 * * *")),
           [](auto& ctx) { ctx.step.sleep("nap", 24h); })},
      {.workers = 1}};
  std::string event, run, bulk;

  shop() {
    event = works.accept(R"({"name":"shop/sent","data":{"k":"k1","n":7}})").front();
    for (const auto& started : works.runs_of(event)) {
      if (started.function_id != "sleeps") works.wait_for(started.id, 10s);
      if (started.function_id == "done") run = started.id;
    }
    bulk = works.begin_bulk({.what = bulk_action::rerun, .runs = {.function = "shop-none"}}).id;
  }
};

void replace(std::string& in, const std::string& what, const std::string& by) {
  for (std::size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + by.size()))
    in.replace(at, what.size(), by);
}

/// As the server asks its routes.
std::optional<http::response> own_answer(engine& on, const http::request& request) {
  const std::string path = request.path();
  const bool gets = request.method == "GET";
  const auto answer_of = [](const inngest::json& body) { return server_api<engine>::answer_of(200, body); };
  if (gets) {
    if (auto told = apps_api(on).answer(request)) return told;
  }
  inngest::embedded::store_turns turns;
  if (auto told = control_api(on, {}, turns).answer(request, path)) return told;
  if (is_endpoint_route(request)) return on.answer_endpoint(request, 0ms);
  if (auto told = rerun_api(on).answer(request)) return told;
  if (auto told = bulk_api(on).answer(request)) return told;
  if (!gets) return std::nullopt;
  if (path == "/api/state") return answer_of(page_api(on).state());
  if (const auto found = find_api(on).answer(request)) return answer_of(*found);
  if (!path.starts_with("/api/runs/")) return std::nullopt;
  const auto found = page_api(on).run_details(path.substr(10));
  return found ? std::optional(answer_of(*found)) : std::nullopt;
}

}  // namespace

void targets::fuzz_server_route(std::string_view input) {
  shop on;  // a new one, because requests begin runs
  std::string text(input);
  replace(text, "{run}", on.run);
  replace(text, "{event}", on.event);
  replace(text, "{bulk}", on.bulk);
  const std::size_t space = text.find(' '), end = std::min(text.find('\n'), text.size());
  if (space >= end) return;
  const http::request request{.method = text.substr(0, space),
                              .url = text.substr(space + 1, end - space - 1),
                              .body = end < text.size() ? text.substr(end + 1) : std::string()};
  try {
    auto answer = own_answer(on.works, request);
    if (!answer) answer = server_api<engine>(on.works).answer(request);
    FUZZ_CHECK(answer->status >= 200 && answer->status < 600 && answer->status != 500);
    if (!answer->body.empty() && answer->headers.find("content-type") == "application/json")
      FUZZ_CHECK(inngest::json::accept(answer->body));
  } catch (const inngest::error& refused) {
    FUZZ_CHECK(*refused.what() != '\0');
  }
}
