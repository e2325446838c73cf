#pragma once

#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI {

/// A value that handlers can retrieve by type. Made by provide().
struct dependency {
  /// The value's type.
  const std::type_info* type = nullptr;
  /// The value.
  std::shared_ptr<void> value{};
};

/// Makes a value available to handlers for as long as the client or function lives:
///
///     inngest::client app({.id = "studio", .dependencies = {inngest::provide(database)}});
///     ...
///     ctx.template get<Database>().insert(...);
template <class T>
[[nodiscard]] dependency provide(std::shared_ptr<T> value) {
  return {.type = &typeid(T), .value = std::move(value)};
}
/// Makes a value available to handlers by reference. It must outlive the client.
template <class T>
[[nodiscard]] dependency provide(T& value) {
  return {.type = &typeid(T), .value = std::shared_ptr<void>(std::addressof(value), [](void*) {})};
}

namespace detail {

/// The first value of the type; null when there is none.
void* find_dependency(const std::vector<dependency>& all, const std::type_info& type);

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/dependencies.ipp>
#endif
