#pragma once

#include <httplib.h>

#include <inngest/config.hpp>

// A distribution's compiled cpp-httplib needs the flags that it was compiled with: with TLS its classes have
// more members. A program without the flags compiles and links, but crashes at run time. This check makes it
// a compile error. A header-only cpp-httplib needs no flags.

namespace inngest::inline INNGEST_ABI::detail {

/// A type of httplib's namespace, to find a function that exists only in the header-only version.
struct httplib_probe : httplib::detail::compressor {
  operator char() const;  // NOLINT(google-explicit-constructor)
};

template <class Probe>
concept httplib_has_bodies = requires(const Probe& probe) {
  is_space_or_tab(probe);
};

#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT) && !defined(CPPHTTPLIB_MBEDTLS_SUPPORT) && \
    !defined(CPPHTTPLIB_WOLFSSL_SUPPORT) && !defined(INNGEST_HTTPLIB_FLAGS_ARE_RIGHT)
static_assert(httplib_has_bodies<httplib_probe>,
              "inngest: this cpp-httplib is a compiled library, and the compiler was not told the flags that "
              "it was compiled with, so its classes would have two layouts in one program. Add "
              "$(pkg-config --cflags --libs cpp-httplib) to the command; on Debian and Ubuntu that is "
              "-DCPPHTTPLIB_OPENSSL_SUPPORT -DCPPHTTPLIB_ZLIB_SUPPORT -DCPPHTTPLIB_BROTLI_SUPPORT "
              "-lcpp-httplib. If it was compiled without TLS, define INNGEST_HTTPLIB_FLAGS_ARE_RIGHT.");
#endif

}  // namespace inngest::inline INNGEST_ABI::detail
