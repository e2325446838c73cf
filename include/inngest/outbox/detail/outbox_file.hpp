#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

// The file of an outbox: a header with the position of the first unsent record, then the records. A record
// consists of the lengths of its two texts, the first bytes of a SHA-256 over everything, and the texts. A
// record without events replaces damaged bytes, so that they are copied to the other file only once.

namespace inngest::inline INNGEST_ABI::detail {

/// A file whose errors are thrown as configuration_error.
class open_file {
 public:
  /// \throws configuration_error when the file can't be opened.
  explicit open_file(const std::filesystem::path& path);

  /// Locks the file: only one outbox may use it. \throws configuration_error when it is in use.
  void lock() const;

  std::size_t size() const;
  bool is_deleted() const { return file_.is_deleted(); }

  /// Reads up to `size` bytes.
  std::string read(std::size_t at, std::size_t size) const;

  /// Writes bytes, and waits until they are on the disk.
  void write(std::size_t at, std::string_view bytes);

  void truncate(std::size_t size);
  /// Tries to remove the remains of a failed write, because they must not look like a record.
  void cut_back(std::size_t size) noexcept;

  /// Waits until the file's name is on the disk.
  void sync_directory() const { check(sync_directory_of(path_), "can't be written to the disk"); }

 private:
  void sync() { check(file_.sync(), "can't be written to the disk"); }

  void check(const std::error_code& problem, const char* what) const;

  const std::filesystem::path path_;
  disk_file file_;
};

/// Appends lines to a file, and waits until they are on the disk. Creates the file if necessary.
void append_lines(const std::filesystem::path& path, const std::string& lines);

/// A queue of event lists and their seeds, in a file. Not thread-safe.
class outbox_file {
 public:
  struct record {
    std::string events;
    std::string seed;
    std::size_t size = 0;  // bytes in the file
  };

  /// Opens or creates the file. Moves unreadable bytes to "<path>.damaged".
  /// \throws configuration_error when the file can't be opened, is in use or is not an outbox.
  explicit outbox_file(const std::filesystem::path& path);

  bool empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  /// The size of the file with one more record.
  std::size_t end_with(const std::string& events, const std::string& seed) const;
  std::size_t end() const { return end_; }
  /// The number of unreadable bytes since the file was opened.
  std::size_t damaged_bytes() const { return damaged_bytes_; }
  const std::filesystem::path& damaged_path() const { return damaged_path_; }
  bool lost_its_header() const { return lost_its_header_; }

  /// Appends a record. When it returns, the record is on the disk; when it throws, the record is not in the
  /// file.
  void append(const std::string& events, const std::string& seed);

  /// The first record. If it can't be read, moves it to "<path>.damaged" and returns `nullopt`.
  std::optional<record> front();

  /// Removes the first record. If it throws, the record reappears when the file is opened again.
  void drop_front();

 private:
  struct entry {
    std::size_t at = 0;
    std::size_t size = 0;
  };

  static constexpr std::string_view magic = "inngest outbox 1\n";
  static constexpr std::size_t header_size = magic.size() + 8 + 4;
  static constexpr std::size_t record_header_size = 4 + 4 + 8;

  static void append_number(std::string& out, std::uint64_t value, int bytes);
  static std::uint64_t number_of(std::string_view bytes);
  static std::string checksum(std::string_view text, std::size_t bytes);

  static std::string header_of(std::size_t begin);

  static std::string record_of(const std::string& events, const std::string& seed);

  /// The record at the start of the bytes; its size is 0 when there is none.
  static record parse(std::string_view bytes);

  /// Finds the records of an existing file, which may be damaged or larger than the current limit.
  void recover();

  [[noreturn]] void refuse() const;

  /// Adds the records in the bytes, which begin at `base` in the file, and moves unreadable bytes to
  /// "<path>.damaged".
  void scan(std::size_t base, const std::string& bytes);

  /// The position of the next record; the end of the bytes when there is none.
  static std::size_t find_record(std::string_view bytes, std::size_t from);

  /// Copies unreadable bytes to "<path>.damaged", and replaces them by a record without events.
  void set_aside(std::size_t at, std::string_view bytes);

  /// Truncates the file. If it fails halfway, the old header still says that no record begins before end_.
  void clear();

  const std::filesystem::path path_;
  const std::filesystem::path damaged_path_;
  open_file file_;
  std::deque<entry> entries_;
  std::size_t end_ = header_size;
  std::size_t damaged_bytes_ = 0;
  bool lost_its_header_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/outbox/detail/impl/outbox_file.ipp>
#endif
