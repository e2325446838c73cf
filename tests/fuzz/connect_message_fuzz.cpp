// Messages of Connect: whatever the bytes, they are a message or refused. What was read once is written and
// read as the same again.
#include "targets.hpp"

#if __has_include(<protozero/pbf_reader.hpp>)

#include <inngest/connect/detail/codec.hpp>

#include <string>
#include <string_view>

#include "fuzz_check.hpp"

namespace {

namespace wire = inngest::connect::detail;

template <class Message>
void read_and_write(std::string_view bytes) {
  std::string written;
  try {
    written = wire::encode(wire::decode<Message>(bytes));
  } catch (const wire::message_error& refused) {
    FUZZ_CHECK(!refused.message().empty());
    return;
  }
  FUZZ_CHECK(wire::encode(wire::decode<Message>(written)) == written);
}

}  // namespace

void targets::fuzz_connect_message(std::string_view bytes) {
  read_and_write<wire::connect_message>(bytes);
  read_and_write<wire::worker_connect_request>(bytes);
  read_and_write<wire::gateway_connection_ready>(bytes);
  read_and_write<wire::worker_status>(bytes);
  read_and_write<wire::executor_request>(bytes);
  read_and_write<wire::worker_request_ack>(bytes);
  read_and_write<wire::extend_lease>(bytes);
  read_and_write<wire::extend_lease_ack>(bytes);
  read_and_write<wire::sdk_response>(bytes);
  read_and_write<wire::worker_reply_ack>(bytes);
  read_and_write<wire::system_error>(bytes);
  read_and_write<wire::start_request>(bytes);
  read_and_write<wire::start_response>(bytes);
}

#else

void targets::fuzz_connect_message(std::string_view) {}  // protozero is not installed

#endif
