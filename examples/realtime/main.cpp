// A browser shows the progress of a function while it runs:
//
//     realtime_example [port] [server]
//
// It serves its page at http://127.0.0.1:8080 (the default port). Without a server the function runs on the
// embedded engine, which also delivers the messages. With the URL of an Inngest server, such as
// http://127.0.0.1:8288, the function runs there: nothing else changes.

#include <httplib.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/inngest.hpp>
#include <inngest/realtime.hpp>

using namespace std::chrono_literals;

// [channel]
struct Progress {
  int percent = 0;
  std::string doing{};
};
INNGEST_FIELDS(Progress, percent, doing)

using ImportProgress = inngest::topic<"progress", Progress>;
using ImportSummary = inngest::topic<"summary", std::string>;
using Import = inngest::channel<"import:{id}", ImportProgress, ImportSummary>;
// [channel]

struct ImportRequest {
  std::string id{};
};
INNGEST_FIELDS(ImportRequest, id)
using ImportRequested = inngest::event<"import/requested", ImportRequest>;

namespace {

// [function]
auto create_import(const inngest::client& app) {
  return app.create_function(
      {.id = "import"}, inngest::on<ImportRequested>(), [app](inngest::context<ImportRequested>& ctx) {
        const Import channel{ctx.event.data.id};
        for (int part = 1; part <= 5; ++part) {
          ctx.step.run("import part " + std::to_string(part), [&] {
            std::this_thread::sleep_for(200ms);  // the work
            app.publish<ImportProgress>(channel, {.percent = part * 18, .doing = "importing"});
          });
        }
        ctx.step.run("summarize", [&] {  // as a model would answer, word by word
          auto summary = inngest::realtime::open_stream<ImportSummary>(app, channel, {.run_id = ctx.run_id});
          for (const char* word : {"All ", "5 ", "parts ", "are ", "imported."}) {
            summary.write(word);
            std::this_thread::sleep_for(100ms);
          }
          summary.close();
        });
        ctx.step.publish<ImportProgress>("finish", channel, {.percent = 100, .doing = "done"});
        ctx.step.score("rate", "completeness", 1);
      });
}
// [function]

std::string read_file(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(std::string("can't read ") + path);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

/// Serves the page and answers its requests. `server_url` is the server to which the page subscribes.
void serve_page(httplib::Server& web, const inngest::client& app, const std::string& server_url) {
  web.Get("/", [page = read_file(REALTIME_PAGE)](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(page, "text/html; charset=utf-8");
  });
  // [token]
  web.Get(R"(/imports/(\w+)/token)", [=](const httplib::Request& request, httplib::Response& answer) {
    // Check here whether this user may see this import: the token grants access to it.
    const std::string token = inngest::realtime::token(app, Import{request.matches[1].str()});
    const inngest::json body{{"url", server_url + "/v1/realtime/sse?token=" + token}};
    answer.set_content(inngest::encode(body), "application/json");
  });
  // [token]
  web.Post(R"(/imports/(\w+))", [=](const httplib::Request& request, httplib::Response& answer) {
    app.send(ImportRequested{{.id = request.matches[1].str()}});
    answer.status = 204;
  });
  web.set_exception_handler(
      [](const httplib::Request&, httplib::Response& answer, std::exception_ptr thrown) {
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception& problem) {
          answer.status = 500;
          answer.set_content(problem.what(), "text/plain");
        }
      });
}

}  // namespace

int main(int count, char** arguments) try {
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const int port = count > 1 ? std::stoi(arguments[1]) : 8080;
  const std::string server_url = count > 2 ? arguments[2] : "";
  inngest::client app{{.id = "importer",
                       .mode = inngest::mode::dev,
                       .api_base_url = server_url,
                       .event_api_base_url = server_url}};
  const auto import = create_import(app);

  httplib::Server web;
  std::optional<inngest::embedded::engine> engine;
  std::optional<inngest::embedded::http_server> deliverer;
  if (server_url.empty()) {
    engine.emplace(app, std::vector<inngest::any_function>{import});
    deliverer.emplace(*engine, inngest::embedded::http_server_options{.port = 0});
  }
  std::optional<inngest::handler> handler;
  if (!engine) handler.emplace(inngest::serve(web, app, {import}));
  serve_page(web, app, engine ? deliverer->url() : server_url);
  const int bound =
      port == 0 ? web.bind_to_any_port("127.0.0.1") : (web.bind_to_port("127.0.0.1", port) ? port : -1);
  if (bound < 0) throw std::runtime_error("the port is in use");
  std::thread listener([&] { web.listen_after_bind(); });
  const std::string url = "http://127.0.0.1:" + std::to_string(bound);
  if (handler) {
    const auto synced = handler->sync(url + "/api/inngest");
    if (!synced.ok) std::fprintf(stderr, "not registered: %s\n", synced.message.c_str());
  }
  std::printf("%s\n", url.c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  web.stop();
  listener.join();
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "realtime_example: %s\n", problem.what());
  return EXIT_FAILURE;
}
