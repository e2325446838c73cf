// The tests that every adapter passes: see suite.hpp.

#include "suite.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;
using support::http_answer;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;

constexpr auto patience = http_connection::patience;
constexpr const char* path = "/api/inngest";
constexpr std::size_t functions_of_app = 6;
constexpr std::size_t large_size = 10'000'000;  // more than a socket takes before it is read
constexpr const char* signing_key = "signkey-test-00112233";

/// Functions wait in it until it is opened.
class gate {
 public:
  ~gate() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  /// Returns false when it is not opened in time.
  bool pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    return changed_.wait_for(lock, patience, [&] { return is_open_; });
  }
  /// Waits until this many functions have arrived.
  bool await(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool is_open_ = false;
};

/// A body of a call whose event has this text.
std::string body_with(const std::string& text) {
  support::call call;
  call.event["data"] = {{"text", text}};
  return call.text();
}

std::string body(std::size_t size = 3) { return body_with(std::string(size, 'x')); }

std::string target(const std::string& function) {
  return std::string(path) + "?fnId=app-" + function + "&stepId=step";
}

std::string call_of(const std::string& function, std::size_t size = 3, const std::string& headers = {}) {
  return request_text("POST", target(function), body(size), headers);
}

/// Serves some functions with the adapter.
class served {
 public:
  explicit served(inngest::serve_options options = {},
                  inngest::client_options client_options = support::quiet_options(), int port = 0)
      : app_(std::move(client_options)) {
    std::vector<inngest::any_function> functions;
    functions.push_back(app_.create_function({.id = "size"}, inngest::on<test_event>(), [](auto& ctx) {
      return ctx.step.run("size",
                          [&] { return ctx.event.data.at("text").template get<std::string>().size(); });
    }));
    functions.push_back(app_.create_function({.id = "echo"}, inngest::on<test_event>(), [](auto& ctx) {
      return ctx.event.data.at("text").template get<std::string>();
    }));
    functions.push_back(app_.create_function({.id = "sum"}, inngest::on<test_event>(), [](auto& ctx) {
      const int first = ctx.step.run("first", [] { return 1; });
      return first + ctx.step.run("second", [] { return 20; });
    }));
    functions.push_back(app_.create_function({.id = "large"}, inngest::on<test_event>(),
                                             [](auto&) { return std::string(large_size, 'x'); }));
    functions.push_back(app_.create_function(
        {.id = "gate"}, inngest::on<test_event>(),
        [at = gate_](auto& ctx) { return ctx.step.run("wait", [&] { return at->pass(); }); }));
    functions.push_back(app_.create_function(
        {.id = "stop"}, inngest::on<test_event>(), [at = gate_, asked = asked_to_stop_](auto& ctx) {
          ctx.step.run("wait", [&] {
            at->open();
            at->pass();
            *asked = eventually([&] { return ctx.stop_token().stop_requested(); });
          });
        }));
    server_ = suite::start(app_, std::move(functions), std::move(options), port);
  }
  ~served() {
    gate_->open();
    if (auto ends = std::exchange(suite::endpoint_handler, std::nullopt)) ends->drain(support::patience);
    server_.reset();
  }

  suite::running_server& server() { return *server_; }
  int port() const { return server_->port(); }
  const inngest::handler& handler() const { return server_->handler(); }
  gate& at() { return *gate_; }
  bool asked_to_stop() const { return *asked_to_stop_; }

  /// The answer to a request on a connection of its own.
  http_answer ask(const std::string& request) const {
    http_connection connection(port());
    connection.send(request);
    return connection.read_answer(request.substr(0, 5) == "HEAD ");
  }

 private:
  std::shared_ptr<gate> gate_ = std::make_shared<gate>();
  std::shared_ptr<std::atomic<bool>> asked_to_stop_ = std::make_shared<std::atomic<bool>>(false);
  inngest::client app_;
  std::unique_ptr<suite::running_server> server_;
};

constexpr int closed = 0;

/// The status of an answer, or `closed` when there is none.
template <class Ask>
int status_or_closed(Ask ask) {
  try {
    return ask().status;
  } catch (const std::runtime_error&) {
    return closed;
  }
}

inngest::client_options cloud_options() {
  auto out = support::quiet_options(inngest::mode::cloud);
  out.signing_key = signing_key;
  return out;
}

auto now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// What the function "size" answers.
void check_size(const http_answer& answer, std::size_t size) {
  CHECK(answer.status == 206);
  CHECK(json::parse(answer.body).at(0).at("data") == size);
}

}  // namespace

TEST_CASE("suite: a call runs the function, and the answer has the headers of the handler", "[suite]") {
  const served app;
  const http_answer answer = app.ask(call_of("size", 3));
  check_size(answer, 3);
  CHECK(answer.header("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(answer.header("x-inngest-framework") == suite::traits().name);
  CHECK(answer.header("content-type") == "application/json");
}

TEST_CASE("suite: the steps of a run are called one by one, with the results of those before", "[suite]") {
  const served app;
  support::call call;
  const auto ask = [&] { return app.ask(request_text("POST", target("sum"), call.text())); };
  const auto remember = [&](const std::string& id, int result) {
    call.steps[support::hash_of(id)] = {{"data", result}};
    call.stack.push_back(support::hash_of(id));
  };
  remember("first", 300);
  const http_answer second = ask();
  CHECK(second.status == 206);
  const json operations = json::parse(second.body);
  REQUIRE(operations.size() == 1);
  CHECK(operations.at(0).at("id") == support::hash_of("second"));
  CHECK(operations.at(0).at("data") == 20);
  remember("second", 4000);
  const http_answer end = ask();
  CHECK(end.status == 200);
  CHECK(end.body == "4300");
}

TEST_CASE("suite: PUT registers the functions", "[suite]") {
  const served app;
  const http_answer answer =
      app.ask(request_text("PUT", path, R"({"url":"http://me/x"})", "x-inngest-sync-kind: in_band\r\n"));
  CHECK(answer.status == 200);
  const json registered = json::parse(answer.body);
  CHECK(registered.at("functions").size() == functions_of_app);
  CHECK(registered.at("framework") == suite::traits().name);
}

TEST_CASE("suite: PUT without a body registers, though nothing is said of its length", "[suite]") {
  const served app;
  const http_answer answer = app.ask(request_text("PUT", path, "", "x-inngest-sync-kind: in_band\r\n"));
  CHECK(answer.status == 200);
  CHECK_THAT(answer.body, ContainsSubstring("\"functions\":["));
}

TEST_CASE("suite: PUT out of band registers with the server, at the URL that was asked", "[suite]") {
  const auto server = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    return inngest::http::response{.body = R"({"ok":true,"modified":true})"};
  });
  auto options = support::quiet_options();
  options.transport = server;
  const served app({}, options);
  const http_answer answer = app.ask("PUT " + std::string(path) +
                                     "?deployId=d%2F1 HTTP/1.1\r\nHost: app.example:1234\r\n"
                                     "X-Inngest-Server-Kind: dev\r\nContent-Length: 0\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.header("x-inngest-sync-kind") == "out_of_band");
  CHECK(json::parse(answer.body).at("modified") == true);
  const auto registrations = server->requests();
  REQUIRE(registrations.size() == 1);
  CHECK_THAT(registrations[0].url, Catch::Matchers::EndsWith("/fn/register?deployId=d%2F1"));
  const json registered = json::parse(registrations[0].body);
  CHECK_THAT(registered.at("url").get<std::string>(),
             Catch::Matchers::EndsWith("://app.example:1234/api/inngest?deployId=d%2F1"));
  CHECK(registered.at("framework") == suite::traits().name);
  CHECK(registered.at("functions").size() == functions_of_app);
}

TEST_CASE("suite: GET describes the app", "[suite]") {
  const served app;
  const http_answer answer = app.ask(request_text("GET", path));
  CHECK(answer.status == 200);
  CHECK(json::parse(answer.body).at("function_count") == functions_of_app);
}

TEST_CASE("suite: HEAD is answered like GET without a body", "[suite]") {
  const served app;
  http_connection connection(app.port());
  for (int i = 0; i < 2; ++i) {
    connection.send(request_text("HEAD", path));
    const http_answer answer = connection.read_answer(true);
    CHECK(answer.status == 200);
    CHECK(answer.header("x-inngest-framework") == suite::traits().name);
  }
  connection.send(request_text("GET", path));
  CHECK(connection.read_answer().status == 200);  // no body came before
}

TEST_CASE("suite: HEAD has no body either when it is refused", "[suite]") {
  const served app({}, cloud_options());
  http_connection connection(app.port());
  connection.send(request_text("HEAD", path));
  CHECK(connection.read_answer(true).status == 401);
  connection.send(request_text("GET", path));
  const http_answer answer = connection.read_answer();  // a body would have come before
  CHECK(answer.status == 401);
  CHECK_THAT(answer.body, ContainsSubstring("unauthorized"));
}

TEST_CASE("suite: other methods are refused", "[suite]") {
  const served app;
  for (const std::string method : {"OPTIONS", "DELETE", "PATCH"}) {
    CAPTURE(method);
    const http_answer answer = app.ask(request_text(method, path));
    if (suite::traits().passes_all_methods) {
      CHECK(answer.status == 405);
      CHECK(answer.header("allow") == "GET, HEAD, PUT, POST");
    } else {
      CHECK(answer.status >= 400);
    }
  }
  CHECK(app.ask(request_text("DELETE", path, "{}")).status >= 400);
  const int unknown = status_or_closed([&] { return app.ask(request_text("BREW", path)); });
  CHECK((unknown == closed || unknown >= 400));
  check_size(app.ask(call_of("size")), 3);
}

TEST_CASE("suite: the query arrives as it was sent, encoded", "[suite]") {
  const served app;
  check_size(app.ask(request_text("POST", std::string(path) + "?fnId=%61pp-size&stepId=step", body(5))), 5);
  CHECK(app.ask(request_text("POST", std::string(path) + "?fnId=app%2Bsize", body())).status == 500);
  CHECK(app.ask(request_text("POST", path, body())).status == 400);
}

TEST_CASE("suite: names of headers may be in any case", "[suite][signature]") {
  const served app({}, cloud_options());
  const std::string text = body(4);
  const std::string signature = inngest::protocol::sign(text, signing_key, now());
  check_size(app.ask("POST " + target("size") +
                     " HTTP/1.1\r\nhOST: localhost\r\ncOnTeNt-LeNgTh: " + std::to_string(text.size()) +
                     "\r\nX-INNGEST-signature: " + signature + "\r\n\r\n" + text),
             4);
}

TEST_CASE("suite: other paths are not found", "[suite]") {
  const served app({.path = "/jobs/inngest"});
  for (const std::string other : {"/", "/api/inngest", "/jobs", "/jobs/inngestx", "/jobs/inngest/more"}) {
    CAPTURE(other);
    CHECK(app.ask(request_text("GET", other)).status == 404);
    CHECK(app.ask(request_text("POST", other, body())).status == 404);
  }
  CHECK(app.ask(request_text("GET", "/jobs/inngest?a=b")).status == 200);
}

TEST_CASE("suite: the path is text, whatever it means to the framework", "[suite]") {
  const served app({.path = "/c++/v1.0(a)/:b*$"});
  CHECK(app.ask(request_text("GET", "/c++/v1.0(a)/:b*$")).status == 200);
  for (const std::string other : {"/c++/v1x0(a)/:b*$", "/ccc/v1.0(a)/:b*$", "/c++/v1.0a/:b*$",
                                  "/c++/v1.0(a)/b", "/c++/v1.0(a)/:bb$", "/c++/v1.0(a)/:b*"}) {
    CAPTURE(other);
    CHECK(app.ask(request_text("GET", other)).status == 404);
  }
}

TEST_CASE("suite: a signed call is answered with a signature, others are refused", "[suite][signature]") {
  const served app({}, cloud_options());
  const std::string text = body();
  const http_answer answer = app.ask(call_of(
      "size", 3, "X-Inngest-Signature: " + inngest::protocol::sign(text, signing_key, now()) + "\r\n"));
  check_size(answer, 3);
  CHECK(inngest::protocol::verify(answer.header("x-inngest-signature"), answer.body, signing_key, now()));

  const std::string of_other = inngest::protocol::sign(text + " ", signing_key, now());
  for (const std::string& headers : {std::string(), "x-inngest-signature: " + of_other + "\r\n",
                                     std::string("x-inngest-signature: nonsense\r\n")}) {
    CAPTURE(headers);
    const http_answer refused = app.ask(call_of("size", 3, headers));
    CHECK(refused.status == 401);
    CHECK(refused.header("x-inngest-sdk") == "(absent)");
  }
}

TEST_CASE("suite: a body of four megabytes arrives whole, and so does such an answer", "[suite][size]") {
  constexpr std::size_t size = 4 * 1024 * 1024;
  const served app;
  check_size(app.ask(call_of("size", size)), size);
  const http_answer answer = app.ask(call_of("echo", size));
  CHECK(answer.status == 200);
  CHECK((answer.body == '"' + std::string(size, 'x') + '"'));
}

TEST_CASE("suite: an endpoint answers clients, and leads them to responses that come later",
          "[suite][endpoint]") {
  if (!suite::traits().serves_several) return;
  const struct cleared {
    ~cleared() { suite::endpoint_to_serve.reset(); }
  } at_end;
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([](const inngest::http::request& asked) {
    if (asked.url.find("/output") == std::string::npos)
      return inngest::http::response{.body = R"({"data":{"fn_id":"F","app_id":"A","token":"T"}})"};
    return inngest::http::response{.headers = {{"x-inngest-result", "plain x-mine"}, {"x-mine", "later"}},
                                   .body = "the response"};
  });
  suite::endpoint_to_serve =
      inngest::endpoint(inngest::client(options), {.id = "checkout", .max_body_size = 4 * 1024 * 1024},
                        [](inngest::endpoint_context& ctx) -> inngest::http::response {
                          const auto size = ctx.step.run("size", [&] { return ctx.request.body.size(); });
                          if (ctx.request.query("sleep")) ctx.step.sleep("nap", 1h);
                          return {.status = 201,
                                  .headers = {{"Content-Type", "text/plain"},
                                              {"X-Mine", "yes"},
                                              {"X-Split", "a\r\nX-Foreign: yes"},
                                              {"Content-Length", "1"},
                                              {"Transfer-Encoding", "chunked"},
                                              {"Connection", "close"}},
                                  .body = ctx.request.method + " " + std::to_string(size)};
                        });
  const served app;
  const auto of = [](const std::string& method, std::size_t size, const std::string& query = {}) {
    return request_text(method, "/checkout" + query, std::string(size, '\xff'));
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{4} * 1024 * 1024}) {
    const http_answer answer = app.ask(of("POST", size));
    CHECK(answer.status == 201);
    CHECK(answer.body == "POST " + std::to_string(size));
    CHECK(answer.header("content-type") == "text/plain");
    CHECK(answer.header("x-mine") == "yes");
    CHECK(answer.header("x-foreign") == "(absent)");
  }
  CHECK(app.ask(of("GET", 0)).body == "GET 0");
  const http_answer redirect = app.ask(of("POST", 3, "?sleep=1"));
  CHECK(redirect.status == 303);
  CHECK_THAT(redirect.header("location"), ContainsSubstring("&inngestToken=T"));
  const http_answer later = app.ask(of("GET", 0, redirect.header("location")));
  CHECK(later.status == 200);
  CHECK(later.body == "the response");
  CHECK(later.header("x-mine") == "later");
  check_size(app.ask(call_of("size")), 3);  // the functions are served as well
}

TEST_CASE("suite: of two handlers on a server, each has its own limit", "[suite][endpoint][size]") {
  if (!suite::traits().serves_several) return;
  const struct cleared {
    ~cleared() { suite::endpoint_to_serve.reset(); }
  } at_end;
  const std::size_t small = 20'000, large = 1'000'000;
  for (const bool endpoint_takes_more : {false, true}) {
    CAPTURE(endpoint_takes_more);
    const std::size_t of_endpoint = endpoint_takes_more ? large : small;
    const std::size_t of_functions = endpoint_takes_more ? small : large;
    suite::endpoint_to_serve =
        inngest::endpoint(support::quiet_client(),
                          {.id = "checkout", .max_body_size = of_endpoint, .record_without_steps = false},
                          [](inngest::endpoint_context& ctx) { return ctx.request.body.size(); });
    const served app({.max_body_size = of_functions});
    const auto at_endpoint = [&](std::size_t size) {
      return app.ask(request_text("POST", "/checkout", std::string(size, 'x')));
    };
    CHECK(at_endpoint(of_endpoint).body == std::to_string(of_endpoint));
    check_size(app.ask(call_of("size", of_functions / 3)), of_functions / 3);  // a call has it twice
    const int refused = status_or_closed([&] {
      return endpoint_takes_more ? app.ask(call_of("size", of_functions)) : at_endpoint(of_endpoint + 1);
    });
    CHECK((refused == closed || refused == 413));  // it may be closed while it is being sent to
  }
}

TEST_CASE("suite: a response whose stream fails is not taken for a whole one",
          "[suite][endpoint][streaming]") {
  if (!suite::traits().serves_several) return;
  const struct cleared {
    ~cleared() { suite::endpoint_to_serve.reset(); }
  } at_end;
  suite::endpoint_to_serve =
      inngest::endpoint(support::quiet_client(), {.id = "checkout", .record_without_steps = false},
                        [](inngest::endpoint_context&) -> inngest::http::response {
                          return {.stream = [](const inngest::http::chunk_writer& write) {
                            write("one ");
                            throw std::runtime_error("the file ended early");
                          }};
                        });
  const served app;
  for (int i = 0; i < 3; ++i) {  // the server goes on
    http_connection connection(app.port());
    connection.send(request_text("GET", "/checkout"));
    if (!suite::traits().streams) {
      CHECK(connection.read_answer().status == 500);
    } else if (suite::traits().breaks_off) {
      CHECK_THROWS_WITH(connection.read_answer(), ContainsSubstring("closed"));
    } else {
      CHECK(connection.read_answer().body == "one ");
    }
  }
  check_size(app.ask(call_of("size")), 3);
}

TEST_CASE("suite: an endpoint's answer without content has no body on the wire", "[suite][endpoint]") {
  if (!suite::traits().serves_several) return;
  const struct cleared {
    ~cleared() { suite::endpoint_to_serve.reset(); }
  } at_end;
  suite::endpoint_to_serve =
      inngest::endpoint(support::quiet_client(), {.id = "checkout", .record_without_steps = false},
                        [](inngest::endpoint_context& ctx) -> inngest::http::response {
                          return {.status = std::stoi(ctx.request.query("status").value()), .body = "a body"};
                        });
  const served app;
  http_connection connection(app.port());
  for (const int status : {204, 304}) {
    CAPTURE(status);
    connection.send(request_text("GET", "/checkout?status=" + std::to_string(status)));
    CHECK(connection.read_answer().status == status);
    connection.send(request_text("GET", path));
    CHECK(connection.read_answer().status == 200);  // no body came before
  }
}

TEST_CASE("suite: a chunked body arrives whole", "[suite][size]") {
  const served app;
  const std::string text = body(100'000);
  http_connection connection(app.port());
  connection.send("POST " + target("size") +
                  " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (std::size_t from = 0; from < text.size(); from += 999) {
    const std::string chunk = text.substr(from, 999);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    connection.send(size + chunk + "\r\n");
  }
  connection.send("0\r\n\r\n");
  check_size(connection.read_answer(), 100'000);
}

TEST_CASE("suite: a body up to the limit is read, and one that is larger is answered with 413",
          "[suite][size]") {
  const std::string text = body(1000);
  const served exact({.max_body_size = text.size()});
  check_size(exact.ask(call_of("size", 1000)), 1000);
  const http_answer refused = exact.ask(call_of("size", 1001));
  CHECK(refused.status == 413);
  if (suite::traits().says_when_it_closes) CHECK(refused.header("connection") == "close");
  check_size(exact.ask(call_of("size", 1000)), 1000);
}

TEST_CASE("suite: a body that is declared as too large is refused before it arrives", "[suite][size]") {
  if (!suite::traits().refuses_early) return;
  const served app({.max_body_size = 100'000});
  http_connection connection(app.port());
  connection.send("POST " + target("size") +
                  " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100001\r\n\r\n{");
  CHECK(connection.read_answer().status == 413);
  connection.read_rest();  // it is closed
}

TEST_CASE("suite: bodies far beyond the limit do the server no harm", "[suite][size]") {
  const served app({.max_body_size = 100'000});
  const std::string megabyte(1'000'000, 'x');
  for (const bool chunked : {false, true}) {
    http_connection connection(app.port());
    connection.send(
        "POST " + target("size") + " HTTP/1.1\r\nHost: localhost\r\n" +
        (chunked ? "Transfer-Encoding: chunked\r\n\r\n989680\r\n" : "Content-Length: 10000000\r\n\r\n"));
    for (int i = 0; i < 10 && connection.send(megabyte); ++i) {
    }
    const int status = status_or_closed([&] { return connection.read_answer(); });
    CHECK((status == closed || status == 413));  // it may be closed while it is being sent to
    check_size(app.ask(call_of("size", 20'000)), 20'000);
  }
}

TEST_CASE("suite: a client that asks whether to continue sends its body", "[suite][size]") {
  const served app;
  check_size(app.ask(call_of("size", 2000, "Expect: 100-continue\r\n")), 2000);
}

TEST_CASE("suite: a connection serves several requests", "[suite][connection]") {
  const served app;
  http_connection connection(app.port());
  for (const std::size_t size : {std::size_t{1}, std::size_t{100'000}, std::size_t{5}}) {
    connection.send(call_of("size", size));
    check_size(connection.read_answer(), size);
    connection.send(request_text("GET", path));
    CHECK(connection.read_answer().status == 200);
    connection.send(request_text("POST", path, "garbage"));
    CHECK(connection.read_answer().status == 400);
  }
  connection.send(call_of("size", 3, "Connection: close\r\n"));
  check_size(connection.read_answer(), 3);
  CHECK(connection.read_rest().empty());
}

TEST_CASE("suite: bodies of any length, sent in pieces, follow each other on a connection", "[suite][size]") {
  const served app;
  http_connection connection(app.port());
  char letter = 'a';
  for (const std::size_t size : {300'000u, 90'000u, 9'000'000u, 10u, 200'000u, 150'000u}) {
    const std::string text(size, letter++);
    const std::string request = request_text("POST", target("echo"), body_with(text));
    const std::size_t piece = size / 3 + 1;
    for (std::size_t at = 0; at < request.size(); at += piece) {
      REQUIRE(connection.send(request.substr(at, piece)));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const http_answer answer = connection.read_answer();
    CHECK(answer.status == 200);
    CHECK((answer.body == '"' + text + '"'));
  }
}

TEST_CASE("suite: a client of HTTP/1.0 gets its answer", "[suite][connection]") {
  const served app;
  http_connection connection(app.port());
  const std::string text = body(7);
  connection.send("POST " + target("size") + " HTTP/1.0\r\nContent-Length: " + std::to_string(text.size()) +
                  "\r\n\r\n" + text);
  const http_answer answer = connection.read_answer();
  check_size(answer, 7);
  CHECK(answer.header("transfer-encoding") == "(absent)");  // it knows no chunks
  CHECK(connection.read_rest().empty());
}

TEST_CASE("suite: requests that are sent at once are answered in order", "[suite][connection]") {
  if (!suite::traits().pipelines) return;
  const served app;
  http_connection connection(app.port());
  connection.send(call_of("size", 1) + request_text("GET", path) + call_of("size", 50'000) +
                  call_of("size", 2));
  check_size(connection.read_answer(), 1);
  CHECK(json::parse(connection.read_answer().body).at("function_count") == functions_of_app);
  check_size(connection.read_answer(), 50'000);
  check_size(connection.read_answer(), 2);
}

TEST_CASE("suite: a request that arrives byte by byte is answered", "[suite][connection]") {
  const served app;
  http_connection connection(app.port());
  for (const char c : call_of("size")) REQUIRE(connection.send(std::string(1, c)));
  check_size(connection.read_answer(), 3);
}

TEST_CASE("suite: a hundred idle connections are in nobody's way", "[suite][connection]") {
  const served app;
  std::vector<http_connection> idle;
  for (int i = 0; i < 100; ++i) idle.emplace_back(app.port());
  check_size(app.ask(call_of("size")), 3);
  idle.back().send(call_of("size"));
  check_size(idle.back().read_answer(), 3);
}

TEST_CASE("suite: garbage does the server no harm", "[suite][garbage]") {
  const served app;
  const std::string start = "POST " + target("size") + " HTTP/1.1\r\nHost: localhost\r\n";
  std::string noise;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>((i * 7919 + i / 3) & 0xff);
  std::string many_fields = start;
  for (int i = 0; i < 20'000; ++i) many_fields += "x-field-" + std::to_string(i) + ": value\r\n";
  const std::string inputs[] = {
      noise,
      std::string(1000, '\0'),
      std::string(1'000'000, 'x'),
      "GET\r\n\r\n",
      "GET " + std::string(path) + " HTTP/9.9\r\n\r\n",
      "GET " + std::string(path) + "\r\n\r\n",
      "GET http://[::1 HTTP/1.1\r\n\r\n",
      "GET " + std::string(path) + "?fnId=%zz%0 HTTP/1.1\r\n\r\n",
      "GET " + std::string(path) + "?" + std::string(500'000, 'q') + " HTTP/1.1\r\n\r\n",
      start + "no colon\r\n\r\n",
      start + ": no name\r\n\r\n",
      start + "x-large: " + std::string(1'000'000, 'x') + "\r\n\r\n",
      many_fields + "\r\n",
      start + "Content-Length: -1\r\n\r\n",
      start + "Content-Length: 99999999999999999999999999\r\n\r\nx",
      start + "Content-Length: 18446744073709551615\r\n\r\nx",
      start + "Content-Length: two\r\n\r\nxx",
      start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
      start + "Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nxx",
      start + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      start + "Content-Length: 100\r\n\r\nless",
      start.substr(0, 20),
  };
  for (const std::string& input : inputs) {
    CAPTURE(input.substr(0, 200));
    {
      http_connection connection(app.port());
      connection.send(input);
    }  // the rest never comes
    check_size(app.ask(call_of("size")), 3);
  }
  CHECK(eventually([&] { return app.handler().calls_under_way() == 0; }));
}

TEST_CASE("suite: bodies that are no calls are refused, whatever their type", "[suite][garbage]") {
  const served app;
  CHECK(app.ask(request_text("POST", target("size"))).status >= 400);
  CHECK(app.ask(request_text("POST", target("size"), "garbage")).status == 400);
  const std::string text = body();
  for (const std::string type : {"text/plain", "application/x-www-form-urlencoded", "image/png"}) {
    CAPTURE(type);
    check_size(app.ask("POST " + target("size") + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + type +
                       "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text),
               3);
  }
}

TEST_CASE("suite: an answer is sent whole and plain, whatever the client accepts", "[suite]") {
  const served app;
  const http_answer answer =
      app.ask(call_of("echo", 20'000, "Accept-Encoding: gzip, br\r\nRange: bytes=0-3\r\n"));
  CHECK(answer.status == 200);
  CHECK(answer.header("content-encoding") == "(absent)");
  CHECK(answer.body.size() == 20'002);
}

TEST_CASE("suite: 64 calls run at the same time", "[suite][threads]") {
  constexpr int calls = 64;
  served app;
  std::vector<http_connection> callers;
  for (int i = 0; i < calls; ++i) {
    callers.emplace_back(app.port());
    REQUIRE(callers.back().send(call_of("gate")));
  }
  CHECK(app.at().await(calls));  // all of them wait in their function
  CHECK(app.handler().calls_under_way() == calls);
  CHECK(app.ask(request_text("GET", path)).status == 200);
  app.at().open();
  for (http_connection& caller : callers) {
    const http_answer answer = caller.read_answer();
    CHECK(answer.status == 206);
    CHECK(json::parse(answer.body).at(0).at("data") == true);
  }
}

TEST_CASE("suite: calls from many clients do not mix", "[suite][threads]") {
  const served app;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (std::size_t client = 1; client <= 8; ++client) {
    clients.emplace_back([&, client] {
      try {
        http_connection connection(app.port());
        for (std::size_t i = 0; i < 25; ++i) {
          const std::size_t size = client * 1000 + i;
          connection.send(call_of("size", size));
          if (json::parse(connection.read_answer().body).at(0).at("data") == size) ++right;
        }
      } catch (const std::exception&) {  // it is not counted
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(right == 8 * 25);
}

namespace {

/// Runs nothing when it is full.
class small_executor final : public inngest::executor {
 public:
  bool post(std::function<void()> work) override {
    ++posts;
    if (is_full) return false;
    return threads.post(std::move(work));
  }
  std::atomic<int> posts{0};
  std::atomic<bool> is_full{false};
  inngest::thread_pool threads{{.threads = 4}};
};

}  // namespace

TEST_CASE("suite: calls run on the executor, and are answered with 503 when it is full",
          "[suite][executor]") {
  if (!suite::traits().uses_executor) return;
  const auto executor = std::make_shared<small_executor>();
  const served app({.executor = executor});
  check_size(app.ask(call_of("size")), 3);
  CHECK(executor->posts == 1);
  CHECK(app.ask(request_text("GET", path)).status == 200);
  CHECK(executor->posts == 1);
  executor->is_full = true;
  const http_answer refused = app.ask(call_of("size"));
  CHECK(refused.status == 503);
  CHECK(refused.header("retry-after") == "1");
  CHECK(refused.header("x-inngest-no-retry") == "false");
  CHECK(app.ask(request_text("GET", path)).status == 200);
  executor->is_full = false;
  check_size(app.ask(call_of("size")), 3);
}

TEST_CASE("suite: an adapter that can't stream says so", "[suite][streaming]") {
  if (suite::traits().streams) return;
  CHECK_THROWS_AS(served({.streaming = true}), inngest::configuration_error);
}

TEST_CASE(
    "suite: a streamed answer begins with white space while the function runs, and ends with the result",
    "[suite][streaming]") {
  if (!suite::traits().streams) return;
  served app({.streaming = true, .heartbeat = 10ms});
  http_connection connection(app.port());
  for (int i = 0; i < 2; ++i) {
    connection.send(call_of("gate"));
    CHECK_THAT(
        support::lower_case(connection.read_until("\r\n\r\n")),
        Catch::Matchers::StartsWith("http/1.1 201") && ContainsSubstring("transfer-encoding: chunked"));
    if (i == 0) {
      CHECK(connection.read_until("1\r\n \r\n1\r\n \r\n").empty());  // two pieces of one space
      app.at().open();
    }
    // The rest is chunks of white space and one with the answer.
    std::string text = connection.read_until("0\r\n\r\n");
    const std::size_t begin = text.find('{');
    REQUIRE(begin != std::string::npos);
    const json answer = json::parse(text.substr(begin, text.rfind('}') + 1 - begin));
    CHECK(answer.at("status") == 206);
    CHECK(json::parse(answer.at("body").get<std::string>()).at(0).at("data") == true);
  }
  connection.send(request_text("GET", path));
  CHECK(connection.read_answer().status == 200);  // the connection goes on
}

TEST_CASE("suite: a large streamed answer arrives whole, and refused calls are not streamed",
          "[suite][streaming]") {
  if (!suite::traits().streams) return;
  const served app({.streaming = true}, cloud_options());
  const std::string text = body(2'000'000);
  const http_answer streamed =
      app.ask(call_of("echo", 2'000'000,
                      "X-Inngest-Signature: " + inngest::protocol::sign(text, signing_key, now()) + "\r\n"));
  CHECK(streamed.status == 201);
  const json answer = json::parse(streamed.body);
  CHECK(answer.at("status") == 200);
  CHECK(answer.at("body").get<std::string>().size() == 2'000'002);
  CHECK(app.ask(call_of("echo")).status == 401);
}

TEST_CASE("suite: a call is asked to stop when its client is gone", "[suite][gone]") {
  if (!suite::traits().notices_gone_clients) return;
  served app({.heartbeat = 10ms});
  {
    http_connection connection(app.port());
    connection.send(call_of("stop"));
    REQUIRE(app.at().await());
  }
  CHECK(eventually([&] { return app.asked_to_stop(); }));
  CHECK(eventually([&] { return app.handler().calls_under_way() == 0; }));
  check_size(app.ask(call_of("size")), 3);
}

TEST_CASE("suite: a streamed call is asked to stop when its client is gone", "[suite][streaming][gone]") {
  if (!suite::traits().streams) return;
  served app({.streaming = true, .heartbeat = 10ms});
  {
    http_connection connection(app.port());
    connection.send(call_of("stop"));
    REQUIRE(app.at().await());
  }
  CHECK(eventually([&] { return app.asked_to_stop(); }));
  CHECK(eventually([&] { return app.handler().calls_under_way() == 0; }));
}

TEST_CASE("suite: clients that leave during calls do the server no harm", "[suite][gone]") {
  served app({.heartbeat = 10ms});
  for (int i = 0; i < 10; ++i) {
    http_connection connection(app.port());
    connection.send(call_of("gate"));
    REQUIRE(app.at().await(i + 1));
  }
  app.at().open();
  CHECK(eventually([&] { return app.handler().calls_under_way() == 0; }));
  check_size(app.ask(call_of("size")), 3);
}

TEST_CASE("suite: drain() waits for running calls, whose clients get their answers", "[suite][drain]") {
  served app;
  http_connection caller(app.port());
  caller.send(call_of("gate"));
  REQUIRE(app.at().await());
  CHECK_FALSE(app.handler().drain(10ms));
  CHECK(app.handler().calls_under_way() == 1);
  const http_answer refused = app.ask(call_of("size"));
  CHECK(refused.status == 503);
  CHECK(refused.header("retry-after") == "1");
  CHECK(app.ask(request_text("GET", path)).status == 200);
  app.at().open();
  CHECK(app.handler().drain(patience));
  CHECK(app.handler().calls_under_way() == 0);
  // A server with a thread for each call counts it until the handler returns, and writes its answer after
  // that.
  const bool is_written = suite::traits().uses_executor && suite::traits().knows_when_written;
  if (is_written) app.server().stop();
  const http_answer answer = caller.read_answer();
  CHECK(answer.status == 206);
  CHECK(json::parse(answer.body).at(0).at("data") == true);
}

TEST_CASE("suite: a call runs until its answer is written", "[suite][drain]") {
  if (!suite::traits().uses_executor || !suite::traits().knows_when_written) return;
  const served app;
  http_connection slow(app.port(), 4096);
  slow.send(call_of("large"));
  CHECK(eventually([&] { return app.handler().calls_under_way() == 1; }));
  CHECK_FALSE(app.handler().drain(500ms));  // the client reads nothing
  CHECK(slow.read_answer().body.size() == large_size + 2);
  CHECK(app.handler().drain(patience));
}

TEST_CASE("suite: a server that stops during a call does not wait for it", "[suite][stop]") {
  if (!suite::traits().uses_executor || !suite::traits().outlives_server) return;
  served app;
  http_connection caller(app.port());
  caller.send(call_of("gate"));
  REQUIRE(app.at().await());
  app.server().stop();
  CHECK_THROWS(http_connection(app.port()));
  app.at().open();
  CHECK(app.handler().drain(patience));
}

TEST_CASE("suite: a server can be started on the port of one that has just stopped", "[suite][stop]") {
  int port = 0;
  std::vector<http_connection> kept;  // the server closes first
  for (int i = 0; i < 3; ++i) {
    served app({}, support::quiet_options(), port);
    port = app.port();
    kept.emplace_back(port);
    kept.back().send(call_of("size"));
    check_size(kept.back().read_answer(), 3);
    CHECK_THROWS(served({}, support::quiet_options(), port));  // it is in use
    app.server().stop();
    app.server().stop();
  }
}

TEST_CASE("suite: a client of HTTP/1.0, which knows no chunks, gets a plain answer when others are streamed",
          "[suite][streaming]") {
  if (!suite::traits().streams) return;
  const served app({.streaming = true});
  const std::string text = body();
  http_connection connection(app.port());
  connection.send("POST " + target("size") + " HTTP/1.0\r\nContent-Length: " + std::to_string(text.size()) +
                  "\r\n\r\n" + text);
  const std::string answer = support::lower_case(connection.read_rest());
  CHECK_THAT(answer, !ContainsSubstring("transfer-encoding"));
  const std::size_t end_of_head = answer.find("\r\n\r\n");
  REQUIRE(end_of_head != std::string::npos);
  const json answered = json::parse(answer.substr(end_of_head), nullptr, false);
  REQUIRE_FALSE(answered.is_discarded());  // chunks would be no JSON
  // A framework may stream to such a client until the connection ends.
  const json result = answered.is_object() ? json::parse(answered.at("body").get<std::string>()) : answered;
  CHECK(result.at(0).at("data") == 3);
}
