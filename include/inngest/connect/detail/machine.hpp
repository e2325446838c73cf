#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <thread>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>

#ifdef _WIN32
#include <inngest/platform/detail/windows.hpp>
#else
#include <unistd.h>
#endif

// What a worker reports about its machine.

namespace inngest::inline INNGEST_ABI::connect::detail {

#ifdef _WIN32

/// The name of the host; "unknown" if it has none.
inline std::string host_name() {
  std::array<char, 256> text{};
  DWORD size = static_cast<DWORD>(text.size());
  return GetComputerNameA(text.data(), &size) && size > 0 ? std::string(text.data(), size) : "unknown";
}

inline std::int64_t memory_size() {
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof(status);
  return GlobalMemoryStatusEx(&status) ? static_cast<std::int64_t>(status.ullTotalPhys) : 0;
}

inline constexpr const char* system_name = "windows";

#else

/// The name of the host; "unknown" if it has none.
inline std::string host_name() {
  std::array<char, 256> text{};
  const bool is_known = ::gethostname(text.data(), text.size() - 1) == 0 && text[0] != '\0';
  return is_known ? text.data() : "unknown";
}

inline std::int64_t memory_size() {
#ifdef _SC_PHYS_PAGES
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? std::int64_t{pages} * size : 0;
#else
  return 0;
#endif
}

#ifdef __APPLE__
inline constexpr const char* system_name = "darwin";
#else
inline constexpr const char* system_name = "linux";
#endif

#endif

inline system_attributes this_machine() {
  return {.cpu_cores = static_cast<std::int32_t>(std::thread::hardware_concurrency()),
          .mem_bytes = memory_size(),
          .os = system_name};
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
