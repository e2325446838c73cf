#pragma once

#include <httplib.h>

#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// What each cpp-httplib server of ours needs: a port of its own, and answers that are sent at once.
void configure(httplib::Server& server);

/// Keeps cpp-httplib from compressing the answer to this request, since a compressor holds back what is
/// streamed, and from sending only the part of it that a Range header names. Call it in a handler, before it
/// returns. The server decides by the request once the handler has returned; the request that it passes to
/// handlers is not a constant object.
void send_whole_and_plain(const httplib::Request& request);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_server.ipp>
#endif
