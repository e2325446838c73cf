#pragma once

#include <httplib.h>

#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Configures a cpp-httplib server: it does not share its port, and sends answers at once.
void configure(httplib::Server& server);

/// Keeps cpp-httplib from compressing the answer to this request, because compression delays streamed pieces,
/// and from sending only the part that a Range header names. Call it in a handler. It changes the request, by
/// which the server decides after the handler has returned; the request that the server passes to handlers is
/// not a constant object.
void send_whole_and_plain(const httplib::Request& request);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_server.ipp>
#endif
