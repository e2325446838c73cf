// expect: inngest: INNGEST_VARIANT needs one value for each alternative
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
#ifdef INNGEST_COMPILE_FAIL
INNGEST_VARIANT(payment, "method", "card")
#else
INNGEST_VARIANT(payment, "method", "card", "transfer")
#endif

std::string write(const payment& value) { return inngest::encode(value); }
