// What a server sends to a subscriber, and what anyone sends to the engine's routes of realtime: it is read
// the same in whatever pieces it comes, or refused.
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/embedded/detail/realtime_tokens.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/error.hpp>
#include <inngest/realtime/detail/sse_parser.hpp>
#include <inngest/realtime/message.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

constexpr std::size_t limit = 1000;

struct received_stream {
  std::vector<std::string> events{};
  bool is_refused = false;
};

received_stream read_events(std::string_view text, std::size_t piece) {
  received_stream out;
  inngest::detail::sse_parser parser(limit);
  try {
    for (; !text.empty(); text.remove_prefix((std::min)(piece, text.size())))
      parser.read(text.substr(0, piece), [&](std::string_view data) { out.events.emplace_back(data); });
  } catch (const inngest::protocol_error&) {
    out.is_refused = true;
  }
  return out;
}

/// A message that was read is written so that it is read again alike.
void check_message(const std::string& text) {
  try {
    const auto message = inngest::detail::read_message(text);
    if (!message) return;
    const std::string event = inngest::embedded::event_of(*message);
    FUZZ_CHECK(event.starts_with("data: ") && event.ends_with("\n\n"));
    FUZZ_CHECK(event.find('\n') == event.size() - 2);
  } catch (const inngest::payload_error&) {
  }
}

}  // namespace

void targets::fuzz_realtime(std::string_view text) {
  const received_stream whole = read_events(text, (std::max<std::size_t>)(text.size(), 1));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    const received_stream again = read_events(text, piece);
    FUZZ_CHECK(again.is_refused == whole.is_refused);
    FUZZ_CHECK(again.events == whole.events);
  }
  for (const std::string& event : whole.events) {
    FUZZ_CHECK(event.size() <= limit);
    check_message(event);
  }
  check_message(std::string(text));
  static const inngest::embedded::realtime_tokens tokens;
  FUZZ_CHECK(!tokens.read(text, std::chrono::system_clock::now()));
  try {
    FUZZ_CHECK(inngest::embedded::combined_metadata(inngest::embedded::read_metadata(text)).is_array());
  } catch (const inngest::payload_error&) {
  }
}
