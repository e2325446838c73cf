#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/log.hpp>
#include <inngest/outbox/detail/outbox_file.hpp>
#include <inngest/platform/detail/file.hpp>
#include <inngest/settings.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest {

/// Options of an outbox.
struct outbox_options {
  /// The file's maximum size in bytes; keep() throws beyond it. A file that is already larger is kept and
  /// sent, and accepts no further events until there is room.
  std::size_t max_size = 64 * 1024 * 1024;
  /// Receives errors: refused lists, damaged bytes, disk failures.
  logger log{};
};

/// A list of events that the server refused because of its contents.
struct rejected_events {
  /// A JSON array.
  std::string events;
  /// The seed with which it was sent.
  std::string seed;
  /// The server's message.
  std::string reason;
  /// When the server refused it.
  timestamp rejected_at{};
};

/// Stores events in a file while no server answers, and sends them later, in order:
///
///     inngest::client app({.id = "studio",
///                          .when_unreachable = inngest::unreachable_policy::keep,
///                          .outbox = std::make_shared<inngest::outbox>("outbox.events")});
///
/// Events are on disk before send() returns, and leave the file only after they were sent or written to
/// another file:
///
/// - `FILE.rejected` contains lists that the server refused, with the reason: see rejected(). They do not
/// block
///   later lists.
/// - `FILE.damaged` contains unreadable bytes: a record truncated by a crash, or damage. Later records are
/// sent.
///
/// Each list is sent with the seed of its first attempt, so that a server that took it before a crash makes
/// no second event. May be used from many threads; while one sends, others can add. A second process on the
/// same file is refused, and so is a child that was forked while it was open.
class outbox final : public event_keeper {
 public:
  /// \throws configuration_error when the file cannot be opened, is open in another process, or is not an
  /// outbox.
  explicit outbox(const std::filesystem::path& file, outbox_options options = {})
      : options_(std::move(options)),
        path_(std::filesystem::absolute(file)),
        rejected_path_(path_.string() + ".rejected"),
        file_(path_) {
    if (file_.lost_its_header())
      report("was damaged at its beginning: its events are sent, some of them perhaps again");
    report_damage(file_.damaged_bytes());
  }
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// The events are on disk when it returns, and are not kept when it throws.
  /// \throws too_large when the outbox is full, configuration_error when the disk fails or `events` is empty.
  void keep(const std::string& events, const std::string& seed) override {
    const std::lock_guard lock(mutex_);
    check_process();
    if (events.empty()) throw configuration_error("the list of events for the outbox is empty");
    if (file_.end_with(events, seed) > options_.max_size) {
      throw too_large("the outbox \"" + path_.string() + "\" is full: it has " + std::to_string(file_.end()) +
                      " bytes of at most " + std::to_string(options_.max_size));
    }
    file_.append(events, seed);
  }

  /// Whether no list is stored.
  [[nodiscard]] bool empty() const override {
    const std::lock_guard lock(mutex_);
    return file_.empty();
  }
  /// The number of stored lists.
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return file_.count();
  }

  /// Waits while another thread sends. A list for which `send` throws event_rejected is set aside, and the
  /// next one is sent; any other exception stops sending, and the list stays first.
  void flush(const sender& send) override {
    std::unique_lock lock(mutex_);
    check_process();
    idle_.wait(lock, [&] { return !sending_; });
    send_all(lock, send);
  }

  /// Like flush(), but returns false at once if another thread is sending.
  bool try_flush(const sender& send) override {
    std::unique_lock lock(mutex_);
    check_process();
    if (sending_) return false;
    send_all(lock, send);
    return true;
  }

  /// The lists that the server refused, oldest first: the contents of `FILE.rejected`, until you remove it.
  [[nodiscard]] std::vector<rejected_events> rejected() const {
    std::vector<rejected_events> out;
    std::ifstream file(rejected_path_, std::ios::binary);
    for (std::string line; std::getline(file, line);) {
      if (auto read = read_rejected(line)) out.push_back(std::move(*read));
    }
    return out;
  }

  /// The number of unreadable bytes since it was opened. They are in `FILE.damaged`.
  std::size_t damaged_bytes() const {
    const std::lock_guard lock(mutex_);
    return file_.damaged_bytes();
  }

 private:
  /// Marks this thread as the sender while it lives. It holds the lock when it begins and ends.
  class turn {
   public:
    turn(outbox& box, std::unique_lock<std::mutex>& lock) : box_(box), lock_(lock) { box_.sending_ = true; }
    ~turn() {
      if (!lock_.owns_lock()) lock_.lock();
      box_.sending_ = false;
      box_.idle_.notify_all();
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

   private:
    outbox& box_;
    std::unique_lock<std::mutex>& lock_;
  };

  void send_all(std::unique_lock<std::mutex>& lock, const sender& send) {
    const turn until_return(*this, lock);
    while (!file_.empty()) {
      const std::size_t damaged = file_.damaged_bytes();
      const auto next = file_.front();
      const std::size_t now_damaged = file_.damaged_bytes() - damaged;
      lock.unlock();  // other threads can keep events meanwhile
      report_damage(now_damaged);
      const auto refusal = next ? refusal_of(send, next->events, next->seed) : std::nullopt;
      if (refusal) set_aside(*next, *refusal);
      lock.lock();
      if (next) forget_first(lock);
    }
  }

  static std::optional<std::string> refusal_of(const sender& send, const std::string& events,
                                               const std::string& seed) {
    try {
      send(events, seed);
      return std::nullopt;
    } catch (const event_rejected& rejected) {
      return rejected.what();
    }
  }

  void forget_first(std::unique_lock<std::mutex>& lock) {
    try {
      file_.drop_front();
    } catch (const configuration_error& problem) {
      lock.unlock();
      report(std::string("cannot record that events were sent: ") + problem.what() +
             ". The next process sends them again, with the same seed");
      lock.lock();
    }
  }

  void set_aside(const detail::outbox_file::record& refused, const std::string& reason) const {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    detail::json_object_text line;
    line.add("at", to_text(now)).add("reason", reason).add("seed", refused.seed);
    if (is_json_line(refused.events))
      line.add_raw("events", refused.events);
    else
      line.add("events_hex", detail::to_hex({reinterpret_cast<const std::uint8_t*>(refused.events.data()),
                                             refused.events.size()}));
    detail::append_lines(rejected_path_, line.text() + "\n");
    report("has events that the server refused (" + reason + "): they are in \"" + rejected_path_.string() +
           "\"");
  }

  static bool is_json_line(const std::string& text) {
    try {
      static_cast<void>(decode<json>(text));
      return text.find('\n') == std::string::npos;
    } catch (const payload_error&) {
      return false;
    }
  }

  static std::optional<rejected_events> read_rejected(const std::string& line) {
    try {
      const detail::json_buffer buffer(line);
      rejected_events out{.events = std::string(detail::find_member(buffer, "events")),
                          .seed = detail::find_text(line, "seed"),
                          .reason = detail::find_text(line, "reason")};
      if (out.events.empty()) {
        const std::string hex = detail::find_text(line, "events_hex");
        out.events.resize(hex.size() / 2);
        if (!detail::from_hex(hex, {reinterpret_cast<std::uint8_t*>(out.events.data()), out.events.size()}))
          return std::nullopt;
      }
      out.rejected_at = parse_timestamp(detail::find_text(line, "at")).value_or(timestamp{});
      return out;
    } catch (const payload_error&) {  // truncated by a crash: the list is still in the outbox
      return std::nullopt;
    }
  }

  /// Two processes with the same position in the file would overwrite each other's records.
  void check_process() const {
    if (detail::process_id() == process_) return;
    throw configuration_error("the outbox \"" + path_.string() +
                              "\" was opened before fork(): open one of its own in the child");
  }

  void report_damage(std::size_t bytes) const {
    if (bytes == 0) return;
    report("has " + std::to_string(bytes) +
           " unreadable bytes, from an interrupted write or from damage: they are in \"" +
           file_.damaged_path().string() + "\"");
  }
  void report(const std::string& what) const {
    options_.log.error("the outbox \"" + path_.string() + "\" " + what);
  }

  const outbox_options options_;
  const std::filesystem::path path_;
  const std::filesystem::path rejected_path_;
  const long process_ = detail::process_id();
  mutable std::mutex mutex_;  // of the rest
  std::condition_variable idle_;
  detail::outbox_file file_;
  bool sending_ = false;
};

}  // namespace inngest
