#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include <inngest/config.hpp>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace inngest::inline INNGEST_ABI::detail {

std::string demangle(const char* name);

/// The name of an exception's type as its author wrote it. `std::throw_with_nested` throws a wrapper type
/// of the library's own, which would tell a reader nothing.
std::string exception_type_name(const std::type_info& type);

/// The type name of the exception that is being handled; empty where that can't be known.
std::string current_exception_type_name();

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/type_name.ipp>
#endif
