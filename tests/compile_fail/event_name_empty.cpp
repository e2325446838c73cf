// expect: inngest: an event name must have 1 to 512 characters
#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using nameless = inngest::event<"">;
#else
using nameless = inngest::event<"shop/order.placed">;
#endif

nameless made() { return {inngest::json::object()}; }
