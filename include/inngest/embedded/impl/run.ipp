#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE run_failed::run_failed(const std::string& what, run_error error)
    : inngest::error(error_code::run_failed, what), error_(std::move(error)) {}

}  // namespace inngest::inline INNGEST_ABI::embedded
