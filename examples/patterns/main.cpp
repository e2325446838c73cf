// The patterns of this folder on the embedded engine. Their services only print.
//
//     patterns saga approval   runs these and prints their timelines; the others are report, import and ai
//     patterns                 serves all, with the engine's page, on http://127.0.0.1:8288 until Ctrl-C
//
// Then events start them:
//
//     curl http://127.0.0.1:8288/e/local -d '{"name":"office/report.requested","data":{"asked_by":"ann"}}'
//
// With OPENAI_API_KEY, OpenAI's model reads the documents. Without it a stand-in answers.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/inngest.hpp>

#include "ai_pipeline.hpp"
#include "approval.hpp"
#include "large_import.hpp"
#include "nightly_report.hpp"
#include "saga.hpp"

using namespace std::chrono_literals;
namespace embedded = inngest::embedded;

namespace {

patterns::travel_services travel() {
  return {.book_flight = [](auto& trip, auto& flight) { return trip + " on " + flight; },
          .cancel_flight = [](auto& booking) { std::printf("cancelled the flight: %s\n", booking.c_str()); },
          .book_hotel = [](auto& trip, auto& hotel) { return trip + " at " + hotel; },
          .cancel_hotel = [](auto& booking) { std::printf("cancelled the hotel: %s\n", booking.c_str()); },
          .charge =
              [](auto&, int cents) {
                if (cents > 100'000) throw inngest::non_retriable_error("the card has no such limit");
              }};
}

/// Answers as OpenAI's API does, without a model.
struct stand_in_model : inngest::http::transport {
  inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
    return {.status = 200,
            .body = R"({"choices": [{"message": {"role": "assistant", "content": "It is about tea."}}]})"};
  }
};

/// The event that starts each pattern; returns its id.
using starter = std::function<std::string(embedded::engine&)>;
const std::map<std::string, starter> starters{
    {"saga",  // the charge is refused, so that the flight and the hotel are cancelled
     [](embedded::engine& engine) {
       return engine
           .send(patterns::trip_requested{
               {.id = "t-1", .traveller = "ann", .flight = "LH1", .hotel = "Astoria", .cents = 250'000}})
           .ids.front();
     }},
    {"approval",
     [](embedded::engine& engine) {
       return engine
           .send(
               patterns::expense_claimed{{.id = "e-1", .employee = "ann", .approver = "bob", .cents = 4200}})
           .ids.front();
     }},
    {"report",
     [](embedded::engine& engine) {
       return engine.send(patterns::report_requested{{.asked_by = "ann"}}).ids.front();
     }},
    {"import",
     [](embedded::engine& engine) {
       return engine.send(patterns::import_requested{{.file = "orders.csv", .bytes = 10}}).ids.front();
     }},
    {"ai",
     [](embedded::engine& engine) {
       return engine
           .send(patterns::documents_received{
               {.question = "What have they in common?", .texts = {"Green tea is ...", "Black tea is ..."}}})
           .ids.front();
     }},
};

/// Runs a pattern and prints its timeline. Returns whether it completed.
bool run(embedded::engine& engine, const std::string& name) {
  const auto found = starters.find(name);
  if (found == starters.end()) throw std::invalid_argument("there is no pattern \"" + name + "\"");
  const std::string id = engine.runs_of(found->second(engine)).front().id;
  if (name == "approval") {  // bob decides
    auto approval = engine.find_run(id);
    while (approval->waits_for != "event office/expense.decided" && !approval->ended_at) {
      std::this_thread::sleep_for(1ms);
      approval = engine.find_run(id);
    }
    engine.send(patterns::expense_decided{{.id = "e-1", .approved = true}});
  }
  const auto ended = engine.wait_for(id, 2min);
  std::printf("%s\n", embedded::format_timeline(ended).c_str());
  return ended.status == embedded::run_status::completed;
}

}  // namespace

int main(int count, char** arguments) try {
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const bool has_model = std::getenv("OPENAI_API_KEY") != nullptr;
  const inngest::client app{{.id = "patterns", .mode = inngest::mode::dev}};
  embedded::engine engine{
      app,
      {patterns::book_trip(app, travel()),
       patterns::approve_expense(
           app,
           {.send = [](auto& to, auto& text) { std::printf("mail to %s: %s\n", to.c_str(), text.c_str()); }}),
       patterns::nightly_report(app,
                                {.count = [] { return patterns::figures{.orders = 3, .cents = 12'600}; },
                                 .publish = [](auto& text) { std::printf("report: %s\n", text.c_str()); }}),
       patterns::import_file(app, {.import_lines = [](auto&, const patterns::part&) { return 100; }}),
       patterns::compare_documents(app, {.model = "gpt-4o-mini", .api_key = has_model ? "" : "none"})},
      {.requests = has_model ? nullptr : std::make_shared<stand_in_model>()}};

  bool all_completed = true;
  for (int at = 1; at < count; ++at) all_completed = run(engine, arguments[at]) && all_completed;
  if (count > 1) return all_completed ? EXIT_SUCCESS : EXIT_FAILURE;

  const embedded::http_server server{engine};
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  engine.stop(10s);
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "patterns: %s\n", problem.what());
  return EXIT_FAILURE;
}
