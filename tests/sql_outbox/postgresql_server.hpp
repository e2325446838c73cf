#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <libpq-fe.h>

namespace support {

/// A PostgreSQL server of the test's own: in a temporary folder, on a socket there, without a port. The
/// server refuses to run as root, so then it runs as an unprivileged user. It ends with this object or the
/// process.
class postgresql_server {
 public:
  /// Where the server's programs are; empty when it is not installed.
  static std::filesystem::path programs() {
    const char* chosen = std::getenv("INNGEST_TEST_POSTGRESQL_BIN");
    if (chosen != nullptr && *chosen != '\0') return chosen;
    std::vector<std::filesystem::path> found;
    std::error_code none;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none))
      found.push_back(version.path() / "bin");
    for (const char* usual : {"/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"})
      found.insert(found.begin(), usual);
    std::sort(found.begin(), found.end());
    for (auto at = found.rbegin(); at != found.rend(); ++at) {
      if (exists(*at / "initdb", none) && exists(*at / "postgres", none)) return *at;
    }
    return {};
  }

  /// `settings` are like "fsync=off".
  explicit postgresql_server(std::vector<std::string> settings = {"fsync=off"})
      : settings_(std::move(settings)) {
    std::string name = (std::filesystem::temp_directory_path() / "inngest-postgresql-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a folder for PostgreSQL");
    folder_ = name;
    if (getuid() == 0) {
      const passwd* user = getpwnam("postgres");
      if (user == nullptr) user = getpwnam("nobody");
      if (user == nullptr) throw std::runtime_error("PostgreSQL needs a user that is not root");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
      if (chown(name.c_str(), user_, group_) != 0) throw std::runtime_error("can't give a folder away");
      chmod(name.c_str(), 0755);  // the tests of other users connect, too
    }
    const int status = wait_for(spawn({"initdb", "--no-sync", "--auth=trust", "--username=test",
                                       "--encoding=UTF8", "--no-locale", "--pgdata=" + data()}));
    if (status != 0) throw std::runtime_error("initdb has failed: see " + (folder_ / "log").string());
    start();
  }
  ~postgresql_server() {
    stop(SIGQUIT);
    std::error_code none;
    std::filesystem::remove_all(folder_, none);
  }
  postgresql_server(const postgresql_server&) = delete;
  postgresql_server& operator=(const postgresql_server&) = delete;

  std::string conninfo() const {
    return "host=" + folder_.string() + " user=test dbname=postgres connect_timeout=10";
  }

  void start() {
    std::vector<std::string> command{"postgres", "-D", data(), "-k", folder_.string()};
    for (const char* always : {"listen_addresses=", "shared_buffers=32MB", "max_connections=60"}) {
      command.insert(command.end(), {"-c", always});
    }
    for (const std::string& setting : settings_) command.insert(command.end(), {"-c", setting});
    server_ = spawn(command);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (PQping(conninfo().c_str()) != PQPING_OK) {
      int status = 0;
      if (waitpid(server_, &status, WNOHANG) ==
          server_) {  // the memory of one that was killed is not free yet
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        server_ = spawn(command);
      }
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("PostgreSQL does not start");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// SIGKILL kills all of its processes at once, like the loss of power does, but for the disk.
  void stop(int signal) {
    if (server_ <= 0) return;
    if (signal == SIGKILL) ::kill(-server_, SIGKILL);
    ::kill(server_, signal);
    wait_for(server_);
    server_ = 0;
  }

 private:
  std::string data() const { return (folder_ / "data").string(); }

  static int wait_for(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }

  pid_t spawn(const std::vector<std::string>& command) const {
    const std::string program = (programs() / command.front()).string();
    const std::string log = (folder_ / "log").string();
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.front() = const_cast<char*>(program.c_str());  // by which it finds the other programs
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    setpgid(0, 0);  // its processes are a group, to be killed together
    if (user_ != 0 && (setgid(group_) != 0 || setuid(user_) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir("/") != 0) _exit(126);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(out, 1);
    dup2(out, 2);
    execv(program.c_str(), arguments.data());
    _exit(127);
  }

  std::vector<std::string> settings_;
  std::filesystem::path folder_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
};

/// Whether there is a server to test with. If not, it says so.
inline bool has_postgresql() { return !postgresql_server::programs().empty(); }

}  // namespace support
