// expect: inngest: an event's data must be a type that is a JSON object
#include <map>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using counted = inngest::event<"counted", std::vector<int>>;
#else
using counted = inngest::event<"counted", std::map<std::string, int>>;
#endif

counted made() { return {}; }
