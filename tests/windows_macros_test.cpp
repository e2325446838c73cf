// Everything that the library includes, read before the macros below: only the library itself is to meet
// them.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <clocale>
#include <cmath>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <ratio>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <httplib.h>
#include <openssl/evp.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <nlohmann/json.hpp>

#include "catch.hpp"

// The library compiles behind <windows.h>, which defines min, max and a few more names as macros, and Qt.
// NOLINTBEGIN
#undef DELETE  // of <arpa/nameser.h>
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define hyper long long
#define interface struct
#define near
#define far
#define pascal
#define cdecl
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define THIS
#define PURE = 0
#define STRICT 1
#define ERROR 0
#define NO_ERROR 0
#define DELETE 0x00010000L
#define ABSOLUTE 1
#define RELATIVE 2
#define IGNORE 0
#define INFINITE 0xFFFFFFFF
#define TRUE 1
#define FALSE 0
#define Yield()
#define CreateEvent CreateEventA
#define SendMessage SendMessageA
#define GetMessage GetMessageA
#define GetObject GetObjectA
#define DeleteFile DeleteFileA
// Those of Qt.
#define signals public
#define slots
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)
// NOLINTEND

#include "odr/everything.hpp"

TEST_CASE("the library compiles behind the macros of windows.h and Qt", "[portability]") {
  CHECK(inngest::detail::add_saturated(INT64_MAX, 1) == INT64_MAX);
}
