#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/pause.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string pause_target::text() const {
  std::string out = std::string(to_string(what)) + " " + name;
  return what == kind::schedule ? out + " " + cron : out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
