// expect: inngest: alternatives of a std::variant have the same JSON type
// expect: INNGEST_VARIANT_BY_SHAPE
// at most 60 lines
#include <string>
#include <variant>

#include <inngest/inngest.hpp>

struct card {
  std::string number;
};
INNGEST_FIELDS(card, number)
struct transfer {
  std::string iban;
};
INNGEST_FIELDS(transfer, iban)
using payment = std::variant<card, transfer>;
#ifndef INNGEST_COMPILE_FAIL
INNGEST_VARIANT(payment, "method", "card", "transfer")
#endif

payment read(const std::string& text) { return inngest::decode<payment>(text); }
