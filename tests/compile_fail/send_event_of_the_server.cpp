// expect: inngest: names that start with .*inngest/.* are the server.s own
#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using sent = inngest::event<"inngest/function.finished">;
#else
using sent = inngest::event<"shop/function.finished">;
#endif

void send(const inngest::client& app) { app.send(sent{inngest::json::object()}); }
