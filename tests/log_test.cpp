#include <inngest/log.hpp>
#include <inngest/log/sinks.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"

TEST_CASE("no message and no field of a log line begins another line", "[log]") {
  const inngest::log_record record{
      .time = std::chrono::sys_days{std::chrono::year{2026} / 11 / 26},
      .level = inngest::log_level::warn,
      .message = "no\r\nanswer\x7f",
      .fields = {.app = "shop", .function = "f\n", .run = "01M8", .step = "pay\n\xff", .attempt = 1}};
  const std::string fields = "app=shop function=f  run=01M8 step=pay ? attempt=1";
  CHECK(inngest::detail::text_of(record.fields) == fields);
  CHECK(inngest::detail::line_of(record, " ") == "no  answer  " + fields);  // as spdlog gets it
  CHECK(inngest::text_of(record) == "2026-11-26T00:00:00.000Z warn: no  answer   " + fields);
  CHECK(inngest::detail::stderr_line(record.level, record.message) == "[inngest] warn: no  answer \n");
}

TEST_CASE("a log line without fields ends with its message", "[log]") {
  const inngest::log_record record{.message = "ready"};
  CHECK(inngest::detail::text_of(record.fields).empty());
  CHECK(inngest::detail::line_of(record, "  ") == "ready");
}
