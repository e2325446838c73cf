// expect: inngest: a member named in INNGEST_FIELDS has a type that is not JSON
// expect in 10 lines: customer::home
// expect in 10 lines: address
// expect in 10 lines: needs_INNGEST_FIELDS_or_to_json
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct address {
  std::string street;
};
#ifndef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(address, street)
#endif

struct customer {
  address home;
};
INNGEST_FIELDS(customer, home)

customer read(const std::string& text) { return inngest::decode<customer>(text); }
