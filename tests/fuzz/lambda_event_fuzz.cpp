// An event of AWS Lambda: it is refused with a reason, or answered with JSON that Lambda accepts.
#include <inngest/adapters/lambda.hpp>

#include <inngest/inngest.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

const inngest::handler& lambda_app() {
  static const inngest::handler out = [] {
    const inngest::client client({.id = "app",
                                  .mode = inngest::mode::dev,
                                  .log = inngest::logger([](inngest::log_level, std::string_view) {}),
                                  .environment = [](const char*) { return std::optional<std::string>(); }});
    using any = inngest::event<"test/event">;
    return inngest::handler(
        client,
        {client.create_function({.id = "f"}, inngest::on<any>(), [](inngest::context<any>&) { return 1; })},
        {.path = "/"});
  }();
  return out;
}

}  // namespace

void targets::fuzz_lambda_event(std::string_view text) {
  inngest::lambda::http_event event;
  try {
    event = inngest::lambda::read_event(text);
  } catch (const inngest::payload_error& problem) {
    FUZZ_CHECK(!std::string_view(problem.what()).empty());
    return;
  }
  FUZZ_CHECK(!event.request.method.empty() && !event.request.url.empty());
  if (event.request.method == "PUT") return;  // sends a request
  const auto response = inngest::json::parse(inngest::lambda::answer(lambda_app(), text));
  FUZZ_CHECK(response.at("statusCode").get<int>() >= 200);
  FUZZ_CHECK(response.contains("headers") != response.contains("multiValueHeaders"));
  // A body of any bytes survives the way to the client.
  const auto echo =
      inngest::json::parse(inngest::lambda::write_response(event, {.body = event.request.body}));
  if (echo.at("isBase64Encoded") == false)
    FUZZ_CHECK(echo.at("body").is_string());
  else
    FUZZ_CHECK(inngest::detail::from_base64(echo.at("body").get<std::string>()) == event.request.body);
}
