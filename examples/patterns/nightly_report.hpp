#pragma once

// A report at three in the morning, Berlin time, in summer and winter. An event can request it as well.

#include <functional>
#include <string>

#include <inngest/inngest.hpp>

namespace patterns {

struct report_request {
  std::string asked_by;
};
INNGEST_FIELDS(report_request, asked_by)
using report_requested = inngest::event<"office/report.requested", report_request>;

struct figures {
  int orders = 0;
  int cents = 0;
};
INNGEST_FIELDS(figures, orders, cents)

struct report_services {
  std::function<figures()> count;
  std::function<void(const std::string& text)> publish;
};

inline auto nightly_report(const inngest::client& app, const report_services& services) {
  // [report]
  return app.create_function(
      {.id = "nightly-report",
       .retries = 5,
       .singleton = inngest::singleton{.mode = inngest::singleton_mode::skip}},
      inngest::any_of(inngest::cron("TZ=Europe/Berlin 0 3 * * *"), inngest::on<report_requested>()),
      [services](auto& ctx) {
        const figures day = ctx.step.run("count", [&] { return services.count(); });
        const std::string text =
            std::to_string(day.orders) + " orders, " + std::to_string(day.cents) + " cents";
        ctx.step.run("publish", [&] { services.publish(text); });
        return text;
      });
  // [report]
}

}  // namespace patterns
