#pragma once

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/log.hpp>
#include <inngest/outbox/detail/outbox_file.hpp>
#include <inngest/platform/detail/file.hpp>
#include <inngest/settings.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of an outbox.
struct outbox_options {
  /// The file's maximum size in bytes; keep() throws when it would be exceeded. A file that is already larger
  /// is still opened and sent, and accepts no events until there is room.
  std::size_t max_size = 64 * 1024 * 1024;
  /// Receives errors: rejected lists, damaged bytes, disk failures.
  logger log{};
};

/// A list of events whose contents the server rejected.
struct rejected_events {
  /// A JSON array.
  std::string events;
  /// The seed that it was sent with.
  std::string seed;
  /// The server's message.
  std::string reason;
  /// When the server rejected it.
  timestamp rejected_at{};
};

/// Stores events in a file while no server answers, and sends them later, in order:
///
///     inngest::client app({.id = "studio",
///                          .when_unreachable = inngest::unreachable_policy::keep,
///                          .outbox = std::make_shared<inngest::outbox>("outbox.events")});
///
/// Events are on disk before send() returns. They are removed from the file only after they were sent or
/// written to another file:
///
/// - `FILE.rejected` contains lists that the server rejected, with the reason: see rejected(). They do not
///   block later lists.
/// - `FILE.damaged` contains unreadable bytes: a record truncated by a crash, or damage. Later records are
///   still sent.
///
/// Each list is always sent with the seed of its first attempt, so a server that accepted it before a crash
/// creates no duplicate events. Thread-safe: while one thread sends, others can add events. A second process
/// can't open the same file, and a child process can't use an outbox that was open at the fork.
class outbox final : public event_keeper {
 public:
  /// \throws configuration_error when the file cannot be opened, is open in another process, or is not an
  /// outbox.
  explicit outbox(const std::filesystem::path& file, outbox_options options = {});
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// Stores a list of events. The events are on disk when it returns, and are not stored when it throws.
  /// \throws too_large when the outbox is full, configuration_error when the disk fails or `events` is empty.
  void keep(const std::string& events, const std::string& seed) override;

  /// Whether no list is stored.
  [[nodiscard]] bool empty() const override;
  /// The number of stored lists.
  [[nodiscard]] std::size_t size() const;

  /// Sends the stored lists, in order. Waits while another thread sends. A list for which `send` throws
  /// event_rejected is moved to `FILE.rejected`, and the next one is sent. Any other exception stops sending,
  /// and the list remains the first.
  void flush(const sender& send) override;

  /// Like flush(), but returns false immediately if another thread is sending.
  bool try_flush(const sender& send) override;

  /// The lists that the server rejected, oldest first: the contents of `FILE.rejected`, until you remove that
  /// file.
  [[nodiscard]] std::vector<rejected_events> rejected() const;

  /// The number of unreadable bytes found since the file was opened. They are in `FILE.damaged`.
  std::size_t damaged_bytes() const;

 private:
  /// Makes this thread the sender during the object's lifetime. The thread holds the lock at construction and
  /// destruction.
  class sending_scope {
   public:
    sending_scope(outbox& box, std::unique_lock<std::mutex>& lock) : box_(box), lock_(lock) {
      box_.sending_ = true;
    }
    ~sending_scope();
    sending_scope(const sending_scope&) = delete;
    sending_scope& operator=(const sending_scope&) = delete;

   private:
    outbox& box_;
    std::unique_lock<std::mutex>& lock_;
  };

  void send_all(std::unique_lock<std::mutex>& lock, const sender& send);

  static std::optional<std::string> refusal_of(const sender& send, const std::string& events,
                                               const std::string& seed);

  void forget_first(std::unique_lock<std::mutex>& lock);

  void set_aside(const detail::outbox_file::record& refused, const std::string& reason) const;

  static bool is_json_line(const std::string& text);

  static std::optional<rejected_events> read_rejected(const std::string& line);

  /// Two processes with the same position in the file would overwrite each other's records.
  void check_process() const;

  void report_damage(std::size_t bytes) const;
  void report(const std::string& what) const;

  const outbox_options options_;
  const std::filesystem::path path_;
  const std::filesystem::path rejected_path_;
  const long process_ = detail::process_id();
  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable idle_;
  detail::outbox_file file_;
  bool sending_ = false;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/outbox.ipp>
#endif
