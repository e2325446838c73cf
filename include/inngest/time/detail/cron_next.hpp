#pragma once

#include <optional>

#include <inngest/config.hpp>
#include <inngest/time/detail/cron.hpp>
#include <inngest/time/detail/time_zone.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The next time at which a schedule fires. Minutes skipped at the start of summer time do not count, and
/// minutes repeated at its end count twice.
/// \throws configuration_error when the zone does not exist.
std::optional<timestamp> cron_next(const cron_schedule& schedule, timestamp after);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/cron_next.ipp>
#endif
