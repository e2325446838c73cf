// Events of AWS Lambda as its documentation shows them, and the bootstrap loop on a stub of the runtime API.

#include <inngest/adapters/httplib.hpp>
#include <inngest/adapters/lambda.hpp>

#include <inngest/inngest.hpp>
#include <inngest/protocol/signature.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::lambda::event_source;

struct greeting {
  std::string text;
};
INNGEST_FIELDS(greeting, text)
using test_event = inngest::event<"test/event", greeting>;

constexpr auto patience = 60s;
const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";
const std::vector<std::string> all_events{"gateway_v1", "gateway_v2", "function_url", "load_balancer",
                                          "load_balancer_lists"};

std::string fixture(const std::string& name) {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures" / "lambda" /
                   (name + ".json"));
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string base64(const std::string& text) {
  return inngest::detail::to_base64(
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void set_body(json& event, const std::string& body) {
  event["body"] = event.at("isBase64Encoded") == true ? base64(body) : body;
}

void set_method(json& event, const std::string& method) {
  if (event.contains("rawPath"))
    event["requestContext"]["http"]["method"] = method;
  else
    event["httpMethod"] = method;
}

void add_header(json& event, const std::string& name, const std::string& value) {
  if (event.contains("headers")) event["headers"][name] = value;
  if (event.contains("multiValueHeaders")) event["multiValueHeaders"][name] = json::array({value});
}

std::string header_of(const json& response, const std::string& name) {
  if (response.contains("multiValueHeaders")) return response["multiValueHeaders"].at(name).at(0);
  return response.at("headers").at(name);
}

/// A function named "greet me", which answers with its event's text in a step.
inngest::any_function greeter(const inngest::client& app) {
  return app.create_function({.id = "greet me"}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("greet", [&] { return ctx.event.data.text + ", world"; });
  });
}

inngest::handler greeting_handler(inngest::client_options options = support::quiet_options()) {
  const inngest::client app(std::move(options));
  return inngest::handler(app, {greeter(app)}, {.framework = "aws-lambda"});
}

json answer(const inngest::handler& handler, const json& event) {
  return json::parse(inngest::lambda::answer(handler, event.dump()));
}

}  // namespace

TEST_CASE("a call arrives in each kind of Lambda's HTTP events", "[lambda]") {
  const auto handler = greeting_handler();
  for (const std::string& name : all_events) {
    CAPTURE(name);
    const json response = json::parse(inngest::lambda::answer(handler, fixture(name)));
    CHECK(response.at("statusCode") == 206);
    CHECK(response.at("isBase64Encoded") == false);
    CHECK(header_of(response, "content-type") == "application/json");
    CHECK(header_of(response, "x-inngest-framework") == "aws-lambda");
    CHECK(json::parse(response.at("body").get<std::string>()).at(0).at("data") == "Grüße, world");
  }
}

TEST_CASE("a request has the path with its stage and the query as the client sent them", "[lambda]") {
  const std::map<std::string, std::string> urls{
      {"gateway_v1", "/prod/api/inngest?fnId=app-greet%20me&stepId=step"},
      {"gateway_v2", "/prod/api/inngest?fnId=app-greet%20me&stepId=step"},
      {"function_url", "/api/inngest?fnId=app-greet%20me&stepId=step"},
      {"load_balancer", "/api/inngest?fnId=app-greet%20me&stepId=step"},
      {"load_balancer_lists", "/api/inngest?fnId=app-greet%20me&stepId=step"}};
  for (const auto& [name, url] : urls) {
    CAPTURE(name);
    const auto event = inngest::lambda::read_event(fixture(name));
    CHECK(event.request.url == url);
    CHECK(event.request.method == "POST");
    CHECK(event.request.headers.find("HOST").value_or("").find("eu-west-1") != std::string::npos);
    CHECK(event.request.headers.find("x-forwarded-proto") == "https");
    CHECK_THAT(event.request.body, ContainsSubstring("Grüße"));
  }
}

TEST_CASE("parameters with any characters keep their meaning", "[lambda]") {
  json event = json::parse(fixture("gateway_v1"));  // decodes them
  event["multiValueQueryStringParameters"] = {{"fnId", {"a&b=c%+ü"}}, {"x y", {"1", "2"}}};
  const auto from_gateway = inngest::lambda::read_event(event.dump()).request;
  CHECK(from_gateway.query("fnId") == "a&b=c%+ü");
  CHECK_THAT(from_gateway.url, ContainsSubstring("x%20y=1&x%20y=2"));

  event = json::parse(fixture("load_balancer"));  // does not
  event["queryStringParameters"] = {{"fnId", "a%26b%3Dc%25%2B"}};
  CHECK(inngest::lambda::read_event(event.dump()).request.query("fnId") == "a&b=c%+");

  event = json::parse(fixture("gateway_v2"));
  event["rawQueryString"] = "stepId=step&fnId=a%26b+c";
  CHECK(inngest::lambda::read_event(event.dump()).request.url ==
        "/prod/api/inngest?stepId=step&fnId=a%26b+c");
}

TEST_CASE("lists of header values are kept, and null stands for none", "[lambda]") {
  json event = json::parse(fixture("gateway_v1"));
  event["multiValueHeaders"] = {{"a", {"1", "2"}}};
  const auto listed = inngest::lambda::read_event(event.dump()).request;
  CHECK(std::distance(listed.headers.begin(), listed.headers.end()) == 2);

  for (const char* name : {"multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
                           "body", "isBase64Encoded"})
    event[name] = nullptr;
  const auto single = inngest::lambda::read_event(event.dump());
  CHECK_FALSE(single.lists_values);
  CHECK(single.request.headers.find("host"));
  CHECK(single.request.url == "/prod/api/inngest");
  CHECK(single.request.body.empty());
}

TEST_CASE("signatures hold for the bytes in an event, and answers are signed", "[lambda][signature]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  const auto handler = greeting_handler(options);
  const std::string body =
      R"({ "event":{"name":"test/event","data":{"text":"\"\\\u00fc \n"}}, "steps":{},"ctx":{"run_id":"r","attempt":0}} )";
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  for (const std::string& name : all_events) {
    CAPTURE(name);
    json event = json::parse(fixture(name));
    set_body(event, body);
    CHECK(answer(handler, event).at("statusCode") == 401);
    add_header(event, "X-Inngest-Signature", inngest::protocol::sign(body, key, now));
    const json response = answer(handler, event);
    CHECK(response.at("statusCode") == 206);
    CHECK_THAT(header_of(response, "x-inngest-signature"), ContainsSubstring("s="));
    set_body(event, body + " ");
    CHECK(answer(handler, event).at("statusCode") == 401);
  }
}

TEST_CASE("all methods reach the handler, and other paths are not found", "[lambda]") {
  const auto handler = greeting_handler();
  for (const std::string& name : all_events) {
    CAPTURE(name);
    json event = json::parse(fixture(name));
    set_method(event, "GET");
    CHECK_THAT(answer(handler, event).at("body").get<std::string>(), ContainsSubstring("function_count"));
    set_method(event, "HEAD");
    CHECK(answer(handler, event).at("statusCode") == 200);
    CHECK(answer(handler, event).at("body") == "");
    for (const char* method : {"OPTIONS", "DELETE", "WHATEVER"}) {
      set_method(event, method);
      const json response = answer(handler, event);
      CHECK(response.at("statusCode") == 405);
      CHECK_THAT(header_of(response, "allow"), ContainsSubstring("POST"));
    }
    event["requestContext"].erase("path");
    const auto is_found = [&](const std::string& served_at, const char* path) {
      for (const char* member : {"path", "rawPath"})
        if (event.contains(member)) event[member] = path;
      const inngest::handler at(support::quiet_client(), {}, {.path = served_at});
      return answer(at, event).at("statusCode") != 404;
    };
    CHECK_FALSE(is_found("/api/inngest", "/elsewhere/inngest"));
    CHECK(is_found("/api/inngest", "/prod/api/inngest/"));
    CHECK(is_found("/", "/"));
    CHECK(is_found("/", "/prod/"));
    CHECK(is_found("/", "/prod"));
    CHECK(is_found("/checkout/", "/prod/checkout/"));
    CHECK(is_found("/checkout/", "/prod/checkout"));
    CHECK_FALSE(is_found("/checkout/", "/prod/checkin/"));
  }
}

TEST_CASE("an app in Lambda registers under the address of its API", "[lambda]") {
  const auto transport = std::make_shared<support::fake_transport>();
  auto options = support::quiet_options();
  options.transport = transport;
  const auto handler = greeting_handler(options);
  json event = json::parse(fixture("gateway_v1"));
  set_method(event, "PUT");
  CHECK(answer(handler, event).at("statusCode") == 200);
  CHECK_THAT(transport->requests().at(0).body,
             ContainsSubstring("https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod/api/inngest"));
}

TEST_CASE("a response has the form that its event's source reads", "[lambda]") {
  inngest::http::response answer{
      .status = 206, .headers = {{"a", "1"}, {"b", "x"}, {"a", "2"}}, .body = "ok"};
  const auto written = [&](event_source source, bool lists) {
    return json::parse(inngest::lambda::write_response({.source = source, .lists_values = lists}, answer));
  };
  const json v2 = written(event_source::gateway_v2, false);
  CHECK(v2 == json{{"statusCode", 206},
                   {"headers", {{"a", "1, 2"}, {"b", "x"}}},
                   {"isBase64Encoded", false},
                   {"body", "ok"}});
  CHECK(written(event_source::gateway_v1, true).at("multiValueHeaders") ==
        json{{"a", {"1", "2"}}, {"b", {"x"}}});
  const json balancer = written(event_source::load_balancer, false);
  CHECK(balancer.at("statusDescription") == "206 Partial Content");
  CHECK(balancer.at("headers").at("b") == "x");
  answer.body = "\xff\xfe";
  CHECK(written(event_source::gateway_v2, false).at("isBase64Encoded") == true);
  CHECK(written(event_source::gateway_v2, false).at("body") == "//4=");
}

TEST_CASE("cookies of format 2.0 are lists of their own", "[lambda]") {
  json event = json::parse(fixture("gateway_v2"));
  event["headers"].erase("cookie");
  event["cookies"] = {"a=1", "b=2"};
  CHECK(inngest::lambda::read_event(event.dump()).request.headers.find("cookie") == "a=1; b=2");
  const inngest::http::response answer{.headers = {{"set-cookie", "a=1"}, {"b", "x"}, {"set-cookie", "b=2"}}};
  const json v2 = json::parse(inngest::lambda::write_response({.source = event_source::gateway_v2}, answer));
  CHECK(v2.at("cookies") == json{"a=1", "b=2"});
  CHECK(v2.at("headers") == json{{"b", "x"}});
  const json v1 = json::parse(inngest::lambda::write_response({.source = event_source::gateway_v1}, answer));
  CHECK_FALSE(v1.contains("cookies"));
}

TEST_CASE("a response that escapes made too large for Lambda is sent as base64", "[lambda][limits]") {
  const std::string quotes(4 * 1024 * 1024, '"');
  const auto text =
      inngest::lambda::write_response({.source = event_source::gateway_v2}, {.status = 200, .body = quotes});
  CHECK(text.size() <= inngest::lambda::max_response_size);
  const json response = json::parse(text);
  CHECK(response.at("isBase64Encoded") == true);
  CHECK(inngest::detail::from_base64(response.at("body").get<std::string>()) == quotes);
}

TEST_CASE("a response that Lambda would refuse becomes an error that is not retried", "[lambda][limits]") {
  const auto refused = [](event_source source, std::size_t size) {
    const auto text = inngest::lambda::write_response(
        {.source = source},
        {.status = 206,
         .headers = {{"x-inngest-sdk", "cpp"}, {"x-inngest-signature", "of another body"}},
         .body = std::string(size, 'x')});
    CHECK(text.size() <= inngest::lambda::max_response_size);
    return json::parse(text);
  };
  CHECK(refused(event_source::gateway_v1, 6'000'000).at("statusCode") == 206);
  CHECK(refused(event_source::load_balancer, 1'000'000).at("statusCode") == 206);
  for (const json& response :
       {refused(event_source::gateway_v1, 6'291'556), refused(event_source::gateway_v2, 6'291'556),
        refused(event_source::load_balancer, 1'048'576)}) {
    CHECK(response.at("statusCode") == 500);
    CHECK(header_of(response, "x-inngest-no-retry") == "true");
    CHECK(header_of(response, "x-inngest-sdk") == "cpp");
    CHECK_FALSE(response.at("headers").contains("x-inngest-signature"));
    CHECK_THAT(response.at("body").get<std::string>(), ContainsSubstring("store large results elsewhere"));
  }
}

TEST_CASE("bodies over the handler's limit are refused", "[lambda][limits]") {
  const auto app = support::quiet_client();
  const inngest::handler handler(app, {greeter(app)}, {.max_body_size = 1000});
  json event = json::parse(fixture("function_url"));
  set_body(event, std::string(1001, ' '));
  CHECK(answer(handler, event).at("statusCode") == 413);
}

TEST_CASE("what is no HTTP event is refused with a reason", "[lambda][broken]") {
  const auto handler = greeting_handler();
  const auto problem_of = [&](const std::string& event) -> std::string {
    try {
      return "answered: " + inngest::lambda::answer(handler, event);
    } catch (const inngest::payload_error& problem) {
      return problem.what();
    }
  };
  CHECK_THAT(problem_of(R"({"Records":[{"eventSource":"aws:sqs","body":"x"}]})"),
             ContainsSubstring("not an HTTP event"));
  CHECK_THAT(problem_of(R"({"httpMethod":7,"path":"/"})"), ContainsSubstring("httpMethod: expected text"));
  CHECK_THAT(problem_of(R"({"httpMethod":"GET","path":"/","headers":["x"]})"),
             ContainsSubstring("headers: expected object"));
  CHECK_THAT(problem_of(R"({"httpMethod":"GET","path":"/","headers":{"a":{"b":1}}})"),
             ContainsSubstring("headers.a: expected text"));
  json event = json::parse(fixture("function_url"));
  event["body"] = "no base64!";
  CHECK_THAT(problem_of(event.dump()), ContainsSubstring("body: not base64"));
  for (const char* garbage : {"", "null", "[]", "7", "\"x\"", "{", "{}", "{}{}", "{\"headers\":", "\xff"}) {
    CAPTURE(garbage);
    CHECK(problem_of(garbage).find("answered") == std::string::npos);
  }
}

// ---- the bootstrap loop -----------------------------------------------------------------------------

namespace {

/// Lambda's runtime API on a port of this machine: hands out events and keeps what the program sends.
class runtime_stub {
 public:
  struct message {
    std::string path;
    std::string error_type;
    std::string body;
  };

  runtime_stub() {
    server_.Get("/2018-06-01/runtime/invocation/next",
                [this](const auto&, auto& response) { next(response); });
    server_.Post(R"(/2018-06-01/runtime/(.+))", [this](const auto& request, auto& response) {
      const std::lock_guard lock(mutex_);
      received_.push_back(
          {request.matches[1], request.get_header_value("Lambda-Runtime-Function-Error-Type"), request.body});
      response.status = status_;
      response.set_content("{}", "application/json");
      changed_.notify_all();
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~runtime_stub() {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    changed_.notify_all();
    server_.stop();
    thread_.join();
  }

  inngest::lambda::run_options options() const { return {.api = "127.0.0.1:" + std::to_string(port_)}; }

  void invoke(std::string event, std::chrono::milliseconds time_left = 60s) {
    const std::lock_guard lock(mutex_);
    events_.push_back({std::move(event), time_left});
    changed_.notify_all();
  }

  void answer_posts_with(int status) { status_ = status; }

  /// Waits for a message of the program.
  message wait_for(std::size_t index) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return received_.size() > index; }))
      throw std::runtime_error("nothing was sent");
    return received_[index];
  }

  /// Whether the program waits for an event.
  bool is_asked() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return waiting_ > 0; });
  }

 private:
  template <class Response>
  void next(Response& response) {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_closing_ || !events_.empty(); });
    --waiting_;
    if (events_.empty()) {
      response.status = 500;
      return;
    }
    const auto [event, time_left] = std::exchange(events_.front(), {});
    events_.pop_front();
    const auto deadline = std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch() + time_left);
    response.set_header("Lambda-Runtime-Aws-Request-Id", "request-" + std::to_string(++handed_out_));
    response.set_header("Lambda-Runtime-Deadline-Ms", std::to_string(deadline.count()));
    response.set_header("Lambda-Runtime-Trace-Id", "Root=1-trace-" + std::to_string(handed_out_));
    response.set_content(event, "application/json");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::string, std::chrono::milliseconds>> events_;
  std::vector<message> received_;
  std::atomic<int> status_ = 202;
  int handed_out_ = 0;
  int waiting_ = 0;
  bool is_closing_ = false;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

/// Runs the loop on a thread until the object ends.
class running_loop {
 public:
  running_loop(const inngest::handler& handler, inngest::lambda::run_options options) {
    options.stop = stop_.get_token();
    result_ =
        std::async(std::launch::async, [handler, options] { return inngest::lambda::run(handler, options); });
  }
  ~running_loop() { stop_.request_stop(); }
  std::future<int>& result() { return result_; }
  void stop() { stop_.request_stop(); }

 private:
  inngest::stop_source stop_;
  std::future<int> result_;
};

/// A function whose step waits until it is asked to stop.
inngest::handler waiting_handler(const std::shared_ptr<std::promise<void>>& started) {
  const auto app = support::quiet_client();
  const auto wait = app.create_function(
      {.id = "greet me"}, inngest::on<test_event>(), [started](inngest::context<test_event>& ctx) {
        return ctx.step.run("wait", [&, started](inngest::stop_token stop) -> int {
          started->set_value();
          while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
          throw std::runtime_error("asked to stop");
        });
      });
  return inngest::handler(app, {wait});
}

}  // namespace

TEST_CASE("the loop answers one event after the other", "[lambda][runtime]") {
  runtime_stub stub;
  running_loop loop(greeting_handler(), stub.options());
  stub.invoke(fixture("gateway_v2"));
  stub.invoke(R"({"no":"HTTP"})");
  stub.invoke(fixture("load_balancer"));
  const auto first = stub.wait_for(0);
  CHECK(first.path == "invocation/request-1/response");
  CHECK(json::parse(first.body).at("statusCode") == 206);
  const auto second = stub.wait_for(1);
  CHECK(second.path == "invocation/request-2/error");
  CHECK(second.error_type == "Function.InvalidEvent");
  CHECK_THAT(json::parse(second.body).at("errorMessage").get<std::string>(),
             ContainsSubstring("not an HTTP event"));
  const auto third = stub.wait_for(2);
  CHECK(third.path == "invocation/request-3/response");
  CHECK(json::parse(third.body).at("statusDescription") == "206 Partial Content");
#ifndef _WIN32
  CHECK(std::string(std::getenv("_X_AMZN_TRACE_ID")) == "Root=1-trace-3");
#endif
}

TEST_CASE("a call is asked to stop before its deadline, and still answers", "[lambda][runtime][stop]") {
  runtime_stub stub;
  const auto started = std::make_shared<std::promise<void>>();
  running_loop loop(waiting_handler(started), stub.options());
  const auto begin = std::chrono::steady_clock::now();
  stub.invoke(fixture("gateway_v2"), 8s);
  const auto sent = stub.wait_for(0);
  CHECK(std::chrono::steady_clock::now() - begin >= 5s);  // a quarter of the time is left for the answer
  CHECK(sent.path == "invocation/request-1/response");
  const json response = json::parse(sent.body);
  CHECK_THAT(response.at("body").get<std::string>(), ContainsSubstring("asked to stop"));
  CHECK(header_of(response, "x-inngest-no-retry") == "false");
}

TEST_CASE("a deadline that no clock can count to is none", "[lambda][runtime]") {
  using inngest::lambda::detail::deadline_of;
  CHECK(deadline_of("1764169200000") == std::chrono::system_clock::time_point(1764169200000ms));
  for (const char* text : {"253402300799000", "9223372036854775807", "-1", "", "1x", "soon"})
    CHECK_FALSE(deadline_of(text));
  const inngest::lambda::detail::invocation call{.deadline = deadline_of("9000000000000")};
  const auto far = inngest::lambda::detail::stop_time(call, std::chrono::milliseconds::max());
  REQUIRE(far);
  CHECK(*far > std::chrono::steady_clock::now() + 24h);
}

TEST_CASE("SIGTERM ends the loop while it waits for an event", "[lambda][runtime][stop]") {
  runtime_stub stub;
  running_loop loop(greeting_handler(), stub.options());
  REQUIRE(stub.is_asked());
  std::raise(SIGTERM);
  REQUIRE(loop.result().wait_for(patience) == std::future_status::ready);
  CHECK(loop.result().get() == 0);
}

TEST_CASE("SIGTERM asks a running call to stop, and its answer is sent", "[lambda][runtime][stop]") {
  runtime_stub stub;
  const auto started = std::make_shared<std::promise<void>>();
  running_loop loop(waiting_handler(started), stub.options());
  stub.invoke(fixture("gateway_v2"));
  REQUIRE(started->get_future().wait_for(patience) == std::future_status::ready);
  std::raise(SIGTERM);
  CHECK(stub.wait_for(0).path == "invocation/request-1/response");
  REQUIRE(loop.result().wait_for(patience) == std::future_status::ready);
  CHECK(loop.result().get() == 0);
}

TEST_CASE("an app that can't start reports why", "[lambda][runtime]") {
  runtime_stub stub;
  const auto make = []() -> inngest::handler { throw std::runtime_error("no database"); };
  CHECK_THROWS_WITH(inngest::lambda::run(make, stub.options()), "no database");
  const auto sent = stub.wait_for(0);
  CHECK(sent.path == "init/error");
  CHECK(sent.error_type == "Runtime.InitError");
  CHECK(json::parse(sent.body).at("errorMessage") == "no database");
}

TEST_CASE("a runtime API that fails ends the loop with an error", "[lambda][runtime][broken]") {
  SECTION("it does not take responses") {
    runtime_stub stub;
    stub.answer_posts_with(500);
    running_loop loop(greeting_handler(), stub.options());
    stub.invoke(fixture("gateway_v2"));
    CHECK_THROWS_AS(loop.result().get(), inngest::protocol_error);
  }
  SECTION("it finds a response too large") {
    runtime_stub stub;
    stub.answer_posts_with(413);
    running_loop loop(greeting_handler(), stub.options());
    stub.invoke(fixture("gateway_v2"));
    CHECK(stub.wait_for(1).path == "invocation/request-1/error");
    CHECK(stub.wait_for(1).error_type == "Function.ResponseTooLarge");
  }
  SECTION("it gives no event") {
    const auto transport = std::make_shared<support::fake_transport>(
        [](const auto&) { return inngest::http::response{.status = 403}; });
    CHECK_THROWS_WITH(inngest::lambda::run(greeting_handler(), {.api = "x", .transport = transport}),
                      ContainsSubstring("status 403"));
  }
  SECTION("it is not there") {
    CHECK_THROWS_AS(inngest::lambda::run(greeting_handler(), {.api = "127.0.0.1:1"}), inngest::unreachable);
  }
}

TEST_CASE("outside of Lambda the loop says what is missing", "[lambda][runtime]") {
  CHECK_THROWS_WITH(inngest::lambda::run(greeting_handler()), ContainsSubstring("AWS_LAMBDA_RUNTIME_API"));
  CHECK_THROWS_WITH(inngest::lambda::runtime().run(), ContainsSubstring("inngest::serve()"));
}

TEST_CASE("functions are served on a Lambda runtime like on a server", "[lambda][runtime]") {
  runtime_stub stub;
  stub.invoke(fixture("gateway_v1"));
  auto options = stub.options();
  inngest::stop_source stop;
  options.stop = stop.get_token();
  inngest::lambda::runtime lambda(options);
  const auto app = support::quiet_client();
  inngest::serve(lambda, app, {greeter(app)});
  auto result = std::async(std::launch::async, [&] { return lambda.run(); });
  CHECK(header_of(json::parse(stub.wait_for(0).body), "x-inngest-framework") == "aws-lambda");
  stop.request_stop();
  CHECK(result.get() == 0);
  CHECK_THROWS_WITH(inngest::serve(lambda, app, {greeter(app)}, {.streaming = true}),
                    ContainsSubstring("can't stream"));
}
