#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/settings.hpp>

namespace inngest {

/// Options of an outbox.
struct outbox_options {
  /// Bytes that the file may grow to. What does not fit is an error, and nothing is lost silently.
  std::size_t max_size = 64 * 1024 * 1024;
};

/// Keeps events in a file while no server answers, and has them sent later, in order:
///
///     inngest::client app({.id = "studio",
///                          .when_unreachable = inngest::unreachable_policy::keep,
///                          .outbox = std::make_shared<inngest::outbox>("outbox.events")});
///
/// What is kept is on the disk before send() returns. A record that a crash cut short is recognized and
/// dropped, never misread. Each is sent with the seed of its first attempt, so that a server that took it
/// before the crash makes no second event. May be used from many threads; a second process on the same file
/// is refused. For POSIX systems.
class outbox final : public event_keeper {
 public:
  /// \throws configuration_error when the file can't be opened, or is another process's.
  explicit outbox(std::filesystem::path file, outbox_options options = {})
      : path_(std::move(file)), options_(options) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail("can't be opened");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      ::close(descriptor_);
      errno = reason;
      fail("is in use by another process or outbox");
    }
    recover();
  }
  ~outbox() override { ::close(descriptor_); }
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// \throws too_large when the outbox is full, configuration_error when the disk refuses.
  void keep(const std::string& events, const std::string& seed) override {
    const std::lock_guard lock(mutex_);
    const std::string bytes = record_of(events, seed);
    if (end_ + bytes.size() > options_.max_size) {
      throw too_large("the outbox \"" + path_.string() + "\" is full: it keeps " + std::to_string(end_) +
                      " bytes and may keep " + std::to_string(options_.max_size));
    }
    write_at(end_, bytes);
    end_ += bytes.size();
    ++count_;
  }

  bool empty() const override {
    const std::lock_guard lock(mutex_);
    return count_ == 0;
  }
  /// How many lists of events are kept.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  void flush(const std::function<void(const std::string& events, const std::string& seed)>& send) override {
    const std::lock_guard lock(mutex_);  // one sender at a time: the order must hold
    while (count_ > 0) {
      const record next = read_at(begin_);
      send(next.events, next.seed);
      begin_ += next.size;
      --count_;
      write_at(0, header_of(begin_));
    }
    if (begin_ > header_size) clear();
  }

 private:
  // The file is a header, which says where the first record begins, and records one behind the other. A
  // record is the lengths of its two texts, the first bytes of a SHA-256 over all, and the texts.
  static constexpr std::string_view magic = "inngest outbox 1\n";
  static constexpr std::size_t header_size = magic.size() + 8 + 4;
  static constexpr std::size_t record_header_size = 4 + 4 + 8;

  struct record {
    std::string events;
    std::string seed;
    std::size_t size = 0;  // 0: there is none here
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw configuration_error("the outbox \"" + path_.string() + "\" " + what + ": " + std::strerror(errno));
  }

  static void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  static std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
    return out;
  }
  static std::string checksum(std::string_view text, std::size_t bytes) {
    const auto digest = detail::sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return std::string(reinterpret_cast<const char*>(digest.data()), bytes);
  }

  static std::string header_of(std::size_t begin) {
    std::string out(magic);
    append_number(out, begin, 8);
    return out + checksum(out, 4);
  }

  static std::string record_of(const std::string& events, const std::string& seed) {
    std::string lengths;
    append_number(lengths, events.size(), 4);
    append_number(lengths, seed.size(), 4);
    return lengths + checksum(lengths + events + seed, 8) + events + seed;
  }

  std::string read_bytes(std::size_t at, std::size_t size) const {
    std::string out(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(descriptor_, out.data() + done, size - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("can't be read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
  }

  /// Writes, and waits until it is on the disk.
  void write_at(std::size_t at, std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t put =
          ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail("can't be written");
      done += static_cast<std::size_t>(put);
    }
    if (::fsync(descriptor_) != 0) fail("can't be written to the disk");
  }

  record read_at(std::size_t at) const {
    const std::string head = read_bytes(at, record_header_size);
    if (head.size() < record_header_size) return {};
    const std::string_view view = head;
    const std::size_t events = number_of(view.substr(0, 4)), seed = number_of(view.substr(4, 4));
    if (events + seed > options_.max_size) return {};
    const std::string texts = read_bytes(at + record_header_size, events + seed);
    if (texts.size() < events + seed || checksum(head.substr(0, 8) + texts, 8) != view.substr(8)) return {};
    return {texts.substr(0, events), texts.substr(events), record_header_size + events + seed};
  }

  /// Finds what is kept. A last record that was cut short by a crash was never acknowledged: it is dropped.
  void recover() {
    const std::string header = read_bytes(0, header_size);
    if (header.empty()) return clear();
    const std::size_t begin = header.size() < header_size ? 0 : number_of(header.substr(magic.size(), 8));
    if (header != header_of(begin) || begin < header_size) {
      if (std::string_view(magic).starts_with(header)) return clear();  // cut short while it was made
      throw configuration_error("\"" + path_.string() + "\" is not an outbox, or it was damaged");
    }
    begin_ = end_ = begin;
    for (record each = read_at(end_); each.size > 0; each = read_at(end_)) {
      end_ += each.size;
      ++count_;
    }
    if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) fail("can't be written");
  }

  void clear() {
    write_at(0, header_of(header_size));
    if (::ftruncate(descriptor_, static_cast<off_t>(header_size)) != 0) fail("can't be written");
    if (::fsync(descriptor_) != 0) fail("can't be written to the disk");
    begin_ = end_ = header_size;
    count_ = 0;
  }

  const std::filesystem::path path_;
  const outbox_options options_;
  int descriptor_ = -1;
  mutable std::mutex mutex_;  // of the rest
  std::size_t begin_ = header_size;
  std::size_t end_ = header_size;
  std::size_t count_ = 0;
};

}  // namespace inngest
