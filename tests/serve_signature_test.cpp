// Which bytes of a signed request are read, and what the log says of refused ones.

#include <inngest/client.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/function.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/serve.hpp>

#include <cctype>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::json;
using inngest::http::request;
using support::answer;
using support::hash_of;
using support::post;

const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";
const std::string other_key = "signkey-test-fedcba9876543210fedcba9876543210";

struct note {
  std::string text;
};
INNGEST_FIELDS(note, text)
using noted = inngest::event<"test/event", note>;

std::chrono::sys_seconds clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// An app in cloud mode that answers with its event's text and the result of its one step.
class echo {
 public:
  explicit echo(inngest::client_options options = cloud(), inngest::serve_options serve = {})
      : app_(std::move(options)), handler_(app_, {function()}, std::move(serve)) {}

  static inngest::client_options cloud() {
    auto out = support::quiet_options(inngest::mode::cloud);
    out.signing_key = key;
    return out;
  }

  answer operator()(request r) const { return answer(handler_(std::move(r))); }
  /// Signs one body and sends another with that signature.
  answer operator()(const std::string& signed_body, const std::string& sent_body) const {
    request r = post("app-echo", sent_body);
    r.headers.add("x-inngest-signature", inngest::protocol::sign(signed_body, key, clock_now()));
    return (*this)(std::move(r));
  }

 private:
  inngest::any_function function() const {
    return app_.create_function({.id = "echo"}, inngest::on<noted>(), [](inngest::context<noted>& ctx) {
      const auto stored = ctx.step.run("load", [] { return std::string("from the step"); });
      return ctx.event.data.text + "|" + stored;
    });
  }

  inngest::client app_;
  inngest::handler handler_;
};

std::string body_of(const std::string& text, const std::string& stored = "good") {
  support::call call;
  call.event["data"]["text"] = text;
  call.steps[hash_of("load")] = {{"data", stored}};
  call.stack.push_back(hash_of("load"));
  return call.text();
}

std::string with(std::string body, const std::string& part, const std::string& replacement) {
  const std::size_t at = body.find(part);
  REQUIRE(at != std::string::npos);
  return body.replace(at, part.size(), replacement);
}

}  // namespace

TEST_CASE("a signed call can't be extended without the key", "[serve][signature]") {
  const echo app;
  const std::string good = body_of("hello");
  REQUIRE(app(good, good).text == "\"hello|good\"");

  const std::string id = hash_of("load");
  const std::string injected = "{\"" + id + "\":{\"data\":\"EVIL\"}}";
  std::string evil_step = "\"" + id + "\":{\"data\":\"EVIL\"},";
  std::vector<std::string> extended = {
      "{\"steps\":" + injected + "," + good.substr(1),                         // an object twice
      "{\"\\u0073teps\":" + injected + "," + good.substr(1),                   // its name escaped
      with(good, "\"steps\":{", "\"steps\":{" + evil_step),                    // a step twice
      with(good, "\"data\":\"good\"", "\"data\":\"EVIL\",\"data\":\"good\""),  // a result twice
      with(good, "\"data\":\"good\"", "\"data\":\"good\",\"data\":\"EVIL\""),
      with(good, "\"text\":\"hello\"", "\"text\":\"EVIL\",\"t\\u0065xt\":\"hello\""),
      "{\"ctx\":{\"use_api\":true}," + good.substr(1),
      "{\"use_api\":true," + good.substr(1),
      good.substr(0, good.size() - 1) + ",\"steps\":" + injected + "}",
      with(good, "\"attempt\":0", "\"attempt\":3,\"attempt\":0"),
  };
  for (const std::string& evil : extended) {
    CAPTURE(evil);
    const answer refused = app(good, evil);
    CHECK(refused.status == 401);
    CHECK(refused.text.find("EVIL") == std::string::npos);
    // not even with the key: two readers could find different values
    CHECK(app(evil, evil).status == 401);
  }
}

TEST_CASE("a step that is there in small and in capital letters is refused", "[serve][signature]") {
  const echo app;
  const std::string id = hash_of("load");
  std::string capitals = id;
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  REQUIRE(capitals != id);
  const std::string twice =
      with(body_of("x"), "\"steps\":{", "\"steps\":{\"" + capitals + "\":{\"data\":\"EVIL\"},");
  const answer refused = app(twice, twice);
  CHECK(refused.status == 400);
  CHECK(refused.text.find("duplicate step") != std::string::npos);
}

TEST_CASE("a body that was signed in canonical form is accepted at any size", "[serve][signature]") {
  const echo app;
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}, std::size_t{3'000'000}}) {
    CAPTURE(size);
    const std::string text = "a&b<c>" + std::string(size, 'x') + "€";
    const std::string canonical = inngest::detail::canonical_json(body_of(text));
    const std::string sent = with(canonical, "a&b<c>", "a\\u0026b\\u003cc\\u003e");
    const answer a = app(canonical, sent);
    REQUIRE(a.status == 200);
    CHECK(json::parse(a.text) == text + "|good");
  }
}

TEST_CASE("numbers, order and escapes of a signed body are those of RFC 8785", "[serve][signature]") {
  const echo app;
  const std::string canonical = inngest::detail::canonical_json(body_of("x"));
  const auto numbers = [&](const std::string& list) {
    return with(canonical, "\"text\":\"x\"", "\"n\":[" + list + "],\"text\":\"x\"");
  };
  CHECK(app(numbers("1,0.000001,0,123000000000000000000,1e-7"), numbers("1.0,1e-06,-0.0,1.23e+20,0.0000001"))
            .status == 200);
  CHECK(app(numbers("1.0"), numbers("1")).status == 401);  // 1.0 is signed by nobody who writes canonically
  // U+1F602 comes before U+FB33 in UTF-16, and behind it in UTF-8
  const auto members = [&](const std::string& list) {
    return with(canonical, "\"text\":\"x\"", "\"text\":\"x\"," + list);
  };
  CHECK(app(members("\"😂\":1,\"\ufb33\":2"), members("\"\ufb33\":2,\"😂\":1")).status == 200);
  CHECK(app(members("\"\ufb33\":2,\"😂\":1"), members("\"😂\":1,\"\ufb33\":2")).status == 401);
}

TEST_CASE("of a body that was signed in canonical form only the canonical bytes are read",
          "[serve][signature]") {
  auto options = echo::cloud();
  std::string seen;
  struct spy : inngest::middleware {
    explicit spy(std::string& seen) : seen_(&seen) {}
    inngest::http::response wrap_request(const inngest::http::request& request,
                                         inngest::next_call<inngest::http::response> next) override {
      *seen_ = request.body;
      return next();
    }
    std::string* seen_;
  };
  options.middleware = {std::make_shared<spy>(seen)};
  const echo app(options);
  const std::string canonical = inngest::detail::canonical_json(
      with(body_of("x"), "\"text\":\"x\"", "\"text\":\"x\",\"n\":9007199254740993"));
  const std::string sent = " " + with(canonical, "9007199254740992", "9007199254740993") + "\n";
  REQUIRE(app(canonical, sent).status == 200);
  CHECK(seen == canonical);
}

TEST_CASE("an in-band sync is answered for the URL that was signed", "[serve][signature][sync]") {
  const echo app;
  const std::string signed_body = R"({"url":"http://right/api/inngest"})";
  const auto put = [&](const std::string& body) {
    request r{.method = "PUT", .url = "/api/inngest", .headers = {{"Host", "h"}}, .body = body};
    r.headers.add("X-Inngest-Sync-Kind", "in_band");
    r.headers.add("x-inngest-signature", inngest::protocol::sign(signed_body, key, clock_now()));
    return app(std::move(r));
  };
  CHECK(put(R"({ "url": "http:\/\/right\/api\/inngest" })").body().at("url") == "http://right/api/inngest");
  CHECK(put(R"({"url":"http://wrong/","url":"http://right/api/inngest"})").status == 401);
  CHECK(put(R"({"\u0075rl":"http://wrong/","url":"http://right/api/inngest"})").status == 401);
}

TEST_CASE("a refused signature is logged with its reason and never with the key", "[serve][signature][log]") {
  const auto refused = [](const std::string& header, std::string body = body_of("x")) {
    support::log_record log;
    auto options = echo::cloud();
    options.signing_key_fallback = other_key;
    options.log = log.logger();
    request r = post("app-echo", std::move(body));
    if (!header.empty()) r.headers.add("x-inngest-signature", header);
    const answer a = echo(options)(std::move(r));
    CHECK(a.status == 401);
    CHECK(a.body() == json{{"message", "unauthorized"}});
    CHECK(log.lines().size() == 1);
    CHECK(log.count("warn: a request was refused: ") == 1);
    CHECK(log.text().find("0123456789abcdef") == std::string::npos);
    CHECK(log.text().find("fedcba9876543210") == std::string::npos);
    return log.text();
  };
  const auto signature = [](const std::string& with_key, std::chrono::seconds shift = {}) {
    return inngest::protocol::sign(body_of("x"), with_key, clock_now() + shift);
  };
  CHECK(refused("").find("no signature") != std::string::npos);
  CHECK(refused("t=1&s=abc").find("malformed") != std::string::npos);
  /// The number before the words in the log.
  const auto number_before = [](const std::string& log, const std::string& words) {
    const std::size_t end = log.find(words);
    REQUIRE(end != std::string::npos);
    return std::stol(log.substr(log.rfind(' ', end - 1) + 1));
  };
  const auto began = clock_now();
  const long old = number_before(refused(signature(key, -4000s)), " s ago");
  const long early = number_before(refused(signature(key, 4000s)), " s in the future");
  const long took = (clock_now() - began).count();  // a signature ages while the test runs
  CHECK(old >= 4000);
  CHECK(old <= 4000 + took);
  CHECK(early <= 4000);
  CHECK(early >= 4000 - took);
  CHECK(refused(signature("signkey-test-00")).find("another key") != std::string::npos);
  const std::string twice = R"({"event":{},"event":{}})";
  CHECK(refused(inngest::protocol::sign(twice, key, clock_now()), twice).find("duplicate members") !=
        std::string::npos);
}

TEST_CASE("a refused registration is logged too", "[serve][signature][log]") {
  support::log_record log;
  auto options = echo::cloud();
  options.log = log.logger();
  CHECK(echo(options)({.method = "PUT", .url = "/api/inngest"}).status == 401);
  CHECK(log.count("no signature") == 1);
}

TEST_CASE("refused signatures can't flood the log", "[serve][signature][log]") {
  support::log_record log;
  auto options = echo::cloud();
  options.log = log.logger();
  const echo app(options);
  for (int i = 0; i < 500; ++i) {
    CHECK(app(post("app-echo", "{}")).status == 401);
    request wrong = post("app-echo", "{}");
    wrong.headers.add("x-inngest-signature", inngest::protocol::sign("{}", other_key, clock_now()));
    CHECK(app(std::move(wrong)).status == 401);
  }
  // one of each kind in a minute, however long the loop takes here
  CHECK(log.count("no signature") >= 1);
  CHECK(log.count("another key") >= 1);
  CHECK(log.lines().size() < 20);
}

TEST_CASE("what was held back is counted", "[log]") {
  inngest::detail::log_limiter limiter(60s);
  const inngest::detail::log_limiter::clock::time_point start{};
  CHECK(limiter.pass(1, start) == std::size_t{0});
  CHECK_FALSE(limiter.pass(1, start + 1s));
  CHECK_FALSE(limiter.pass(1, start + 59s));
  CHECK(limiter.pass(2, start + 1s) == std::size_t{0});
  CHECK(limiter.pass(1, start + 60s) == std::size_t{2});
  CHECK_FALSE(limiter.pass(1, start + 61s));
  CHECK(limiter.pass(1, start + 200s) == std::size_t{1});
}

TEST_CASE("a dev app with keys refuses a wrong signature, whichever of its keys is set",
          "[serve][signature]") {
  for (const bool fallback_only : {false, true}) {
    auto options = support::quiet_options(inngest::mode::dev);
    (fallback_only ? options.signing_key_fallback : options.signing_key) = key;
    const echo app(options);
    request wrong = post("app-echo", body_of("x"));
    CHECK(app(wrong).status == 200);
    wrong.headers.add("x-inngest-signature", inngest::protocol::sign(wrong.body, other_key, clock_now()));
    CHECK(app(wrong).status == 401);
  }
}
