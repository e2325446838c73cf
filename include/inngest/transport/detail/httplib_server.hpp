#pragma once

#include <httplib.h>

#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Configures a cpp-httplib server: it does not share its port, and sends answers without delay.
void configure(httplib::Server& server);

/// Prevents cpp-httplib from compressing the answer to this request, which delays streamed pieces, and from
/// sending only the part named by a Range header. Call it in a handler. It changes the request, because the
/// server checks the request after the handler has returned. The request that the server passes to handlers
/// is not a const object.
void send_whole_and_plain(const httplib::Request& request);

/// Hides a request's content type while its body is read: cpp-httplib takes a form with files apart, and has
/// no way to read it whole. See send_whole_and_plain() for why the request can be changed.
class hidden_content_type {
 public:
  explicit hidden_content_type(const httplib::Request& request);
  ~hidden_content_type();
  hidden_content_type(const hidden_content_type&) = delete;
  hidden_content_type& operator=(const hidden_content_type&) = delete;

 private:
  httplib::Headers& headers_;        // up to version 0.51 a std::multimap
  std::vector<std::string> hidden_;  // the values of the field
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_server.ipp>
#endif
