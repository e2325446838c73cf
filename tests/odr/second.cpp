#include "everything.hpp"

const inngest::client& app() {
  static const inngest::client app({.id = "odr", .mode = inngest::mode::dev});
  return app;
}

bool second_sees_the_same_types(const inngest::embedded::run& run) {
  return run.status == inngest::embedded::run_status::completed && run.output<int>() == 42;
}
