#pragma once

#include <string_view>

/// The fuzz targets of the program. `cron` is the function `targets::fuzz_cron` in `cron_fuzz.cpp`, its
/// corpus is in `corpus/cron`, and `--target=cron` chooses it. A name without a function does not link; a
/// function without its name here does not compile, because it is defined as a member of the namespace.
// clang-format off
#define FUZZ_TARGETS(target) \
  target(ai_answer) \
  target(call_request) \
  target(connect_message) \
  target(cron) \
  target(duration) \
  target(endpoint) \
  target(engine) \
  target(evaluation) \
  target(expression) \
  target(gateway_session) \
  target(http_request) \
  target(json) \
  target(lambda_event) \
  target(realtime) \
  target(run_filter) \
  target(server_answer) \
  target(server_route) \
  target(signature) \
  target(time_zone)
// clang-format on

namespace targets {

#define FUZZ_DECLARE(name) void fuzz_##name(std::string_view input);
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

}  // namespace targets
