#include <inngest/fwd.hpp>

void take(const inngest::error*) {}
