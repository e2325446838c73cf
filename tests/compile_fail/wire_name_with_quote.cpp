// expect in 18 lines: a_name_on_the_wire_must_not_be_empty_or_have_quotes
// at most 170 lines
#include <string>

#include <inngest/inngest.hpp>

struct upload {
  std::string media_type;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(upload, (media_type, "media\"type"))
#else
INNGEST_FIELDS(upload, (media_type, "media-type"))
#endif

upload read(const std::string& text) { return inngest::decode<upload>(text); }
