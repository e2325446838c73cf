#pragma once

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// What leaves a handler at a step that has no result yet. It is not a std::exception, so that
/// `catch (const std::exception&)` around a step handles failures only; and it can't be copied, so that
/// nothing can keep it.
class interrupt final {
 public:
  interrupt() = default;
  interrupt(const interrupt&) = delete;
  interrupt& operator=(const interrupt&) = delete;
};

}  // namespace inngest::inline INNGEST_ABI::execution
