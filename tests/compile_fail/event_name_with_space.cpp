// expect: inngest: an event name must have 1 to 512 characters and no spaces
#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using placed = inngest::event<"order placed">;
#else
using placed = inngest::event<"order.placed">;
#endif

placed made() { return {inngest::json::object()}; }
