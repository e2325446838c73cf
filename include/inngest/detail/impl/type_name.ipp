#pragma once

#include <cstdlib>
#include <memory>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/type_name.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string without_abi_namespace(std::string name) {
  constexpr std::string_view abi_namespace = INNGEST_DETAIL_TEXT(INNGEST_ABI) "::";
  for (std::size_t at = 0; (at = name.find(abi_namespace, at)) != std::string::npos;) {
    name.erase(at, abi_namespace.size());
  }
  return name;
}

INNGEST_INLINE std::string demangle(const char* name) {
#if __has_include(<cxxabi.h>)
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                    std::free);
  if (status == 0) return without_abi_namespace(text.get());
#endif
  return name;
}

INNGEST_INLINE std::string exception_type_name(const std::type_info& type) {
  std::string name = demangle(type.name());
  for (const std::string_view wrapper : {"std::_Nested_exception<", "std::__nested<"}) {
    if (name.starts_with(wrapper) && name.ends_with('>')) {
      name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
    }
  }
  if (name.ends_with(" const")) name.resize(name.size() - 6);
  // All SDKs have these two errors, and servers, pages and waiting apps show their common names.
  if (name == "inngest::non_retriable_error") return "NonRetriableError";
  if (name == "inngest::retry_after_error") return "RetryAfterError";
  return name;
}

INNGEST_INLINE std::string current_exception_type_name() {
#if __has_include(<cxxabi.h>)
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type != nullptr) return exception_type_name(*type);
#endif
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::detail
