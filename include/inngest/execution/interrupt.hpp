#pragma once

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// Thrown to leave a handler at a step without a result. It is not a std::exception, so that
/// `catch (const std::exception&)` around a step handles failures only. It can't be copied, so that user code
/// can't store it.
class interrupt final {
 public:
  interrupt() = default;
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;
};

}  // namespace inngest::inline INNGEST_ABI::execution
