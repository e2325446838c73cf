// Time zone files: whatever the bytes, they give a zone that has an offset at every time, or are refused.
#include <inngest/detail/time_zone.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto zone = inngest::detail::time_zone::parse({reinterpret_cast<const char*>(data), size});
    for (const int year : {1, 1900, 1970, 2026, 2038, 9999}) {
      const std::chrono::sys_seconds time = std::chrono::sys_days(std::chrono::year(year) / 7 / 1);
      FUZZ_CHECK(zone.offset_at(time) == zone.offset_at(time));
    }
  } catch (const inngest::configuration_error&) {
  }
  return 0;
}
