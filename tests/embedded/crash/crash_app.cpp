// An app that may be killed at any moment: crash_app <store> <ledger> <number>. It goes on with what the
// store has, sends a few events of its own (none when the number is negative), and ends when nothing is left
// to do.
//
// A kill uses up an attempt of each call that was under way, so its functions have many.
//
// The ledger gets a line for each event that was acknowledged, each time a step's body ran, with the token
// that is its result, and each result that a later step's body has seen.

#include <inngest/detail/ulid.hpp>
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using begun = inngest::event<"crash/begun", numbered>;
using opened = inngest::event<"crash/opened", numbered>;

/// A file to which lines are added, each at once.
class ledger {
 public:
  explicit ledger(const char* path) : file_(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) {}

  void write(const std::string& line) const {
    const std::string whole = line + "\n";
    if (::write(file_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) std::abort();
  }

  /// A step's body: its token, and a line for it and for each result that it was given.
  std::string step(const std::string& function, int n, const std::string& name,
                   const std::vector<std::string>& seen) const {
    const std::string whose = function + " " + std::to_string(n) + " ";
    for (const std::string& each : seen) write("saw " + whose + each.substr(0, each.find('=')) + " " + each);
    const std::string token = name + "=" + inngest::detail::make_ulid(std::chrono::system_clock::now());
    write("ran " + whose + name + " " + token);
    return token;
  }

 private:
  int file_;
};

std::vector<inngest::any_function> make_functions(const inngest::client& app, const ledger& book) {
  const auto child = app.create_function(
      {.id = "child", .retries = 20}, inngest::on<opened>(), [&book](inngest::context<opened>& ctx) {
        return ctx.step.run("c", [&] { return book.step("child", ctx.event.data.n, "c", {}); });
      });
  const auto chain = app.create_function(
      {.id = "chain", .retries = 20}, inngest::on<begun>(), [&book](inngest::context<begun>& ctx) {
        const int n = ctx.event.data.n;
        std::vector<std::string> seen;
        for (const char* name : {"a", "b", "c"}) {
          seen.push_back(ctx.step.run(std::string(name), [&] { return book.step("chain", n, name, seen); }));
          ctx.step.sleep(std::string("rest-") + name, 3ms);
        }
        return seen;
      });
  const auto fan = app.create_function(
      {.id = "fan", .retries = 20}, inngest::on<begun>(), [&book](inngest::context<begun>& ctx) {
        const int n = ctx.event.data.n;
        auto seen = ctx.group.parallel(std::vector<std::string>{"x", "y", "z"}, [&](const std::string& name) {
          return ctx.step.run(name, [&] { return book.step("fan", n, name, {}); });
        });
        seen.push_back(ctx.step.run("joined", [&] { return book.step("fan", n, "joined", seen); }));
        return seen;
      });
  const auto flaky = app.create_function(
      {.id = "flaky", .retries = 20}, inngest::on<begun>(), [&book](inngest::context<begun>& ctx) {
        const int n = ctx.event.data.n;
        std::vector<std::string> seen{
            ctx.step.run("first", [&] { return book.step("flaky", n, "first", {}); })};
        seen.push_back(ctx.step.run("second", [&] {
          if (ctx.attempt < 2) throw std::runtime_error("not yet");
          return book.step("flaky", n, "second", seen);
        }));
        return seen;
      });
  const auto waiter = app.create_function(
      {.id = "waiter", .retries = 20}, inngest::on<begun>(), [&book](inngest::context<begun>& ctx) {
        const int n = ctx.event.data.n;
        std::vector<std::string> seen{
            ctx.step.run("before", [&] { return book.step("waiter", n, "before", {}); })};
        ctx.step.wait_for_event<opened>("open", {.timeout = 300ms, .match = "data.n"});
        seen.push_back(ctx.step.run("after", [&] { return book.step("waiter", n, "after", seen); }));
        return seen;
      });
  const auto parent = app.create_function(
      {.id = "parent", .retries = 20}, inngest::on<begun>(), [&book, child](inngest::context<begun>& ctx) {
        const int n = ctx.event.data.n;
        ctx.step.send_event("open", opened{{.n = n}});
        const auto of_child = ctx.step.invoke("child", child, numbered{n + 1'000'000});
        std::vector<std::string> seen{ctx.step.run("own", [&] { return book.step("parent", n, "own", {}); })};
        seen.push_back(ctx.step.run("end", [&] { return book.step("parent", n, "end", seen); }));
        return of_child.empty() ? std::vector<std::string>() : seen;
      });
  return {child, chain, fan, flaky, waiter, parent};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return EXIT_FAILURE;
  const ledger book(arguments[2]);
  const int number = std::atoi(arguments[3]);
  const inngest::client app({.id = "crash",
                             .mode = inngest::mode::dev,
                             .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::error)});
  inngest::embedded::engine engine{app,
                                   make_functions(app, book),
                                   {.store = std::make_shared<inngest::embedded::sqlite_store>(
                                        inngest::embedded::sqlite_options{.path = arguments[1]}),
                                    .retry_delay = [](int) { return 2ms; }}};
  for (int i = 0; number >= 0 && i < 3; ++i) {
    const int n = number * 10 + i;
    engine.send(begun{.data = {.n = n}, .id = "begun-" + std::to_string(n)});
    book.write("sent " + std::to_string(n));
  }
  return engine.wait_until_idle(10min) ? EXIT_SUCCESS : EXIT_FAILURE;
}
