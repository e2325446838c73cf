// expect in 10 lines: period_of_a_number.cpp:9
// expect in 10 lines: inngest: a duration needs a unit: write 5s
// at most 40 lines
#include <inngest/inngest.hpp>

#ifndef INNGEST_COMPILE_FAIL
const inngest::throttle limit{.limit = 3, .period = std::chrono::seconds(60)};
#else
const inngest::throttle limit{.limit = 3, .period = 60};
#endif
