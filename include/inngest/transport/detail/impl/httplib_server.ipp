#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/transport/detail/httplib_server.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void configure(httplib::Server& server) {
  server.set_socket_options([](auto socket) { set_listener_options(socket); });
  server.set_tcp_nodelay(true);  // otherwise a body waits for the acknowledgement of its headers
}

INNGEST_INLINE void send_whole_and_plain(const httplib::Request& request) {
  auto& asked = const_cast<httplib::Request&>(request);
  asked.headers.erase("Accept-Encoding");
  asked.ranges.clear();
}

INNGEST_INLINE hidden_content_type::hidden_content_type(const httplib::Request& request)
    : headers_(const_cast<httplib::Request&>(request).headers) {
  const auto [begin, end] = headers_.equal_range("Content-Type");
  for (auto field = begin; field != end; ++field) hidden_.push_back(std::exchange(field->second, {}));
}

INNGEST_INLINE hidden_content_type::~hidden_content_type() {
  auto hidden = hidden_.begin();
  const auto [begin, end] = headers_.equal_range("Content-Type");
  for (auto field = begin; field != end; ++field) field->second = std::move(*hidden++);
}

}  // namespace inngest::inline INNGEST_ABI::detail
