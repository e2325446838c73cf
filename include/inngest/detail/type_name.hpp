#pragma once

#include <string>
#include <typeinfo>

#include <inngest/config.hpp>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace inngest::inline INNGEST_ABI::detail {

/// Removes INNGEST_ABI from a type's name. It does not appear in user code, and would make errors differ
/// between versions and flavours.
std::string without_abi_namespace(std::string name);

/// The type's name as written in the source.
std::string demangle(const char* name);

/// The name of an exception's type as written in the source, without the wrapper type of
/// `std::throw_with_nested`.
std::string exception_type_name(const std::type_info& type);

/// The type name of the current exception; empty where the compiler does not provide it.
std::string current_exception_type_name();

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/type_name.ipp>
#endif
