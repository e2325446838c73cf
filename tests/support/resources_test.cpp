// What tests use of the machine: folders, ports and processes.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <httplib.h>

#include "catch.hpp"
#include "support/child_process.hpp"
#include "support/free_port.hpp"
#include "support/http_connection.hpp"
#include "support/temporary_folder.hpp"

TEST_CASE("a temporary folder is new, and gone afterwards", "[support]") {
  std::filesystem::path path;
  {
    const support::temporary_folder one, other;
    CHECK(one.path() != other.path());
    CHECK(std::filesystem::is_empty(one.path()));
    path = one.path();
    std::ofstream(path / "file") << "content";
    std::filesystem::create_directories(path / "a" / "b");
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a reserved port refuses connections until its server listens, and is given to nobody else",
          "[support]") {
  const support::reserved_port reserved;
  const auto connect = [&] { support::http_connection{reserved.port()}; };
  CHECK_THROWS_WITH(connect(), Catch::Matchers::ContainsSubstring("refused"));
  CHECK(reserved.url() == "http://127.0.0.1:" + std::to_string(reserved.port()));
  CHECK(support::free_port() != support::free_port());
  httplib::Server server;
  server.set_socket_options([](auto socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  CHECK(server.bind_to_port("127.0.0.1", reserved.port()));
  server.stop();
}

TEST_CASE("a child process ends with what its function returns, and with a code of its own when that throws",
          "[support]") {
  support::child_process seven([] { return 7; });
  CHECK(WEXITSTATUS(seven.wait()) == 7);
  CHECK(seven.has_ended());
  CHECK(WEXITSTATUS(seven.wait()) == 7);
  support::child_process failing([]() -> int {
    ::close(STDERR_FILENO);  // which would say so
    throw std::runtime_error("no");
  });
  CHECK(WEXITSTATUS(failing.wait()) == support::child_process::threw);
}

TEST_CASE("a child process is killed, also by the end of its test", "[support]") {
  const auto sleep = [] { return static_cast<int>(::sleep(3600)); };
  support::child_process killed(sleep);
  CHECK_FALSE(killed.has_ended());
  killed.kill();
  CHECK(WTERMSIG(killed.wait()) == SIGKILL);
  pid_t id = 0;
  {
    const support::child_process left(sleep);
    id = left.id();
  }
  CHECK(::waitpid(id, nullptr, WNOHANG) == -1);  // it was waited for
}
