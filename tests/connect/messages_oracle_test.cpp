// The messages beside libprotobuf, whose compiler reads tests/fixtures/connect/connect.proto.
#include <inngest/connect/detail/codec.hpp>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>

#include "catch.hpp"

namespace wire = inngest::connect::detail;
namespace pb = google::protobuf;

namespace {

class definitions {
 public:
  definitions() {
    std::ifstream in(INNGEST_TEST_CONNECT_DESCRIPTORS, std::ios::binary);
    pb::FileDescriptorSet files;
    if (!files.ParseFromIstream(&in) || files.file_size() != 1)
      throw std::runtime_error("cannot read " INNGEST_TEST_CONNECT_DESCRIPTORS);
    file_ = pool_.BuildFile(files.file(0));
  }

  std::unique_ptr<pb::Message> make(std::string_view name) {
    const pb::Descriptor* type = file_->FindMessageTypeByName(std::string(name));
    if (type == nullptr) throw std::runtime_error("no message " + std::string(name));
    return std::unique_ptr<pb::Message>(factory_.GetPrototype(type)->New());
  }

 private:
  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_{&pool_};
  const pb::FileDescriptor* file_ = nullptr;
};

using chance = std::mt19937;

bool is_drawn(chance& draw, unsigned one_of) { return draw() % one_of == 0; }

std::string random_text(chance& draw, bool bytes) {
  static const std::string pieces[] = {
      "", "a", "run-01J", "\xc3\xa9", "\xf0\x9f\x92\xa1", std::string(1, '\0')};
  std::string text;
  for (auto i = draw() % 5; i > 0; --i) text += pieces[draw() % 6];
  if (bytes && is_drawn(draw, 2)) text += static_cast<char>(draw() % 256);
  if (is_drawn(draw, 20)) text.append(300, 'x');  // a length of two bytes
  return text;
}

template <class Number>
Number random_number(chance& draw) {
  const Number edges[] = {
      0, 1, 127, 128, std::numeric_limits<Number>::max(), std::numeric_limits<Number>::min()};
  return edges[draw() % 6];
}

void fill(pb::Message& message, chance& draw);

void set_random(pb::Message& message, const pb::FieldDescriptor* field, chance& draw) {
  const pb::Reflection& of = *message.GetReflection();
  if (field->is_repeated()) {
    for (std::uint32_t i = draw() % 4; i > 0; --i) {
      if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE)
        fill(*of.AddMessage(&message, field), draw);
      else
        of.AddString(&message, field, random_text(draw, false));
    }
    return;
  }
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return of.SetString(&message, field,
                          random_text(draw, field->type() == pb::FieldDescriptor::TYPE_BYTES));
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return of.SetBool(&message, field, is_drawn(draw, 2));
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return of.SetInt32(&message, field, random_number<std::int32_t>(draw));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return of.SetInt64(&message, field, random_number<std::int64_t>(draw));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return of.SetUInt32(&message, field, random_number<std::uint32_t>(draw));
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return fill(*of.MutableMessage(&message, field), draw);
    default:
      FAIL("no values for " << field->full_name());
  }
}

/// Fields that no version of the protocol defines yet.
void add_unknown(pb::Message& message, chance& draw) {
  pb::UnknownFieldSet& unknown = *message.GetReflection()->MutableUnknownFields(&message);
  if (is_drawn(draw, 2)) unknown.AddVarint(100, draw());
  if (is_drawn(draw, 2)) unknown.AddFixed32(101, 7);
  if (is_drawn(draw, 2)) unknown.AddFixed64(102, 7);
  if (is_drawn(draw, 2)) unknown.AddLengthDelimited(536'870'911, random_text(draw, true));
}

void fill(pb::Message& message, chance& draw) {
  const pb::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i)
    if (!is_drawn(draw, 4)) set_random(message, type.field(i), draw);
  add_unknown(message, draw);
}

template <class Message>
void compare(definitions& known) {
  const std::string_view name = wire::layout<Message>::name;
  INFO(name);
  const pb::Descriptor& type = *known.make(name)->GetDescriptor();
  const auto is_known = [&](std::uint32_t number, std::string_view field) {
    const pb::FieldDescriptor* found = type.FindFieldByNumber(static_cast<int>(number));
    return found != nullptr && found->name() == field;
  };
  const bool all = std::apply([&](const auto&... each) { return (is_known(each.number, each.name) && ...); },
                              wire::layout<Message>::fields);
  CHECK(all);
  CHECK(type.field_count() == static_cast<int>(std::tuple_size_v<decltype(wire::layout<Message>::fields)>));

  chance draw(7);
  for (int i = 0; i < 500; ++i) {
    const auto original = known.make(name);
    fill(*original, draw);
    const auto ours = wire::decode<Message>(original->SerializeAsString());
    const auto returned = known.make(name);
    REQUIRE(returned->ParseFromString(wire::encode(ours)));
    original->DiscardUnknownFields();
    REQUIRE(returned->DebugString() == original->DebugString());
    REQUIRE(wire::encode(ours) == original->SerializeAsString());  // both write fields in order
  }
}

/// A member that is written to the wrong field both ways would survive a round trip.
#define CHECK_MEMBER(type, member)                                         \
  do {                                                                     \
    wire::type ours{};                                                     \
    ours.member = "value";                                                 \
    const auto theirs = known.make(wire::layout<wire::type>::name);        \
    REQUIRE(theirs->ParseFromString(wire::encode(ours)));                  \
    const auto* field = theirs->GetDescriptor()->FindFieldByName(#member); \
    REQUIRE(field != nullptr);                                             \
    CHECK(theirs->GetReflection()->GetString(*theirs, field) == "value");  \
  } while (false)

}  // namespace

TEST_CASE("libprotobuf reads and writes the same messages, with fields that nobody knows", "[connect]") {
  definitions known;
  compare<wire::connect_message>(known);
  compare<wire::app_configuration>(known);
  compare<wire::auth_data>(known);
  compare<wire::system_attributes>(known);
  compare<wire::worker_connect_request>(known);
  compare<wire::gateway_connection_ready>(known);
  compare<wire::worker_status>(known);
  compare<wire::executor_request>(known);
  compare<wire::worker_request_ack>(known);
  compare<wire::extend_lease>(known);
  compare<wire::extend_lease_ack>(known);
  compare<wire::sdk_response>(known);
  compare<wire::worker_reply_ack>(known);
  compare<wire::system_error>(known);
  compare<wire::start_request>(known);
  compare<wire::start_response>(known);
  compare<wire::flush_response>(known);
}

TEST_CASE("each member is the field of its name in libprotobuf's message", "[connect]") {
  definitions known;
#define CHECK_REQUEST_MEMBERS(type) \
  CHECK_MEMBER(type, request_id);   \
  CHECK_MEMBER(type, account_id);   \
  CHECK_MEMBER(type, env_id);       \
  CHECK_MEMBER(type, app_id)
#define CHECK_TRACE_MEMBERS(type)       \
  CHECK_MEMBER(type, system_trace_ctx); \
  CHECK_MEMBER(type, user_trace_ctx);   \
  CHECK_MEMBER(type, run_id)
  CHECK_REQUEST_MEMBERS(executor_request);
  CHECK_TRACE_MEMBERS(executor_request);
  CHECK_MEMBER(executor_request, app_name);
  CHECK_MEMBER(executor_request, function_id);
  CHECK_MEMBER(executor_request, function_slug);
  CHECK_MEMBER(executor_request, step_id);
  CHECK_MEMBER(executor_request, request_payload);
  CHECK_MEMBER(executor_request, lease_id);
  CHECK_MEMBER(executor_request, job_id);
  CHECK_REQUEST_MEMBERS(worker_request_ack);
  CHECK_TRACE_MEMBERS(worker_request_ack);
  CHECK_MEMBER(worker_request_ack, function_slug);
  CHECK_MEMBER(worker_request_ack, step_id);
  CHECK_REQUEST_MEMBERS(extend_lease);
  CHECK_TRACE_MEMBERS(extend_lease);
  CHECK_MEMBER(extend_lease, function_slug);
  CHECK_MEMBER(extend_lease, step_id);
  CHECK_MEMBER(extend_lease, lease_id);
  CHECK_REQUEST_MEMBERS(extend_lease_ack);
  CHECK_MEMBER(extend_lease_ack, function_slug);
  CHECK_MEMBER(extend_lease_ack, new_lease_id);
  CHECK_REQUEST_MEMBERS(sdk_response);
  CHECK_TRACE_MEMBERS(sdk_response);
  CHECK_MEMBER(sdk_response, body);
  CHECK_MEMBER(sdk_response, retry_after);
  CHECK_MEMBER(sdk_response, sdk_version);
  CHECK_MEMBER(worker_connect_request, connection_id);
  CHECK_MEMBER(worker_connect_request, instance_id);
  CHECK_MEMBER(worker_connect_request, capabilities);
  CHECK_MEMBER(worker_connect_request, environment);
  CHECK_MEMBER(worker_connect_request, framework);
  CHECK_MEMBER(worker_connect_request, platform);
  CHECK_MEMBER(worker_connect_request, sdk_version);
  CHECK_MEMBER(worker_connect_request, sdk_language);
  CHECK_MEMBER(auth_data, session_token);
  CHECK_MEMBER(auth_data, sync_token);
  CHECK_MEMBER(app_configuration, app_name);
  CHECK_MEMBER(app_configuration, app_version);
  CHECK_MEMBER(app_configuration, functions);
  CHECK_MEMBER(gateway_connection_ready, heartbeat_interval);
  CHECK_MEMBER(gateway_connection_ready, extend_lease_interval);
  CHECK_MEMBER(gateway_connection_ready, status_interval);
  CHECK_MEMBER(start_response, connection_id);
  CHECK_MEMBER(start_response, gateway_endpoint);
  CHECK_MEMBER(start_response, gateway_group);
  CHECK_MEMBER(start_response, session_token);
  CHECK_MEMBER(start_response, sync_token);
  CHECK_MEMBER(system_error, code);
  CHECK_MEMBER(system_error, data);
  CHECK_MEMBER(system_error, message);
}
