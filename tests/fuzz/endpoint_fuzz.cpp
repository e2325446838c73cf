// The requests by which apps begin runs of endpoints, stored responses, and tokens: what is accepted can be
// registered and continued, and requests and responses of any bytes are read as they were written.
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/protocol/http_run.hpp>

#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace fuzzed {

namespace protocol = inngest::protocol;

void check_begun(std::string_view text) {
  using namespace inngest::embedded;
  try {
    const begun_run_request begun = read_begun_run_request(std::string(text));
    FUZZ_CHECK(begun.run_id.size() == 26);
    FUZZ_CHECK(begun.retries >= 0 && begun.retries <= 20);
    FUZZ_CHECK(!begun.function.empty() && begun.path.starts_with('/'));
    const std::string list = "{\"functions\":[" + endpoint::definition_of(begun, "slug") + "]}";
    const auto functions = read_registration({.id = begun.domain, .text = list});
    FUZZ_CHECK(functions.size() == 1 && functions.front().is_endpoint);
    const auto record = make_event_record(begun.event, "id", {});
    const auto read = protocol::read_http_event(record.text);
    FUZZ_CHECK(read.request.url.starts_with(begun.domain + begun.path));
  } catch (const inngest::error&) {  // refused
  }
}

void check_response(const inngest::http::response& response) {
  std::string text;
  protocol::write_http_result(text, response);
  FUZZ_CHECK(protocol::is_http_result(text));
  const auto read = protocol::read_http_result(std::string_view(text));
  FUZZ_CHECK(read && !read->is_sealed);
  FUZZ_CHECK(read->response.status == response.status);
  FUZZ_CHECK(read->response.body == response.body);
}

void check_stored(std::string_view text) {
  const auto read = protocol::read_http_result(text);
  if (!read) return;
  FUZZ_CHECK(read->response.status >= 100 && read->response.status <= 999);
  check_response(read->response);
}

void check_request(std::string_view body) {
  protocol::http_event event{.ip = "10.0.0.1", .function = "f"};
  event.request = {.method = "POST", .url = "http://a.test/x?y=1", .body = std::string(body)};
  const auto read = protocol::read_http_event(protocol::write_http_event(event, 1));
  FUZZ_CHECK(read.request.body == body);
  FUZZ_CHECK(read.request.url == event.request.url);
  FUZZ_CHECK(read.function == "f" && read.ip == "10.0.0.1");
}

}  // namespace fuzzed

void targets::fuzz_endpoint(std::string_view text) {
  fuzzed::check_begun(text);
  fuzzed::check_stored(text);
  fuzzed::check_request(text);
  fuzzed::check_response({.status = 200, .headers = {{"x-mine", "1"}}, .body = std::string(text)});
  try {
    fuzzed::protocol::read_http_event(text);
    fuzzed::protocol::read_begun_run(text);
  } catch (const inngest::error&) {  // refused
  }
  const std::string sealed = fuzzed::protocol::sealed_http_result(201, "\"x\"");
  FUZZ_CHECK(fuzzed::protocol::read_http_result(std::string_view(sealed))->is_sealed);
  FUZZ_CHECK(!inngest::embedded::is_response_token(text, "secret", "RUN", 0));
  static_cast<void>(inngest::embedded::endpoint::number_of(std::string(text)));
}
