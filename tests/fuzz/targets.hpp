#pragma once

#include <string_view>

/// The fuzz targets of the program. `cron` is the function `targets::fuzz_cron` in `cron_fuzz.cpp`, its
/// corpus is in `corpus/cron`, and `--target=cron` chooses it. A name without a function does not link; a
/// function without its name here does not compile, because it is defined as a member of the namespace.
// clang-format off
#define FUZZ_TARGETS(target) \
  target(call_request) \
  target(cron) \
  target(duration) \
  target(engine) \
  target(evaluation) \
  target(expression) \
  target(http_request) \
  target(json) \
  target(lambda_event) \
  target(server_answer) \
  target(signature) \
  target(time_zone)
// clang-format on

namespace targets {

#define FUZZ_DECLARE(name) void fuzz_##name(std::string_view input);
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

}  // namespace targets
