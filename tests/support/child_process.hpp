#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace support {

/// Runs a function in a child of this process, which ends with what the function returns. The child never
/// returns to the test: after an exception it would go on with all other tests. It must not use Catch2.
class child_process {
 public:
  /// How a child ends whose function throws.
  static constexpr int threw = 99;

  template <class Body>
  explicit child_process(Body body) : id_(::fork()) {
    if (id_ < 0) throw std::runtime_error("fork() failed");
    if (id_ == 0) run(body);
  }
  ~child_process() {
    if (id_ == 0) return;
    kill();
    wait();
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// 0 after its end.
  pid_t id() const { return id_; }

  void kill() const {
    if (id_ > 0) ::kill(id_, SIGKILL);
  }

  /// The status, as waitpid() gives it.
  int wait() {
    if (id_ > 0 && ::waitpid(id_, &status_, 0) == id_) id_ = 0;
    return status_;
  }

  /// Whether it has ended, without waiting for it.
  bool has_ended() {
    if (id_ > 0 && ::waitpid(id_, &status_, WNOHANG) == id_) id_ = 0;
    return id_ == 0;
  }

 private:
  template <class Body>
  [[noreturn]] static void run(Body& body) noexcept {
    int code = threw;
    try {
      code = body();
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "a child of the test threw: %s\n", problem.what());
    } catch (...) {
      std::fprintf(stderr, "a child of the test threw something that is not a std::exception\n");
    }
    ::_exit(code);
  }

  pid_t id_;
  int status_ = 0;
};

}  // namespace support
