#include <inngest/outbox.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/client.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/temporary_folder.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::outbox;
using strings = std::vector<std::string>;

/// A path in a folder of its own.
struct place {
  support::temporary_folder made{};
  std::filesystem::path folder = made.path();
  std::filesystem::path file = folder / "events";
};

strings sent_from(outbox& box, std::size_t at_most = 1000) {
  strings out;
  try {
    box.flush([&](const std::string& events, const std::string& seed) {
      if (out.size() == at_most) throw inngest::unreachable("no more");
      out.push_back(events + "|" + seed);
    });
  } catch (const inngest::unreachable&) {
  }
  return out;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("what is kept is sent in order, each once, also by a later process", "[outbox]") {
  const place p;
  {
    outbox box(p.file);
    CHECK(box.empty());
    box.keep("[1]", "s1");
    box.keep("[2]", "s2");
    box.keep("[3]", "s3");
    CHECK(box.size() == 3);
    CHECK(sent_from(box, 1) == strings{"[1]|s1"});
  }
  outbox again(p.file);
  CHECK(again.size() == 2);
  CHECK(sent_from(again) == strings{"[2]|s2", "[3]|s3"});
  CHECK(again.empty());
  CHECK(sent_from(again).empty());
}

TEST_CASE("a record that a crash cut short is dropped, and those before it stay", "[outbox]") {
  const place p;
  std::string whole, first_only;
  {
    outbox box(p.file);
    box.keep("[\"first\"]", "s1");
    first_only = bytes_of(p.file);
    box.keep("[\"second\"]", "s2");
    whole = bytes_of(p.file);
  }
  for (std::size_t size = first_only.size(); size < whole.size(); ++size) {
    CAPTURE(size);
    std::ofstream(p.file, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    outbox box(p.file);
    CHECK(box.size() == 1);
    box.keep("[\"third\"]", "s3");
    CHECK(sent_from(box) == strings{"[\"first\"]|s1", "[\"third\"]|s3"});
  }
  for (std::size_t at = first_only.size(); at < whole.size(); ++at) {  // or was written in part
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    std::ofstream(p.file, std::ios::binary | std::ios::trunc) << damaged;
    CHECK(outbox(p.file).size() == 1);
  }
}

TEST_CASE("an outbox whose making was cut short begins anew, and another's file is refused", "[outbox]") {
  const place p;
  std::string header;
  {
    outbox box(p.file);
    header = bytes_of(p.file);
  }
  for (std::size_t size = 0; size < 17; ++size) {
    std::ofstream(p.file, std::ios::binary | std::ios::trunc) << header.substr(0, size);
    CHECK(outbox(p.file).empty());
  }
  std::ofstream(p.file, std::ios::binary | std::ios::trunc)
      << "my diary, and more than a header's length of it";
  CHECK_THROWS_WITH(outbox(p.file), ContainsSubstring("not an outbox"));
  CHECK_THROWS_WITH(outbox(p.folder / "missing" / "file"), ContainsSubstring("can't be opened"));
}

TEST_CASE("two outboxes on one file are refused, and a full one says so", "[outbox]") {
  const place p;
  outbox box(p.file, {.max_size = 200});
  CHECK_THROWS_WITH(outbox(p.file), ContainsSubstring("in use"));
  box.keep("[1]", "s");
  CHECK_THROWS_AS(box.keep("[\"" + std::string(300, 'x') + "\"]", "s"), inngest::too_large);
  CHECK(sent_from(box) == strings{"[1]|s"});
}

namespace {

using hello = inngest::event<"test/hello">;

/// A client whose server can be away.
struct sender {
  bool away = false;
  std::vector<inngest::http::request> taken;
  support::log_record log;
  inngest::client app;

  explicit sender(inngest::unreachable_policy policy, std::shared_ptr<inngest::event_keeper> box = nullptr)
      : app([&] {
          auto options = support::quiet_options();
          options.transport =
              std::make_shared<support::fake_transport>([this](const inngest::http::request& r) {
                if (away) throw inngest::unreachable("nobody there");
                taken.push_back(r);
                return inngest::http::response{.status = 200, .body = R"({"ids":["id"]})"};
              });
          options.send_attempts = 1;
          options.log = log.logger();
          options.when_unreachable = policy;
          options.outbox = std::move(box);
          return options;
        }()) {}

  strings names() const {
    strings out;
    for (const auto& request : taken) out.push_back(inngest::json::parse(request.body).at(0).at("id"));
    return out;
  }
  void send(const char* id) { app.send(hello{.data = {}, .id = id}); }
};

}  // namespace

TEST_CASE("events that no server took are kept and sent before later ones, with their first seed",
          "[outbox][client]") {
  const place p;
  const auto box = std::make_shared<outbox>(p.file);
  sender s(inngest::unreachable_policy::keep, box);
  s.away = true;
  s.send("1");
  s.send("2");
  CHECK(box->size() == 2);
  CHECK(s.log.count("stored in the outbox") == 2);
  s.away = false;
  s.send("3");
  CHECK(s.names() == strings{"1", "2", "3"});
  CHECK(box->empty());
  CHECK(*s.taken[0].headers.find("x-inngest-event-id-seed") !=
        *s.taken[2].headers.find("x-inngest-event-id-seed"));
  s.away = true;
  s.send("4");
  CHECK_THROWS_AS(s.app.flush_outbox(), inngest::unreachable);
  s.away = false;
  s.app.flush_outbox();
  CHECK(s.names().back() == "4");
}

TEST_CASE("events may be dropped when no server answers, with a warning, but by default that is an error",
          "[client][send]") {
  sender dropping(inngest::unreachable_policy::drop);
  dropping.away = true;
  CHECK(dropping.app.send(hello{}).ids.empty());
  CHECK(dropping.log.count("dropped") == 1);
  sender failing(inngest::unreachable_policy::fail);
  failing.away = true;
  CHECK_THROWS_AS(failing.app.send(hello{}), inngest::unreachable);
  CHECK_THROWS_WITH(sender(inngest::unreachable_policy::keep), ContainsSubstring("outbox"));
}
