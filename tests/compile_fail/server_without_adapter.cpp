// expect: inngest: no adapter for this server
#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

namespace my {
struct server {};
}  // namespace my

#ifdef INNGEST_COMPILE_FAIL
using served = my::server;
#else
using served = httplib::Server;
#endif

void serve(served& server, const inngest::client& app) { inngest::serve(server, app, {}); }
