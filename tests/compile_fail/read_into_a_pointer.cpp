// expect: inngest: text can only be read into a type that owns it
#include <string>
#include <string_view>

#include <inngest/inngest.hpp>

struct label {
#ifdef INNGEST_COMPILE_FAIL
  std::string_view text;
#else
  std::string text;
#endif
};
INNGEST_FIELDS(label, text)

label read(const std::string& text) { return inngest::decode<label>(text); }
