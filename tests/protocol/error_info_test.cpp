#include <inngest/protocol/error_info.hpp>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include <inngest/embedded/run.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/json.hpp>
#include <inngest/runs.hpp>

#include "catch.hpp"

namespace error_shop {

class card_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
template <class T>
struct typed_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace error_shop

namespace {

using namespace std::chrono_literals;
using inngest::json;
using inngest::protocol::describe;
using inngest::protocol::failure;

struct hidden_error : std::logic_error {
  using std::logic_error::logic_error;
};

const std::chrono::system_clock::time_point now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

template <class Throw>
failure described(Throw&& body) {
  try {
    body();
  } catch (...) {
    return describe(std::current_exception(), now);
  }
  return {};
}

template <class Throw>
json written(Throw&& body) {
  std::string out;
  inngest::protocol::write_error(out, described(body).info);
  return json::parse(out);
}

void throw_chain(int depth) {
  if (depth == 0) throw error_shop::card_error("innermost");
  try {
    throw_chain(depth - 1);
  } catch (...) {
    std::throw_with_nested(std::runtime_error("level " + std::to_string(depth)));
  }
}

}  // namespace

TEST_CASE("an exception is described by its type as its author wrote it", "[errors]") {
  CHECK(described([] { throw std::runtime_error("m"); }).info.name == "std::runtime_error");
  CHECK(described([] { throw error_shop::card_error("m"); }).info.name == "error_shop::card_error");
  CHECK(described([] { throw error_shop::typed_error<int>("m"); }).info.name ==
        "error_shop::typed_error<int>");
  CHECK_THAT(described([] { throw hidden_error("m"); }).info.name, Catch::Matchers::EndsWith("hidden_error"));
  CHECK(described([] { throw std::bad_alloc(); }).info.name == "std::bad_alloc");
  CHECK(described([] { throw inngest::unreachable("m"); }).info.name == "inngest::unreachable");
}

TEST_CASE("nested causes are listed, outermost first, without the wrapper's type", "[errors][causes]") {
  const json error = written([] { throw_chain(2); });
  CHECK(error.at("name") == "std::runtime_error");
  CHECK(error.at("message") == "level 2");
  CHECK(error.at("cause").at("name") == "std::runtime_error");
  CHECK(error.at("cause").at("message") == "level 1");
  CHECK(error.at("cause").at("cause").at("name") == "error_shop::card_error");
  CHECK(error.at("cause").at("cause").at("message") == "innermost");
  CHECK_FALSE(error.at("cause").at("cause").contains("cause"));
}

TEST_CASE("a chain of causes is cut, not followed for ever", "[errors][causes]") {
  const auto info = described([] { throw_chain(50); }).info;
  CHECK(info.causes.size() == inngest::protocol::deepest_cause);
  CHECK_NOTHROW(written([] { throw_chain(50); }));
}

TEST_CASE("a cause that is no std::exception is a cause all the same", "[errors][causes]") {
  const auto info = described([] {
                      try {
                        throw 5;
                      } catch (...) {
                        std::throw_with_nested(std::runtime_error("outer"));
                      }
                    }).info;
  REQUIRE(info.causes.size() == 1);
}

TEST_CASE("throw_with_nested without anything to nest has no cause", "[errors][causes]") {
  // not from a catch block: current_exception() is null, and rethrowing it would end the process
  failure out;
  std::exception_ptr thrown;
  try {
    std::throw_with_nested(error_shop::card_error("alone"));
  } catch (...) {
    thrown = std::current_exception();
  }
  out = describe(thrown, now);
  CHECK(out.info.name == "error_shop::card_error");
  CHECK(out.info.causes.empty());
}

TEST_CASE("what is no std::exception is described too", "[errors]") {
  for (const auto& out : {described([] { throw 5; }), described([] { throw std::string("text"); }),
                          described([] { throw "literal"; })}) {
    CHECK_FALSE(out.info.name.empty());
    CHECK_FALSE(out.info.message.empty());
    CHECK(out.retriable);
  }
}

TEST_CASE("what may be retried and what not", "[errors]") {
  CHECK(described([] { throw std::runtime_error("m"); }).retriable);
  CHECK(described([] { throw inngest::unreachable("m"); }).retriable);
  CHECK_FALSE(described([] { throw inngest::non_retriable_error("m"); }).retriable);
  CHECK_FALSE(described([] { throw inngest::payload_error("a.b", "m"); }).retriable);
  CHECK_FALSE(described([] { throw inngest::nested_step_error("a", "b"); }).retriable);
  CHECK_FALSE(described([] { throw inngest::step_error("id", "N", "m"); }).retriable);
  CHECK(described([] { throw inngest::step_error("id", "error_shop::card_error", "m"); }).info.name ==
        "error_shop::card_error");
}

TEST_CASE("a class of the user's that derives from non_retriable_error is not retried", "[errors]") {
  struct own : inngest::non_retriable_error {
    using non_retriable_error::non_retriable_error;
  };
  CHECK_FALSE(described([] { throw own("m"); }).retriable);
}

TEST_CASE("a non-retriable error that is only nested does not decide", "[errors][causes]") {
  const auto out = described([] {
    try {
      throw inngest::non_retriable_error("inner");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  });
  CHECK(out.retriable);
}

TEST_CASE("the wrapper of throw_with_nested hides nothing from what may be retried", "[errors][causes]") {
  const auto out = described([] {
    try {
      throw std::runtime_error("inner");
    } catch (...) {
      std::throw_with_nested(inngest::retry_after_error("outer", 5s));
    }
  });
  CHECK(out.retry_after == 5s);
  CHECK(out.info.name == "RetryAfterError");
}

TEST_CASE("the time until the next attempt is never negative", "[errors][retry]") {
  CHECK(inngest::retry_after_error("m", 1500ms).delay(now) == 1500ms);
  CHECK(inngest::retry_after_error("m", -1500ms).delay(now) == 0ms);
  CHECK(inngest::retry_after_error("m", now + 10s).delay(now) == 10s);
  CHECK(inngest::retry_after_error("m", now - 10s).delay(now) == 0ms);
  CHECK(inngest::retry_after_error("m", decltype(now)::min()).delay(now) == 0ms);
  CHECK(inngest::retry_after_error("m", decltype(now)::max()).delay(now) > 24h);
  CHECK(inngest::retry_after_error("m", now + std::chrono::nanoseconds(1)).delay(now) == 1ms);
}

TEST_CASE("the time until the next attempt is rounded up once", "[errors][retry]") {
  using std::chrono::nanoseconds;
  const auto later = std::chrono::time_point_cast<nanoseconds>(now) + nanoseconds(1'300'700);
  const auto at = std::chrono::time_point_cast<std::chrono::system_clock::duration>(later);
  CHECK(inngest::retry_after_error("m", at + 5s).delay(at) == 5s);
  CHECK(inngest::retry_after_error("m", at + 5s).delay(at + 1us) == 5s);
  CHECK(inngest::retry_after_error("m", at + 5s).delay(at - 1us) == 5001ms);
  CHECK(inngest::retry_after_error("m", std::chrono::ceil<std::chrono::milliseconds>(at)).delay(at) == 1ms);
}

TEST_CASE("a message gets through whatever bytes it has", "[errors]") {
  const json odd = written([] { throw std::runtime_error("bad \xff\xc3 bytes \x01 \"quoted\" \n"); });
  CHECK(odd.at("message") == "bad ?? bytes \x01 \"quoted\" \n");
  CHECK(written([] { throw std::runtime_error("größe"); }).at("message") == "größe");
  CHECK(written([] { throw std::runtime_error(""); }).at("message") == "");
  CHECK(written([] { throw std::runtime_error(std::string(1 << 20, 'x')); })
            .at("message")
            .get<std::string>()
            .size() == 1 << 20);
}

TEST_CASE("every error of the library has a code with a name", "[errors]") {
  using code = inngest::error_code;
  CHECK(to_string(inngest::configuration_error("m").code()) == "configuration");
  CHECK(to_string(inngest::protocol_error("m").code()) == "protocol");
  CHECK(to_string(inngest::run_timed_out("m").code()) == "timed_out");
  CHECK(to_string(inngest::run_not_completed({}).code()) == "run_failed");
  CHECK(to_string(inngest::embedded::run_failed("m", {}).code()) == "run_failed");
  CHECK(to_string(inngest::http_error(404, "m").code()) == "http");
  for (const code each :
       {code::configuration, code::payload, code::non_retriable, code::retry_after, code::step_failed,
        code::nested_step, code::event_rejected, code::unauthorized, code::unreachable, code::protocol,
        code::timed_out, code::run_failed, code::decryption, code::http})
    CHECK(to_string(each) != "unknown");
  CHECK(std::string(inngest::payload_error("", "problem").what()) == "problem");
}
