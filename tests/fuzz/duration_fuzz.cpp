// Durations, timestamps, percent coding and queries: what can be read is written and read again alike.
#include <inngest/http.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

void targets::fuzz_duration(std::string_view text) {
  if (const auto duration = inngest::parse_duration(text)) {
    FUZZ_CHECK(duration->count() >= 0);
    const auto again = inngest::parse_duration(inngest::to_text(*duration));
    // the longest durations are rounded up to a millisecond that no text of nanoseconds can say
    FUZZ_CHECK(again == *duration || duration->count() > INT64_MAX / 1'000'000);
  }
  if (const auto moment = inngest::parse_timestamp(text)) {
    const auto year = std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*moment)).year();
    if (year >= std::chrono::year(0) && year <= std::chrono::year(9999))  // an offset may lead beyond
      FUZZ_CHECK(inngest::parse_timestamp(inngest::to_text(*moment)) == *moment);
  }

  namespace http = inngest::http;
  FUZZ_CHECK(http::percent_decoded(http::percent_encoded(text)) == text);
  FUZZ_CHECK(http::percent_decoded(text).size() <= text.size());

  const http::request request{.url = std::string(text)};
  static_cast<void>(request.path());
  static_cast<void>(request.query("fnId"));
  const http::request encoded{.url = "/api?x=1&" + http::percent_encoded(text) + "=" +
                                     http::percent_encoded(text)};
  if (text != "x") FUZZ_CHECK(encoded.query(text) == text);
  FUZZ_CHECK(encoded.path() == "/api");
}
