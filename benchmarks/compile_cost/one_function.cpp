// A file of a larger program: one function, that another file serves.

#include <chrono>
#include <string>

#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

struct signed_up_data {
  std::string user_id;
};
INNGEST_FIELDS(signed_up_data, user_id)
struct result {
  std::string status;
};
INNGEST_FIELDS(result, status)

using signed_up = inngest::event<"user/signed.up", signed_up_data>;

inngest::any_function onboarding(inngest::client& app) {
  return app.create_function(
      {.id = "onboarding", .retries = 3}, inngest::on<signed_up>(), [](inngest::context<signed_up>& ctx) {
        const auto user = ctx.event.data.user_id;
        ctx.step.run("send-welcome", [&] { return "welcome, " + user; });
        ctx.step.sleep("let-it-settle", 72h);
        return result{.status = ctx.step.run("send-reminder", [&] { return "reminded " + user; })};
      });
}
