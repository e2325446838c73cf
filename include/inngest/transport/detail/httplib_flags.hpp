#pragma once

#include <httplib.h>

#include <inngest/config.hpp>

// A cpp-httplib that a distribution has compiled must be used with the flags that it was compiled with: with
// TLS its classes have more members. Programs that miss them compile and link, and crash later, so such a
// program is refused here. A cpp-httplib that is only a header needs no flags.

namespace inngest::inline INNGEST_ABI::detail {

/// Something of httplib's namespace, to look for a function that is there only where the bodies are.
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
