#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace inngest::detail {

inline std::string demangle(const char* name) {
#if __has_include(<cxxabi.h>)
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                    std::free);
  if (status == 0) return text.get();
#endif
  return name;
}

/// The name of an exception's type as its author wrote it. `std::throw_with_nested` throws a wrapper type
/// of the library's own, which would tell a reader nothing.
inline std::string exception_type_name(const std::type_info& type) {
  std::string name = demangle(type.name());
  for (const std::string_view wrapper : {"std::_Nested_exception<", "std::__nested<"}) {
    if (name.starts_with(wrapper) && name.ends_with('>')) {
      name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
    }
  }
  if (name.ends_with(" const")) name.resize(name.size() - 6);
  // Others see these two, which every SDK has: servers, pages and apps that wait for the run.
  if (name == "inngest::non_retriable_error") return "NonRetriableError";
  if (name == "inngest::retry_after_error") return "RetryAfterError";
  return name;
}

/// The type name of the exception that is being handled; empty where that can't be known.
inline std::string current_exception_type_name() {
#if __has_include(<cxxabi.h>)
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type != nullptr) return exception_type_name(*type);
#endif
  return {};
}

}  // namespace inngest::detail
