// The library inngest::compiled: what its headers declare and don't define with INNGEST_COMPILED.

#if !defined(INNGEST_COMPILED)
#error "compile this file, and what includes the library's headers, with INNGEST_COMPILED"
#endif

#include <memory>

#include <inngest/detail/impl/crypto.ipp>
#include <inngest/detail/impl/utf8.ipp>
#include <inngest/json/detail/impl/document.ipp>

#include <inngest/client.hpp>
#ifndef INNGEST_NO_HTTPLIB
#include <inngest/transport/impl/httplib.ipp>
#endif

namespace inngest::detail {

std::shared_ptr<http::transport> default_transport() {
#ifdef INNGEST_NO_HTTPLIB
  return nullptr;
#else
  return std::make_shared<httplib_transport>();
#endif
}

}  // namespace inngest::detail
