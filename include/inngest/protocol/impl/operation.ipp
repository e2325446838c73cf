#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/operation.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE void write_operation(std::string& out, const operation& op) {
  using detail::write_quoted;
  out += "{\"id\":\"";
  detail::append_hex(out, op.id);
  out += "\",\"op\":\"";
  out += to_string(op.code);
  if (op.code == opcode::run_complete) {
    out += "\",\"data\":";
    out += op.data.empty() ? "null" : op.data;
    out += '}';
    return;
  }
  out += "\",\"name\":";
  write_quoted(out, op.name);
  out += ",\"displayName\":";
  write_quoted(out, op.display_name);
  out += ",\"userland\":{\"id\":";
  write_quoted(out, op.user_id);
  if (op.index > 0) out += ",\"index\":" + std::to_string(op.index);
  out += '}';
  if (!op.options.empty()) {
    out += ",\"opts\":";
    out += op.options;
  }
  out += ",\"data\":";
  out += op.data.empty() ? "null" : op.data;
  if (op.error) {
    out += ",\"error\":";
    write_error(out, *op.error);
  }
  if (op.timing) {
    out += ",\"timing\":{\"a\":" + std::to_string(op.timing->started) +
           ",\"b\":" + std::to_string(op.timing->took) + "}";
  }
  if (!op.metadata.empty()) {
    out += ",\"metadata\":";
    out += op.metadata;
  }
  out += '}';
}

INNGEST_INLINE std::string merged_options(const std::string& first, const std::string& second) {
  const auto says_nothing = [](const std::string& object) { return object.empty() || object == "{}"; };
  if (says_nothing(first)) return second;
  if (says_nothing(second)) return first;
  return first.substr(0, first.size() - 1) + "," + second.substr(1);
}

INNGEST_INLINE operation run_complete(std::string result) {
  operation out{.code = opcode::run_complete, .id = detail::sha1::of("complete")};
  out.data = std::move(result);
  return out;
}

INNGEST_INLINE operation run_failed(const failure& failure) {
  operation out{.code = failure.retriable ? opcode::step_error : opcode::step_failed,
                .id = detail::sha1::of("complete")};
  out.error = failure.info;
  return out;
}

INNGEST_INLINE std::string write_operations(const std::vector<operation>& operations) {
  std::size_t size = 2;
  for (const operation& op : operations) size += 256 + op.options.size() + op.data.size();
  std::string out;
  out.reserve(size);
  out += '[';
  for (const operation& op : operations) {
    if (out.size() > 1) out += ',';
    write_operation(out, op);
  }
  return out += ']';
}

}  // namespace inngest::inline INNGEST_ABI::protocol
