#pragma once

#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

namespace inngest {

/// A value of the app's that handlers may ask for by its type. Made by provide().
struct dependency {
  const std::type_info* type = nullptr;
  std::shared_ptr<void> value{};
};

/// Gives handlers access to a value of yours, for as long as the client or function lives:
///
///     inngest::client app({.id = "studio", .dependencies = {inngest::provide(database)}});
///     ...
///     ctx.template get<Database>().insert(...);
template <class T>
[[nodiscard]] dependency provide(std::shared_ptr<T> value) {
  return {.type = &typeid(T), .value = std::move(value)};
}
/// The same for a value that outlives the client.
template <class T>
[[nodiscard]] dependency provide(T& value) {
  return {.type = &typeid(T), .value = std::shared_ptr<void>(std::addressof(value), [](void*) {})};
}

namespace detail {

/// The first value of the type; null when there is none.
inline void* find_dependency(const std::vector<dependency>& all, const std::type_info& type) {
  for (const dependency& each : all) {
    if (*each.type == type) return each.value.get();
  }
  return nullptr;
}

}  // namespace detail
}  // namespace inngest
