#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <inngest/config.hpp>
#include <inngest/time/detail/cron.hpp>
#include <inngest/time/detail/time_zone.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// When a schedule fires next after a time: whenever the clocks of its zone come to one of its minutes. They
/// don't come to those that are left out when summer time begins, and twice to those at its end.
/// \throws configuration_error when the zone is not there.
std::optional<timestamp> cron_next(const cron_schedule& schedule, timestamp after);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/cron_next.ipp>
#endif
