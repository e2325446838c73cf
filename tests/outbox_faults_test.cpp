// What an outbox has acknowledged is sent, or is in a file beside it: whatever happens to its file, its
// server and its process.

#include <inngest/outbox.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::outbox;
using strings = std::vector<std::string>;

struct place {
  support::temporary_folder made{};
  std::filesystem::path folder = made.path();
  std::filesystem::path file = folder / "events";
  support::log_record log{};

  std::unique_ptr<outbox> open(std::size_t max_size = 1 << 20) const {
    return std::make_unique<outbox>(
        file, inngest::outbox_options{.max_size = max_size, .log = log.logger(inngest::log_level::debug)});
  }
};

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

strings sent_from(outbox& box) {
  strings out;
  box.flush([&](const std::string& events, const std::string&) { out.push_back(events); });
  return out;
}

long open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("an outbox that is opened with a smaller limit keeps what it has and takes no more", "[outbox]") {
  const place p;
  const std::string large = "[" + std::string(5000, ' ') + "]";
  {
    const auto box = p.open();
    for (const auto& events : {std::string("[1]"), large, std::string("[3]")}) box->keep(events, "s");
  }
  for (const std::size_t smaller : {std::size_t{1000}, std::size_t{0}}) {
    const auto box = p.open(smaller);
    CHECK(box->size() == 3);
    CHECK_THROWS_AS(box->keep("[4]", "s"), inngest::too_large);
  }
  const auto box = p.open(1000);
  CHECK(sent_from(*box) == strings{"[1]", large, "[3]"});
  box->keep("[4]", "s");  // there is room again
  CHECK(sent_from(*box) == strings{"[4]"});
  CHECK(p.log.lines().empty());
}

TEST_CASE("one damaged byte anywhere costs at most its own record, which is set aside", "[outbox][damage]") {
  const place p;
  const strings all{"[\"first event\"]", "[\"second\"]", "[\"third\"]"};
  std::vector<std::size_t> ends;
  {
    const auto box = p.open();
    ends.push_back(bytes_of(p.file).size());
    for (const std::string& events : all) {
      box->keep(events, "seed");
      ends.push_back(bytes_of(p.file).size());
    }
  }
  const std::string whole = bytes_of(p.file);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    {
      const std::size_t bit = at % 8;
      CAPTURE(at, bit);
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      write_bytes(p.file, damaged);
      std::filesystem::remove(p.file.string() + ".damaged");
      strings left = all;
      std::size_t record = 0;
      while (record < all.size() && at >= ends[record + 1]) ++record;
      if (at >= ends[0]) left.erase(left.begin() + static_cast<std::ptrdiff_t>(record));
      const std::size_t lines = p.log.lines().size();
      {
        const auto box = p.open();
        CHECK(box->size() == left.size());
        CHECK((box->damaged_bytes() > 0) == (at >= ends[0]));
        CHECK(p.log.lines().size() == lines + 1);
        if (at >= ends[0]) {
          const std::string lost = damaged.substr(ends[record], ends[record + 1] - ends[record]);
          CHECK(bytes_of(p.file.string() + ".damaged").find(lost) != std::string::npos);
        }
        box->keep("[4]", "s");
      }
      {  // it is set aside once, and what came later is there
        const auto box = p.open();
        CHECK(box->damaged_bytes() == 0);
        left.emplace_back("[4]");
        CHECK(sent_from(*box) == left);
      }
    }
  }
}

TEST_CASE("regions of garbage and of zeros between records are set aside", "[outbox][damage]") {
  const place p;
  strings kept;
  {
    const auto box = p.open();
    for (int i = 0; i < 30; ++i) {
      kept.push_back("[\"" + std::string(static_cast<std::size_t>(i) * 7, 'x') + "\"]");
      box->keep(kept.back(), "seed-" + std::to_string(i));
    }
  }
  const std::string whole = bytes_of(p.file);
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::string damaged = whole;
    const std::size_t from = random() % whole.size(), size = 1 + random() % 400;
    for (std::size_t i = from; i < std::min(whole.size(), from + size); ++i)
      damaged[i] = round % 2 == 0 ? '\0' : static_cast<char>(random());
    write_bytes(p.file, damaged);
    CAPTURE(round, from, size);
    strings got;
    try {
      got = sent_from(*p.open());
    } catch (const inngest::configuration_error&) {
      CHECK(from < 29);  // nothing says that it is an outbox, and it is as it was
      CHECK(bytes_of(p.file) == damaged);
      continue;
    }
    std::set<std::string> known(kept.begin(), kept.end());
    for (const std::string& events : got) CHECK(known.erase(events) == 1);
    std::size_t at = 29;
    for (int i = 0; i < 30; ++i) {  // whoever was not touched was sent
      const std::string& events = kept[static_cast<std::size_t>(i)];
      const std::size_t end = at + 16 + events.size() + ("seed-" + std::to_string(i)).size();
      if (end <= from || at >= from + size) CHECK(known.count(events) == 0);
      at = end;
    }
  }
}

TEST_CASE("damage that comes while it is open is set aside, too", "[outbox][damage]") {
  const place p;
  const auto box = p.open();
  box->keep("[\"first\"]", "s");
  box->keep("[\"second\"]", "s");
  std::string damaged = bytes_of(p.file);
  damaged[29 + 16 + 3] = '!';
  std::fstream(p.file, std::ios::in | std::ios::out | std::ios::binary) << damaged;
  CHECK(sent_from(*box) == strings{"[\"second\"]"});
  CHECK(box->damaged_bytes() == 26);
  CHECK(p.log.count("unreadable bytes") == 1);
}

TEST_CASE("an outbox that can't be made leaves neither a lock nor a descriptor", "[outbox]") {
  const place p;
  write_bytes(p.file, "not an outbox at all, but long enough to be read as a header");
  const auto before = open_descriptors();
  for (int i = 0; i < 3; ++i) CHECK_THROWS_WITH(p.open(), ContainsSubstring("not an outbox"));
  CHECK(open_descriptors() == before);
  CHECK_THAT(bytes_of(p.file), ContainsSubstring("not an outbox at all"));
  std::filesystem::remove(p.file);
  const auto box = p.open();
  for (int i = 0; i < 3; ++i) CHECK_THROWS_WITH(p.open(), ContainsSubstring("in use"));
  CHECK(open_descriptors() == before + 1);
}

TEST_CASE("a full disk keeps nothing in half, and what was kept before is sent", "[outbox]") {
  const place p;
  const auto box = p.open();
  box->keep("[1]", "s");
  const std::size_t size = bytes_of(p.file).size();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = size + 10;  // the next record is cut in its middle
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string problem;
  try {
    box->keep("[\"does not fit\"]", "s");
  } catch (const inngest::configuration_error& full) {
    problem = full.what();
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_THAT(problem, ContainsSubstring("can't be written"));
  CHECK(bytes_of(p.file).size() == size);
  box->keep("[2]", "s");
  CHECK(sent_from(*box) == strings{"[1]", "[2]"});
  CHECK(p.log.lines().empty());
}

TEST_CASE("a file that was deleted takes no more events", "[outbox]") {
  const place p;
  const auto box = p.open();
  box->keep("[1]", "s");
  std::filesystem::remove(p.file);
  CHECK_THROWS_WITH(box->keep("[2]", "s"), ContainsSubstring("deleted"));
  CHECK(sent_from(*box) == strings{"[1]"});
}

TEST_CASE("events can be kept while others are being sent", "[outbox]") {
  const place p;
  const auto box = p.open();
  box->keep("[1]", "s");
  strings sent, sent_twice;
  std::size_t size = 0;
  bool is_empty = true, flushes = true;
  box->flush([&](const std::string& events, const std::string&) {
    sent.push_back(events);
    if (sent.size() > 1) return;
    std::thread([&] {  // another thread, as a server that hangs would have it
      box->keep("[2]", "s");
      size = box->size();
      is_empty = box->empty();
      flushes =
          box->try_flush([&](const std::string& again, const std::string&) { sent_twice.push_back(again); });
    })
        .join();
  });
  CHECK(sent == strings{"[1]", "[2]"});
  CHECK(sent_twice.empty());
  CHECK(size == 2);
  CHECK_FALSE(is_empty);
  CHECK_FALSE(flushes);
}

TEST_CASE("events that the server refuses are set aside, listed, and hold nothing up", "[outbox]") {
  const place p;
  const strings refused{"[{\"name\":\"a\"}]", "not JSON \xff", "[\n2]"};
  {
    const auto box = p.open();
    for (const std::string& events : refused) box->keep(events, "seed of it");
    box->keep("[\"good\"]", "s");
    strings sent;
    box->flush([&](const std::string& events, const std::string&) {
      if (events != "[\"good\"]") throw inngest::event_rejected("the server says \"no\"\n");
      sent.push_back(events);
    });
    CHECK(sent == strings{"[\"good\"]"});
    CHECK(box->empty());
    CHECK(p.log.count("refused") == 3);
  }
  std::ofstream(p.file.string() + ".rejected", std::ios::app) << "{\"cut short by a crash\":";
  const auto box = p.open();
  box->keep("[\"later\"]", "s");
  box->flush([](const std::string&, const std::string&) { throw inngest::event_rejected("too late"); });
  const auto listed = box->rejected();
  REQUIRE(listed.size() == 4);
  for (std::size_t i = 0; i < refused.size(); ++i) {
    CHECK(listed[i].events == refused[i]);
    CHECK(listed[i].seed == "seed of it");
    CHECK(listed[i].reason == "the server says \"no\"\n");
    CHECK(listed[i].rejected_at > inngest::timestamp{});
  }
  CHECK(listed[3].events == "[\"later\"]");
}

TEST_CASE("a child of the process that opened it can't use it", "[outbox][fork]") {
  const place p;
  const auto box = p.open();
  box->keep("[1]", "s");
  support::child_process child([&] {
    int refusals = 0;
    try {
      box->keep("[2]", "s");
    } catch (const inngest::configuration_error&) {
      ++refusals;
    }
    try {
      box->flush([](const std::string&, const std::string&) {});
    } catch (const inngest::configuration_error&) {
      ++refusals;
    }
    return refusals;
  });
  const int status = child.wait();
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 2);
  CHECK(sent_from(*box) == strings{"[1]"});
}

namespace {

/// Numbers written to a file by a process that may be killed: each is there as a whole or not at all.
class journal {
 public:
  explicit journal(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  ~journal() { ::close(descriptor_); }
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;
  void note(const std::string& line) const {
    if (::write(descriptor_, (line + "\n").c_str(), line.size() + 1) < 0) ::_exit(9);
  }
  static strings read(const std::filesystem::path& path) {
    strings out;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

 private:
  int descriptor_;
};

/// Keeps and sends for ever, and notes what it did after it did so.
[[noreturn]] void keep_and_send(const place& p, int round) {
  const journal kept(p.folder / "kept"), sent(p.folder / "sent");
  const auto box = p.open(std::size_t{1} << 40);  // a fast disk would reach the default limit
  for (int i = 0;; ++i) {
    const std::string name = std::to_string(round) + "." + std::to_string(i);
    const std::string events = "[\"" + name + std::string(static_cast<std::size_t>(i % 50) * 10, ' ') + "\"]";
    box->keep(events, name);
    kept.note(name);
    if (i % 7 != 6) continue;
    int most = i % 3 + 1;
    try {
      box->flush([&](const std::string&, const std::string& seed) {
        if (most-- == 0) throw inngest::unreachable("no more");
        sent.note(seed);
      });
    } catch (const inngest::unreachable&) {
    }
  }
}

}  // namespace

TEST_CASE("what was acknowledged before a kill is sent, in order", "[outbox][crash]") {
  const place p;
  std::mt19937 random(std::random_device{}());
  { const journal empty(p.folder / "kept"); }
  for (int round = 0; round < 200; ++round) {
    const auto noted = std::filesystem::file_size(p.folder / "kept") + random() % 60;
    support::child_process child([&]() -> int { keep_and_send(p, round); });
    const auto end = std::chrono::steady_clock::now() + support::patience;
    while (std::filesystem::file_size(p.folder / "kept") <= noted && !child.has_ended() &&
           std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    child.kill();  // at any point of its work, also on a slow machine
    REQUIRE(WIFSIGNALED(child.wait()));
  }
  {
    const auto box = p.open();
    const journal sent(p.folder / "sent");
    box->flush([&](const std::string&, const std::string& seed) { sent.note(seed); });
  }
  const strings kept = journal::read(p.folder / "kept");
  CHECK(kept.size() > 200);
  strings first_sent;  // a list may be sent again after a kill, with the seed of the first time
  std::set<std::string> seen;
  for (const std::string& seed : journal::read(p.folder / "sent")) {
    if (seen.insert(seed).second) first_sent.push_back(seed);
  }
  strings lost;
  std::size_t at = 0;
  for (const std::string& name : kept) {  // sent may have more: kept, and killed before it was noted
    while (at < first_sent.size() && first_sent[at] != name) ++at;
    if (at == first_sent.size()) {
      lost.push_back(name);
      break;
    }
  }
  CHECK(lost == strings{});
}

// ---- with a client ------------------------------------------------------------------------------------

namespace {

using hello = inngest::event<"test/hello">;

/// A client with an outbox, and a server that a function plays.
struct producer {
  using answerer = std::function<inngest::http::response(const inngest::http::request&)>;
  std::mutex mutex;
  strings taken;  // ids of events
  support::log_record log;
  inngest::client app;

  producer(std::shared_ptr<outbox> box, answerer answer)
      : app([&] {
          auto options = support::quiet_options();
          options.transport = std::make_shared<support::fake_transport>(
              [this, answer = std::move(answer)](const inngest::http::request& request) {
                auto out = answer(request);
                const std::lock_guard lock(mutex);
                if (out.status == 200)
                  taken.push_back(json::parse(request.body).at(0).at("id").get<std::string>());
                return out;
              });
          options.send_attempts = 1;
          options.log = log.logger();
          options.when_unreachable = inngest::unreachable_policy::keep;
          options.outbox = std::move(box);
          return options;
        }()) {}

  strings send(const char* id) { return app.send(hello{.data = {}, .id = id}).ids; }
};

const inngest::http::response ok{.status = 200, .body = R"({"ids":["id"]})"};

}  // namespace

TEST_CASE("events that the server refuses do not hold up those behind them", "[outbox][client]") {
  const place p;
  bool away = true;
  int status = 400;
  const std::shared_ptr<outbox> box = p.open();
  producer shop(box, [&](const inngest::http::request& request) {
    if (away) throw inngest::unreachable("nobody there");
    const bool bad = request.body.find("\"bad\"") != std::string::npos;
    return bad ? inngest::http::response{.status = status, .body = R"({"error":"not this one"})"} : ok;
  });
  for (const char* id : {"1", "bad", "2"}) CHECK(shop.send(id).empty());
  away = false;
  for (const int not_of_the_event : {401, 404, 405}) {  // of the key, or of another server
    status = not_of_the_event;
    CHECK_THROWS_AS(shop.app.flush_outbox(), inngest::error);
    CHECK(box->rejected().empty());
  }
  status = 400;
  CHECK(shop.send("3") == strings{"id"});
  CHECK(shop.taken == strings{"1", "2", "3"});
  REQUIRE(box->rejected().size() == 1);
  CHECK_THAT(box->rejected()[0].reason, ContainsSubstring("not this one"));
  CHECK_THAT(box->rejected()[0].events, ContainsSubstring("\"bad\""));

  away = true;
  shop.send("4");
  away = false;
  CHECK_THROWS_AS(shop.send("bad"), inngest::event_rejected);  // its sender is told: it is no dead letter
  CHECK(shop.taken.back() == "4");
  CHECK(box->empty());
  CHECK(box->rejected().size() == 1);
}

TEST_CASE("sending returns while another thread waits for a server that does not answer",
          "[outbox][client]") {
  const place p;
  std::atomic<int> asked = 0;
  std::atomic<bool> away = true, answers = false;
  const std::shared_ptr<outbox> box = p.open();
  producer shop(box, [&](const inngest::http::request&) {
    if (away) throw inngest::unreachable("nobody there");
    ++asked;
    support::hold_until(answers);
    return ok;
  });
  shop.send("1");
  away = false;
  auto hanging = std::async(std::launch::async, [&] { return shop.send("2"); });
  REQUIRE(support::eventually([&] { return asked == 1; }));
  CHECK(shop.send("3").empty());  // kept: this would hang otherwise
  CHECK(box->size() == 3);
  answers = true;
  hanging.get();
  CHECK(shop.taken == strings{"1", "2", "3"});
  CHECK(box->empty());
}

TEST_CASE("a full outbox does not keep events from a server that answers again", "[outbox][client]") {
  const place p;
  bool away = true;
  const std::shared_ptr<outbox> box = p.open(400);
  producer shop(box, [&](const inngest::http::request&) {
    if (away) throw inngest::unreachable("nobody there");
    return ok;
  });
  int kept = 0;
  try {
    for (;; ++kept) shop.send("kept");
  } catch (const inngest::error&) {
  }
  CHECK(kept > 1);
  CHECK(box->size() == static_cast<std::size_t>(kept));
  away = false;
  CHECK(shop.send("new") == strings{"id"});
  CHECK(shop.taken.size() == static_cast<std::size_t>(kept) + 1);
  CHECK(shop.taken.back() == "new");
}

TEST_CASE("events say when they were sent, also those that waited in an outbox", "[outbox][client][ts]") {
  const place p;
  bool away = true;
  std::vector<json> sent;
  const std::shared_ptr<outbox> box = p.open();
  producer shop(box, [&](const inngest::http::request& request) {
    if (away) throw inngest::unreachable("nobody there");
    for (const json& event : json::parse(request.body)) sent.push_back(event);
    return ok;
  });
  const auto now = [] {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
  };
  const auto before = now();
  shop.send("1");
  const auto after = now();
  shop.app.send(hello{.data = {}, .id = "2", .ts = inngest::timestamp(5ms), .user = {{"n", 1}}});
  while (now() <= after) std::this_thread::sleep_for(1ms);
  away = false;
  shop.send("3");
  REQUIRE(sent.size() == 3);
  CHECK(sent[0].at("ts") >= before);
  CHECK(sent[0].at("ts") <= after);
  CHECK(sent[1].at("ts") == 5);
  CHECK(sent[2].at("ts") > after);
}
