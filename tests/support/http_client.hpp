#pragma once

#include <chrono>
#include <string>

#include <httplib.h>

namespace support {

/// A client that waits for an answer for two minutes. Sanitizers on a busy machine make some answers slow,
/// and the five seconds of cpp-httplib are too short for them.
class http_client : public httplib::Client {
 public:
  explicit http_client(int port) : Client("127.0.0.1", port) { wait_long(); }
  explicit http_client(const std::string& url) : Client(url) { wait_long(); }

 private:
  void wait_long() {
    set_read_timeout(std::chrono::minutes(2));
    set_write_timeout(std::chrono::minutes(2));
  }
};

}  // namespace support
