#include <inngest/inngest.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "properties/property.hpp"
#include "support/handler_driver.hpp"
#include "support/replies.hpp"

// Whatever comes from outside, the handler that answers through a reply gives the answer of the handler that
// blocks, in pieces and as a whole.

namespace {

using inngest::http::request;
using inngest::http::response;
using property::chance;

using go = inngest::event<"test/event">;
const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";

auto now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

inngest::handler handler_with(bool is_cloud, bool streaming, std::shared_ptr<inngest::executor> executor) {
  auto options = support::quiet_options(is_cloud ? inngest::mode::cloud : inngest::mode::dev);
  if (is_cloud) options.signing_key = key;
  const inngest::client app(std::move(options));
  return inngest::handler(
      app,
      {app.create_function({.id = "ends"}, inngest::on<go>(), [](auto&) { return std::string("done"); }),
       app.create_function({.id = "sleeps"}, inngest::on<go>(),
                           [](auto& ctx) { ctx.step.sleep("nap", std::chrono::hours(1)); }),
       app.create_function({.id = "fails"}, inngest::on<go>(),
                           [](auto&) { throw std::runtime_error("out of luck"); })},
      {.max_body_size = 1000, .streaming = streaming, .executor = std::move(executor)});
}

std::string random_body(chance& any) {
  support::call call;
  call.plan_only = any.one_in(4);
  std::string out = call.text();
  if (any.one_in(4)) out.resize(any.below(out.size()));
  if (any.one_in(6) && !out.empty()) out[any.below(out.size())] = static_cast<char>(any.below(256));
  if (any.one_in(12)) out += std::string(1000, ' ');
  return out;
}

request random_request(chance& any) {
  const std::vector<std::string> methods = {"POST", "POST",    "POST", "PUT", "GET",
                                            "HEAD", "OPTIONS", "post", ""};
  const std::vector<std::string> slugs = {"app-ends", "app-sleeps", "app-fails", "app-gone", "", "%00"};
  const std::vector<std::string> steps = {"step", "", "nothex", support::hash_of("nap"),
                                          support::hash_of("x")};
  request out{.method = any.pick(methods), .url = "/api/inngest", .body = random_body(any)};
  if (!any.one_in(8)) out.url += "?fnId=" + any.pick(slugs) + "&stepId=" + any.pick(steps);
  if (any.one_in(8)) out.url += "&probe=" + std::string(any.one_in(2) ? "trust" : "other");
  if (any.one_in(4)) out.headers.add("X-Inngest-Sync-Kind", any.one_in(2) ? "in_band" : "out_of_band");
  if (any.one_in(6)) out.headers.add("X-Inngest-Server-Kind", any.one_in(2) ? "dev" : "cloud");
  if (any.one_in(6)) out.headers.add("Host", "localhost:3000");
  if (!any.one_in(3)) {
    std::string signature = inngest::protocol::sign(out.body, key, now());
    if (any.one_in(6)) signature[any.below(signature.size())] = static_cast<char>(any.below(256));
    out.headers.add("X-Inngest-Signature", std::move(signature));
  }
  return out;
}

/// An answer without what the time decides. A signature is replaced by whether it is good.
std::string text_of(int status, const inngest::http::headers& headers, const std::string& body) {
  std::string out = std::to_string(status) + "\n";
  for (const auto& [name, value] : headers) {
    const bool is_signature = name == "x-inngest-signature";
    const bool is_good =
        is_signature && inngest::protocol::check_signature(value, body, {key}, now()).is_good();
    if (is_signature)
      out += is_good ? "signed\n" : "wrongly signed\n";
    else if (name != "server-timing")
      out += name + ": " + value + "\n";
  }
  return out + body;
}

/// The same for the JSON text that ends a streamed answer.
std::string text_of_last(const std::string& piece) {
  const auto last = inngest::json::parse(piece);
  inngest::http::headers headers;
  for (const auto& [name, value] : last.at("headers").items()) headers.add(name, value.get<std::string>());
  return text_of(last.at("status").get<int>(), headers, last.at("body").get<std::string>());
}

std::string blocking_answer(const inngest::handler& handler, const request& asked) {
  const response answer = handler(asked);
  if (!answer.stream) return text_of(answer.status, answer.headers, answer.body);
  std::string last;
  answer.stream([&](std::string_view piece) {
    last = piece;
    return true;
  });
  return "in pieces: " + text_of_last(last);
}

std::string posted_answer(const inngest::handler& handler, support::manual_executor& executor,
                          const request& asked) {
  const auto to = std::make_shared<support::client>();
  handler(asked, support::reply_to(to));
  executor.run_all();
  CHECK(to->answers == 1);
  CHECK(to->is_written);
  CHECK(handler.calls_under_way() == 0);
  if (!to->has_begun) return text_of(to->status, to->headers, to->body);
  CHECK(to->has_ended);
  return "in pieces: " + text_of_last(to->pieces.back());
}

}  // namespace

TEST_CASE("any request gets the same answer through a reply as from a handler that blocks",
          "[property][reply]") {
  const bool is_cloud = GENERATE(false, true), streaming = GENERATE(false, true);
  CAPTURE(is_cloud, streaming);
  const auto executor = std::make_shared<support::manual_executor>();
  const auto handler = handler_with(is_cloud, streaming, executor);
  property::try_cases(300, [&](chance& any) {
    const request asked = random_request(any);
    INFO(asked.method << " " << asked.url << "\n" << asked.body);
    CHECK(posted_answer(handler, *executor, asked) == blocking_answer(handler, asked));
  });
}
