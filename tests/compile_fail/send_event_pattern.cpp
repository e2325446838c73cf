// expect: inngest: an event name with \* is a pattern to trigger on
#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using sent = inngest::event<"shop/order.*">;
#else
using sent = inngest::event<"shop/order.placed">;
#endif

void send(const inngest::client& app) { app.send(sent{inngest::json::object()}); }
