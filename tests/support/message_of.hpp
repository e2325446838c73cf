#pragma once

#include <string>
#include <typeinfo>

#include <inngest/detail/type_name.hpp>

namespace support {

/// The message of the Expected that `body` throws; otherwise what happened instead.
template <class Expected, class Body>
std::string message_of(Body&& body) {
  try {
    body();
  } catch (const Expected& problem) {
    return problem.what();
  } catch (const std::exception& other) {
    return "(another exception: " + inngest::detail::exception_type_name(typeid(other)) + ": " +
           other.what() + ")";
  }
  return "(no exception)";
}

}  // namespace support
