// The examples in examples/patterns, as their users would test them.

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/testing.hpp>

#include "../examples/patterns/ai_pipeline.hpp"
#include "../examples/patterns/approval.hpp"
#include "../examples/patterns/large_import.hpp"
#include "../examples/patterns/nightly_report.hpp"
#include "../examples/patterns/saga.hpp"
#include "catch.hpp"
#include "support/handler_driver.hpp"

using namespace std::chrono_literals;
using inngest::testing::harness;

namespace {

using texts = std::vector<std::string>;

// [saga-test]
struct travel {
  std::vector<std::string> calls{};
  std::string refuses{};

  patterns::travel_services services() {
    const auto note = [this](const std::string& call) {
      if (call == refuses) throw inngest::non_retriable_error("no: " + call);
      calls.push_back(call);
      return call + "-1";
    };
    return {.book_flight = [note](auto&, auto&) { return note("flight"); },
            .cancel_flight = [note](auto& booking) { note("cancel " + booking); },
            .book_hotel = [note](auto&, auto&) { return note("hotel"); },
            .cancel_hotel = [note](auto& booking) { note("cancel " + booking); },
            .charge = [note](auto&, int) { note("charge"); }};
  }
};

TEST_CASE("a trip is undone in reverse order when its last step is refused", "[patterns]") {
  const inngest::client app(support::quiet_options());
  travel fake{.refuses = "charge"};
  harness t(app, {patterns::book_trip(app, fake.services())});
  auto run = t.send(patterns::trip_requested{{.id = "t-1", .flight = "LH1", .hotel = "Astoria"}});
  REQUIRE(run.completed());
  CHECK(run.output<patterns::trip_result>().status == "undone");
  CHECK(fake.calls == texts{"flight", "hotel", "cancel hotel-1", "cancel flight-1"});
}
// [saga-test]

TEST_CASE("a trip that nobody refuses is booked, and nothing of it is undone", "[patterns]") {
  const inngest::client app(support::quiet_options());
  travel fake;
  harness t(app, {patterns::book_trip(app, fake.services())});
  auto run = t.send(patterns::trip_requested{{.id = "t-1", .flight = "LH1", .hotel = "Astoria"}});
  REQUIRE(run.completed());
  CHECK(run.output<patterns::trip_result>().status == "booked");
  CHECK(fake.calls == texts{"flight", "hotel", "charge"});
}

TEST_CASE("an expense is decided, decided late, or expires", "[patterns]") {
  const inngest::client app(support::quiet_options());
  texts mails;
  const patterns::mailer mail{.send = [&](auto& to, auto& text) { mails.push_back(to + ": " + text); }};
  harness t(app, {patterns::approve_expense(app, mail)});
  const auto claim = [&] {
    return t.send(
        patterns::expense_claimed{{.id = "e-1", .employee = "ann", .approver = "bob", .cents = 100}});
  };
  const patterns::expense_decided yes{{.id = "e-1", .approved = true}};
  const patterns::expense_decided no{{.id = "e-1", .approved = false}};

  SECTION("in time") {
    auto run = claim();
    REQUIRE(run.waiting_on() == "decision");
    t.send_to_all(patterns::expense_decided{{.id = "another", .approved = true}});
    CHECK(run.waiting_on() == "decision");
    t.send_to_all(yes);
    CHECK(run.output<std::string>() == "approved");
    CHECK(mails == texts{"bob: please decide on e-1", "ann: e-1 is approved"});
  }
  SECTION("after a reminder") {
    auto run = claim();
    t.advance(72h);
    REQUIRE(run.waiting_on() == "late-decision");
    t.send_to_all(no);
    CHECK(run.output<std::string>() == "refused");
    CHECK(mails.size() == 3);
  }
  SECTION("never") {
    auto run = claim();
    t.advance(72h);
    t.advance(96h);
    CHECK(run.output<std::string>() == "expired");
  }
}

TEST_CASE("the report is made every night and when somebody asks", "[patterns]") {
  const inngest::client app(support::quiet_options());
  texts published;
  const auto report =
      patterns::nightly_report(app, {.count = [] { return patterns::figures{.orders = 3, .cents = 4200}; },
                                     .publish = [&](auto& text) { published.push_back(text); }});
  harness t(app, {report});
  t.advance(3 * 24h);
  CHECK(published == texts(3, "3 orders, 4200 cents"));
  CHECK(t.send(patterns::report_requested{{.asked_by = "ann"}}).completed());
  CHECK(published.size() == 4);
}

TEST_CASE("a file is imported in a thousand parts, and a part that fails is imported again", "[patterns]") {
  const inngest::client app(support::quiet_options());
  int calls = 0;
  const patterns::importer fake{.import_lines = [&](const std::string&, const patterns::part& p) {
    if (++calls == 500) throw std::runtime_error("the disk is slow");
    return static_cast<int>((p.end - p.begin) / 10);
  }};
  harness t(app, {patterns::import_file(app, fake)}, {.check_determinism = false});
  auto run = t.send(patterns::import_requested{{.file = "orders.csv", .bytes = 1'000'000}});
  t.execute(run);
  REQUIRE(run.completed());
  CHECK(run.output<int>() == 100'000);
  CHECK(calls == 1001);
}

TEST_CASE("parts cover a file without gaps", "[patterns]") {
  for (const std::int64_t bytes : {0, 1, 999, 1000, 1001, 123'457}) {
    std::int64_t at = 0;
    for (const patterns::part& p : patterns::parts_of(bytes, 1000)) {
      CHECK(p.begin == at);
      CHECK(p.end > p.begin);
      at = p.end;
    }
    CHECK(at == bytes);
  }
}

TEST_CASE("documents are summarized by themselves and compared together", "[patterns]") {
  const inngest::client app(support::quiet_options());
  harness t(app, {patterns::compare_documents(app, {.model = "gpt-4o", .api_key = "k"})});
  const auto answer = [](const std::string& text) {
    return inngest::ai::chat_answer{.choices = {{.message = {.role = "assistant", .content = text}}}};
  };
  t.mock_step("summarize-0", [&] { return answer("first"); });
  t.mock_step("summarize-1", [&] { return answer("second"); });
  t.mock_step("compare", [&] { return answer("they differ"); });
  auto run = t.send(patterns::documents_received{{.question = "do they differ?", .texts = {"a", "b"}}});
  CHECK(run.output<std::string>() == "they differ");
}

}  // namespace
