// An engine for apps elsewhere, with two functions of its own: says where it listens, and ends when it is
// told to. With the argument "guarded" it has keys, and says its sign-in link.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

struct parcel {
  std::string address;
  int grams = 0;
};
INNGEST_FIELDS(parcel, address, grams)

int main(int count, char** arguments) {
  using nap_wanted = inngest::event<"engine/nap.wanted", inngest::json>;
  const inngest::client app({.id = "engine", .mode = inngest::mode::dev});
  const auto nap = app.create_function({.id = "nap"}, inngest::on<nap_wanted>(), [](auto& ctx) {
    ctx.step.run("undress", [] { return "pyjamas"; });
    ctx.step.sleep("nap", ctx.event.data.is_object() && ctx.event.data.value("long", false) ? 3600s : 10s);
    return "awake";
  });
  using parcel_posted = inngest::event<"engine/parcel.posted", parcel>;
  const auto post = app.create_function(
      {.id = "post"}, inngest::any_of(inngest::on<parcel_posted>(), inngest::cron("0 4 1 1 *")),
      [](auto& ctx) { ctx.step.run("weigh", [] { return 20; }); });
  inngest::embedded::engine engine{app, {nap, post}, {.retry_delay = [](int) { return 100ms; }}};
  inngest::embedded::http_server_options options{.port = 0};
  if (count > 1 && std::string_view(arguments[1]) == "guarded") {
    options.signing_key = "signkey-test-0123456789abcdef";
    options.event_keys = {"event-key"};
  }
  inngest::embedded::http_server server{engine, options};
  std::printf("%s\n", server.sign_in_url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
