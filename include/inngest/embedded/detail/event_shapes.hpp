#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/function.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/shape.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Writes the shape of a type as JSON: see engine::shapes().
class shape_writer {
 public:
  json write(const detail::json_shape& shape);

 private:
  static constexpr std::size_t deepest = 12;

  std::vector<const detail::json_shape*> path_;  // from the outermost type to the current one
  std::size_t left_ = 2000;                      // number of types that may still be written
};

/// See engine::shapes(). An event of several functions has the shape of the first function that knows it.
json shapes_of(std::span<const any_function> functions, const std::string& slug);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/event_shapes.ipp>
#endif
