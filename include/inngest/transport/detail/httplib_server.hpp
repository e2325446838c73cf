#pragma once

#include <httplib.h>

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

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_server.ipp>
#endif
