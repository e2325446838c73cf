// Tries realtime against a server: realtime_check [url]. Without a URL it tries the embedded engine, in the
// process and through its server, which must behave alike.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/inngest.hpp>
#include <inngest/realtime.hpp>

namespace {

using namespace std::chrono_literals;
namespace realtime = inngest::realtime;

struct Progress {
  int percent = 0;
  std::string doing{};
  bool operator==(const Progress&) const = default;
};
INNGEST_FIELDS(Progress, percent, doing)
using ImportProgress = inngest::topic<"progress", Progress>;
using ImportLog = inngest::topic<"log", std::string>;
using Import = inngest::channel<"import:{id}", ImportProgress, ImportLog>;

void expect(bool truth, const std::string& what) {
  if (!truth) throw std::runtime_error("not so: " + what);
  std::printf("  ok  %s\n", what.c_str());
}

template <class Condition>
bool eventually(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;
       std::this_thread::sleep_for(5ms)) {
    if (condition()) return true;
  }
  return false;
}

/// What a subscription received, as lines.
struct received {
  std::mutex mutex{};
  std::vector<std::string> lines{};
  std::vector<Progress> progress{};
  std::string stream{};

  template <class Read>
  auto read(Read reader) {
    const std::lock_guard lock(mutex);
    return reader();
  }
};

void check(const inngest::client& app) {
  received seen;
  std::string id;
  const auto at = [&](const std::string& line) { seen.read([&] { seen.lines.push_back(line); }); };
  {
    auto watching = realtime::subscribe(
        app, Import{7},
        {.on_error = [&](const std::exception& problem) { at(std::string("! ") + problem.what()); }},
        realtime::on<ImportProgress>(
            [&](const Progress& p) { seen.read([&] { seen.progress.push_back(p); }); }),
        realtime::on<ImportLog>([&](const std::string& line, const realtime::message& m) {
          at(line + " of run " + m.run_id + (m.created_at ? " with a time" : ""));
        }),
        realtime::on_stream<ImportLog>([&](const realtime::message& m) {
          if (m.kind != realtime::message_kind::chunk) at(std::string(to_string(m.kind)));
          if (m.kind == realtime::message_kind::chunk)
            seen.read([&] { seen.stream += m.data<std::string>(); });
          if (m.stream_id.empty()) at("without an id");
        }));
    expect(watching.wait_until_open(30s), "a subscription opens with a token of its own");
    app.publish<ImportProgress>(Import{7}, {.percent = 40, .doing = "räder"});
    app.publish<ImportProgress>(Import{8}, {.percent = 41, .doing = "another channel"});
    app.publish(Import{7}, "other", 42);
    app.publish<ImportLog>(Import{7}, "line");
    expect(
        eventually([&] { return seen.read([&] { return seen.progress.size() + seen.lines.size() >= 2; }); }),
        "messages arrive");
    auto log = realtime::open_stream<ImportLog>(app, Import{7});
    log.write("one ");
    expect(eventually([&] { return seen.read([&] { return seen.stream == "one "; }); }),
           "a piece arrives before the stream is complete");
    for (int i = 0; i < 100; ++i) log.write(std::to_string(i) + " ");
    log.close();
    std::string all = "one ";
    for (int i = 0; i < 100; ++i) all += std::to_string(i) + " ";
    expect(eventually([&] { return seen.read([&] { return seen.lines.size() >= 3; }); }), "the stream ends");
    expect(seen.read([&] { return seen.stream == all; }), "all pieces arrive in order");
  }
  expect(seen.progress == std::vector<Progress>{{40, "räder"}},
         "messages are typed, and only those of the channel");
  expect(seen.lines ==
             std::vector<std::string>{"line of run  with a time", "datastream-start", "datastream-end"},
         "the stream has a start and an end");
}

/// The token of one server for a page: with it, and with a wrong one.
void check_token(const inngest::client& app, const std::string& url) {
  const std::string token = realtime::token(app, Import{7});
  inngest::httplib_transport transport;
  const auto status = [&](const std::string& given) {
    int out = 0;
    transport.stream({.url = url + "/v1/realtime/sse?token=" + given},
                     {.on_head = [&](const inngest::http::response& head) {
                       out = head.status;
                       if (out == 200 && head.headers.find("access-control-allow-origin") != "*") out = -1;
                       return false;
                     }});
    return out;
  };
  expect(status(token) == 200, "a page of any origin subscribes with a token");
  expect(status(token.substr(0, token.size() - 4) + "AAAA") == 401, "a forged token is refused");
  expect(status("") == 401, "a subscription without a token is refused");
}

inngest::client client_of(const std::string& url) {
  return inngest::client({.id = "check",
                          .mode = inngest::mode::dev,
                          .api_base_url = url,
                          .event_api_base_url = url,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off)});
}

}  // namespace

int main(int count, char** arguments) try {
  if (count > 1) {
    check(client_of(arguments[1]));
    check_token(client_of(arguments[1]), arguments[1]);
    return EXIT_SUCCESS;
  }
  const inngest::client app = client_of("");
  inngest::embedded::engine engine(app, {});
  inngest::embedded::http_server server(engine, {.port = 0});
  std::printf("in the process\n");
  check(app);
  std::printf("through the engine's server\n");
  check(client_of(server.url()));
  check_token(client_of(server.url()), server.url());
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "realtime_check: %s\n", problem.what());
  return EXIT_FAILURE;
}
