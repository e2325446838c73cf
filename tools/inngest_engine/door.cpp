#include "door.hpp"

#include <string_view>

#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/transport/httplib.hpp>

#include "opened_file.hpp"
#include "problems.hpp"

namespace terminal {
namespace {

using inngest::json;
namespace http = inngest::http;

constexpr std::chrono::minutes patience(2);  // counts and bulk requests look at many runs

std::string url_without_end(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string with_query(const std::string& path, const parameters& query) {
  std::string out = path;
  for (const auto& [name, value] : query) {
    out += out.find('?') == std::string::npos ? '?' : '&';
    out += name + "=" + http::percent_encoded(value);
  }
  return out;
}

json parsed(const std::string& name, const http::response& answer) {
  json out = json::parse(answer.body, nullptr, false);
  if (out.is_discarded())
    throw failure(outcome::problem, name + " did not answer with JSON. Is it an inngest-cpp engine?");
  return out;
}

/// The error in an answer, or the beginning of the answer.
std::string problem_in(const http::response& answer) {
  const json body = json::parse(answer.body, nullptr, false);
  if (body.is_object()) {
    for (const char* member : {"error", "message"}) {
      if (body.contains(member) && body[member].is_string()) return body[member].get<std::string>();
    }
    const json errors = body.value("errors", json());
    if (errors.is_array() && !errors.empty() && errors[0].is_object()) return errors[0].value("message", "");
  }
  return answer.body.substr(0, 200);
}

}  // namespace

door::door(const target& of)
    : name_("the engine at " + inngest::detail::shown_url(of.url)),
      url_(url_without_end(of.url)),
      event_key_(of.event_key) {
  std::string key = of.signing_key;
  try {
    if (!of.file.empty()) {
      file_ = std::make_unique<opened_file>(of.file);
      name_ = of.file.string();
      url_ = file_->url();
      key = file_->signing_key();
    }
    if (!key.empty()) bearer_ = inngest::protocol::hashed_signing_key(key);
    transport_ = std::make_shared<inngest::httplib_transport>();
  } catch (const inngest::store_error& problem) {
    throw failure(outcome::no_engine, problem.what());
  } catch (const inngest::error& problem) {
    throw failure(outcome::wrong_usage, problem.what());
  }
}

door::~door() = default;

http::response door::ask(http::request request) {
  request.url = url_ + request.url;
  if (!bearer_.empty()) request.headers.add("authorization", "Bearer " + bearer_);
  try {
    http::response out = transport_->send(request, patience);
    if (out.status == 401) refuse(out);
    return out;
  } catch (const inngest::configuration_error& problem) {
    throw failure(outcome::wrong_usage, problem.what());
  } catch (const inngest::unreachable& problem) {
    throw failure(outcome::no_engine,
                  name_ + " does not answer (" + problem.what() +
                      "). --url names another address; --file reads the store of a stopped engine");
  }
}

void door::refuse(const http::response& answer) const {
  const std::string problem = problem_in(answer);
  switch (answer.status) {
    case 400:
    case 415:
    case 422:
      throw failure(outcome::wrong_usage, name_ + " refuses the request: " + problem);
    case 401:
      throw failure(outcome::no_engine,
                    name_ + (bearer_.empty() ? " needs its signing key" : " refuses the signing key") +
                        ": set INNGEST_SIGNING_KEY, or name a file that contains it with --key-file");
    case 421:
      throw failure(outcome::no_engine, name_ + " rejects this host name: " + problem);
    default:
      throw failure(outcome::problem, problem.empty()
                                          ? name_ + " answered with status " + std::to_string(answer.status)
                                          : problem);
  }
}

json door::get(const std::string& path, const parameters& query) {
  const bool lists_file = file_ && path == "/api/runs";
  const http::response answer =
      ask({.method = "GET", .url = with_query(path, lists_file ? opened_file::for_store(query) : query)});
  if (answer.status / 100 != 2) refuse(answer);
  json out = parsed(name_, answer);
  if (file_) file_->describe(out);
  if (lists_file) opened_file::keep_wanted(out, query);
  return out;
}

json door::post(const std::string& path, const json& body, const http::headers& more) {
  http::request request{.method = "POST", .url = path, .headers = more, .body = body.dump()};
  request.headers.add("content-type", "application/json");
  const http::response answer = ask(std::move(request));
  if (answer.status / 100 != 2) refuse(answer);
  return answer.body.empty() ? json::object() : parsed(name_, answer);
}

json door::remove(const std::string& path, const parameters& query) {
  http::request request{.method = "DELETE", .url = with_query(path, query)};
  request.headers.add("content-type", "application/json");
  const http::response answer = ask(std::move(request));
  if (answer.status / 100 != 2) refuse(answer);
  return answer.body.empty() ? json::object() : parsed(name_, answer);
}

std::string door::text(const std::string& path) {
  const http::response answer = ask({.method = "GET", .url = path});
  if (answer.status / 100 != 2) refuse(answer);
  return answer.body;
}

std::string door::events_path() const {
  return "/e/" + (event_key_.empty() ? std::string("inngest-engine") : http::percent_encoded(event_key_));
}

void door::require_engine(const std::string& command) const {
  if (!is_file()) return;
  throw failure(outcome::wrong_usage, "`" + command + "` needs a running engine, and " + name_ +
                                          " is only read. Use --url instead of --file");
}

}  // namespace terminal
