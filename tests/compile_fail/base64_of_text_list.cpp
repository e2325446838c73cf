// expect: inngest: the form that INNGEST_FIELDS names does not fit the type of the member
// expect in 10 lines: upload::lines
// at most 40 lines
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

struct upload {
  std::vector<std::string> lines;
  std::vector<unsigned char> content;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(upload, (lines, inngest::as_base64))
#else
INNGEST_FIELDS(upload, lines, (content, inngest::as_base64))
#endif

upload read(const std::string& text) { return inngest::decode<upload>(text); }
