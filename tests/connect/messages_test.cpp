// The bytes of messages, without another library. messages_oracle_test.cpp compares them with libprotobuf's.
#include <inngest/connect/detail/codec.hpp>

#include <string>
#include <string_view>

#include "catch.hpp"

namespace wire = inngest::connect::detail;
using Catch::Matchers::ContainsSubstring;
using namespace std::string_literals;

namespace {

/// A field with length-delimited content, whose number is below 16 and size below 128.
std::string delimited(int number, std::string_view content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         std::string(content);
}

}  // namespace

TEST_CASE("a frame has the bytes that the protocol defines", "[connect]") {
  const std::string bytes =
      wire::encode(wire::connect_message{wire::message_kind::worker_heartbeat, "payload"});
  CHECK(bytes == "\x08\x09\x12\x07payload");
  const auto frame = wire::decode<wire::connect_message>(bytes);
  CHECK(frame.kind == wire::message_kind::worker_heartbeat);
  CHECK(frame.payload == "payload");
}

TEST_CASE("default values are left out of a message, and present optional values are not", "[connect]") {
  CHECK(wire::encode(wire::connect_message{}).empty());
  CHECK(wire::encode(wire::extend_lease_ack{.new_lease_id = ""}) == "\x32\x00"s);
  CHECK(wire::decode<wire::extend_lease_ack>("\x32\x00"s).new_lease_id == "");
  CHECK(wire::decode<wire::extend_lease_ack>("").new_lease_id == std::nullopt);
}

TEST_CASE("a message keeps the kind of a frame that a later protocol adds", "[connect]") {
  const auto frame = wire::decode<wire::connect_message>("\x08\x63");
  CHECK(static_cast<int>(frame.kind) == 99);
  CHECK(wire::encode(frame) == "\x08\x63");
}

TEST_CASE("a field of a message with the wrong type is refused by name", "[connect]") {
  CHECK_THROWS_WITH(wire::decode<wire::worker_reply_ack>("\x08\x01"),
                    "The Connect message WorkerReplyAckData can't be read: request_id has the wire type 0, "
                    "not 2");
}

TEST_CASE("a damaged message is refused with the field at which it ends", "[connect]") {
  const std::string whole = wire::encode(wire::sdk_response{.request_id = "one", .run_id = "two"});
  try {
    (void)wire::decode<wire::sdk_response>(std::string_view(whole).substr(0, whole.size() - 1));
    FAIL("it was read");
  } catch (const wire::message_error& refused) {
    CHECK(refused.message() == "SDKResponse");
    CHECK(refused.field() == "run_id");
    CHECK(refused.code() == inngest::error_code::protocol);
  }
  CHECK_THROWS_AS(wire::decode<wire::sdk_response>("\x0a"), wire::message_error);      // no length
  CHECK_THROWS_AS(wire::decode<wire::sdk_response>("\x00"s), wire::message_error);     // field 0
  CHECK_THROWS_AS(wire::decode<wire::sdk_response>("\x28\xff"), wire::message_error);  // no end of a number
}

TEST_CASE("a message inside another is named where it is damaged", "[connect]") {
  CHECK_THROWS_WITH(wire::decode<wire::worker_connect_request>(delimited(3, "\x0a\x05x")),
                    ContainsSubstring("AuthData") && ContainsSubstring("session_token"));
}

TEST_CASE("text of a message that is not UTF-8 is refused, and raw bytes are not", "[connect]") {
  CHECK_THROWS_WITH(wire::decode<wire::sdk_response>(delimited(1, "\xff")),
                    ContainsSubstring("request_id is not UTF-8"));
  CHECK(wire::decode<wire::sdk_response>(delimited(6, "\xff")).body == "\xff");
}

TEST_CASE("messages have limits", "[connect]") {
  CHECK_THROWS_WITH(wire::decode<wire::connect_message>(std::string(wire::max_message_size + 1, 'x')),
                    ContainsSubstring("more than"));
  const std::string largest(wire::max_text_size, 'x');
  CHECK(wire::decode<wire::worker_reply_ack>(wire::encode(wire::worker_reply_ack{largest})).request_id ==
        largest);
  CHECK_THROWS_WITH(wire::decode<wire::worker_reply_ack>(wire::encode(wire::worker_reply_ack{largest + "x"})),
                    ContainsSubstring("request_id has 65537 bytes, more than 65536"));
  wire::start_request many;
  many.exclude_gateways.resize(wire::max_elements);
  CHECK(wire::decode<wire::start_request>(wire::encode(many)).exclude_gateways.size() == wire::max_elements);
  many.exclude_gateways.emplace_back();
  CHECK_THROWS_WITH(wire::decode<wire::start_request>(wire::encode(many)),
                    ContainsSubstring("exclude_gateways has more than 10000 elements"));
}

TEST_CASE("the reasons of a disconnect have the protocol's names", "[connect]") {
  CHECK(wire::to_string(wire::disconnect_reason::worker_shutdown) == "WORKER_SHUTDOWN"s);
  CHECK(wire::to_string(wire::disconnect_reason::message_too_large) == "MESSAGE_TOO_LARGE"s);
}
