// expect: inngest: two members of a type have the same name on the wire
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct upload {
  std::string media_type;
  std::string mediaType;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_CAMEL_FIELDS(upload, media_type, mediaType)
#else
INNGEST_CAMEL_FIELDS(upload, media_type, (mediaType, "type"))
#endif

upload read(const std::string& text) { return inngest::decode<upload>(text); }
