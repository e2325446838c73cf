// What a client sends to the engine's server: it is refused with a status or read, the same in whatever
// pieces it comes, and the gate decides about it without a throw.
#include <inngest/embedded/detail/http_parser.hpp>
#include <inngest/embedded/detail/server_access.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

namespace embedded = inngest::embedded;

inngest::http::response refusal(int status, const std::string& problem) {
  FUZZ_CHECK(!problem.empty());
  return {.status = status};
}

const embedded::server_access& gate() {
  static const embedded::server_access out(
      {.signing_key = "signkey-test-00", .event_keys = {"k"}, .hosts = {"engine"}}, refusal);
  return out;
}

struct outcome {
  int status = 0;
  bool is_done = false;
  std::string body{};
  bool operator==(const outcome&) const = default;
};

outcome read_body(const inngest::detail::request_head& head, std::string_view text, std::size_t piece) {
  outcome out;
  try {
    inngest::detail::body_reader reader(head.is_chunked, head.content_length, 4096);
    while (!reader.is_done() && !text.empty()) {
      const std::size_t used = reader.read(text.substr(0, piece), out.body);
      FUZZ_CHECK(used > 0);
      text.remove_prefix(used);
    }
    out.is_done = reader.is_done();
  } catch (const inngest::detail::malformed_request& problem) {
    return {.status = problem.status};
  }
  FUZZ_CHECK(out.body.size() <= 4096);
  return out;
}

}  // namespace

void targets::fuzz_http_request(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  inngest::detail::request_head head;
  try {
    head = inngest::detail::request_head_parser::parse(text.substr(0, end));
  } catch (const inngest::detail::malformed_request& problem) {
    FUZZ_CHECK(problem.status >= 400 && problem.status < 600);
    return;
  }
  FUZZ_CHECK(head.request.url.front() == '/');
  for (const auto& [name, value] : head.request.headers)
    FUZZ_CHECK(!name.empty() && (name + value).find_first_of("\r\n") == std::string::npos);
  const auto refused = gate().refusal(head.request);
  if (!refused) {
    const auto host = inngest::detail::host_name(head.request.headers.find("host").value_or(""));
    FUZZ_CHECK(host && (inngest::detail::is_loopback_name(*host) || *host == "engine"));
  }
  if (end == std::string_view::npos) return;
  const outcome whole = read_body(head, text.substr(end + 4), text.size());
  for (const std::size_t piece : {1u, 2u, 7u})
    FUZZ_CHECK(read_body(head, text.substr(end + 4), piece) == whole);
}
