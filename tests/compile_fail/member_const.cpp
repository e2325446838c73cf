// expect: inngest: a member named in INNGEST_FIELDS is const
// expect in 10 lines: order::total
// expect in 10 lines: remove_const_from
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct order {
#ifdef INNGEST_COMPILE_FAIL
  const int total = 1;
#else
  int total = 1;
#endif
};
INNGEST_FIELDS(order, total)

order read(const std::string& text) { return inngest::decode<order>(text); }
