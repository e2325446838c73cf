// Time zones' files, and the rules at their ends: whatever the bytes, they are a zone or refused.
#include <inngest/time/detail/time_zone.hpp>

#include <chrono>
#include <string_view>

#include "fuzz_check.hpp"
#include "targets.hpp"

namespace {

using namespace std::chrono;

sys_seconds start_of(int of) { return sys_days(year(of) / January / 1); }

template <class Zone>
void follow(const Zone& zone) {
  for (const int of : {1, 1883, 1970, 2026, 2037, 2500, 9999}) {
    sys_seconds time = start_of(of);
    for (int i = 0; i < 5; ++i) {
      const seconds offset = zone.offset_at(time);
      FUZZ_CHECK(offset > -hours(26) && offset < hours(27));
      const auto next = zone.next_change(time);
      if (!next || *next > start_of(10'000)) break;
      FUZZ_CHECK(*next > time);
      time = *next;
    }
  }
}

}  // namespace

void targets::fuzz_time_zone(std::string_view bytes) {
  try {
    follow(inngest::detail::time_zone::parse(bytes));
  } catch (const inngest::configuration_error&) {
  }
  try {
    follow(inngest::detail::time_zone_footer_reader(bytes).read());
  } catch (const inngest::configuration_error&) {
  }
}
