// expect in 10 lines: sizes
// at most 45 lines
#include <string>

#include <inngest/inngest.hpp>

struct asset {
  std::string id;
  int size = 0;
};
INNGEST_FIELDS(asset, id, size)
#ifdef INNGEST_COMPILE_FAIL
INNGEST_DEFAULTS(asset, sizes)
#else
INNGEST_DEFAULTS(asset, size)
#endif

asset read(const std::string& text) { return inngest::decode<asset>(text); }
