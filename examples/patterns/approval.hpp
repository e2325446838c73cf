#pragma once

// A human decides: the function waits for days, reminds, and gives up.

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <inngest/inngest.hpp>

namespace patterns {

struct expense {
  std::string id, employee, approver;
  int cents = 0;
};
INNGEST_FIELDS(expense, id, employee, approver, cents)
using expense_claimed = inngest::event<"office/expense.claimed", expense>;

struct decision {
  std::string id;
  bool approved = false;
};
INNGEST_FIELDS(decision, id, approved)
using expense_decided = inngest::event<"office/expense.decided", decision>;

struct mailer {
  std::function<void(const std::string& to, const std::string& text)> send;
};

inline auto approve_expense(const inngest::client& app, const mailer& mail) {
  using namespace std::chrono_literals;
  // [approval]
  return app.create_function(
      {.id = "approve-expense"}, inngest::on<expense_claimed>(),
      [mail](inngest::context<expense_claimed>& ctx) -> std::string {
        const expense& claim = ctx.event.data;
        ctx.step.run("ask", [&] { mail.send(claim.approver, "please decide on " + claim.id); });
        auto answer =
            ctx.step.wait_for_event<expense_decided>("decision", {.timeout = 72h, .match = "data.id"});
        if (!answer) {
          ctx.step.run("remind", [&] { mail.send(claim.approver, "still waiting for you: " + claim.id); });
          answer =
              ctx.step.wait_for_event<expense_decided>("late-decision", {.timeout = 96h, .match = "data.id"});
        }
        const std::string outcome = !answer ? "expired" : answer->data.approved ? "approved" : "refused";
        ctx.step.run("notify", [&] { mail.send(claim.employee, claim.id + " is " + outcome); });
        return outcome;
      });
  // [approval]
}

}  // namespace patterns
