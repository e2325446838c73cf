#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

// The file of an outbox. It is a header, which says where the first record that is not sent begins, and
// records one behind the other. A record is the lengths of its two texts, the first bytes of a SHA-256 over
// all, and the texts. Damage is replaced by a record without events, so that it is set aside only once.

namespace inngest::inline INNGEST_ABI::detail {

/// A file whose problems are configuration errors.
class open_file {
 public:
  /// \throws configuration_error when it can't be opened.
  explicit open_file(const std::filesystem::path& path);

  /// Only one process may have it.
  void lock() const;

  std::size_t size() const;
  bool is_deleted() const { return file_.is_deleted(); }

  /// What is there, up to so many bytes.
  std::string read(std::size_t at, std::size_t size) const;

  /// Writes, and waits until it is on the disk.
  void write(std::size_t at, std::string_view bytes);

  void truncate(std::size_t size);
  /// After a write that failed: what it left must not be taken for a record. Tried as far as it goes.
  void cut_back(std::size_t size) noexcept;

  /// Waits until the file's name is on the disk, too.
  void sync_directory() const { check(sync_directory_of(path_), "can't be written to the disk"); }

 private:
  void sync() { check(file_.sync(), "can't be written to the disk"); }

  void check(const std::error_code& problem, const char* what) const;

  const std::filesystem::path path_;
  disk_file file_;
};

/// Appends lines to a file that is made when it is needed, and waits until they are on the disk.
void append_lines(const std::filesystem::path& path, const std::string& lines);

/// Lists of events with their seeds, in order, in a file. Not for several threads.
class outbox_file {
 public:
  struct record {
    std::string events;
    std::string seed;
    std::size_t size = 0;  // in the file
  };

  /// What can't be read is in "<path>.damaged" afterwards.
  /// \throws configuration_error when the file can't be opened, is another process's or is no outbox.
  explicit outbox_file(const std::filesystem::path& path);

  bool empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  /// Where the next record would end.
  std::size_t end_with(const std::string& events, const std::string& seed) const;
  std::size_t end() const { return end_; }
  /// Bytes that could not be read since it was opened.
  std::size_t damaged_bytes() const { return damaged_bytes_; }
  const std::filesystem::path& damaged_path() const { return damaged_path_; }
  bool lost_its_header() const { return lost_its_header_; }

  /// The record is on the disk when it returns, and is not there when it throws.
  void append(const std::string& events, const std::string& seed);

  /// The first record; nothing when it can't be read any more: then it is set aside and no longer here.
  std::optional<record> front();

  /// Forgets the first record. When it throws, the record is forgotten until the file is opened again.
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

  /// The record at the front of the bytes; of size 0 when there is none.
  static record parse(std::string_view bytes);

  /// Finds what is kept. The file may be larger than what is taken now, and it may be damaged.
  void recover();

  [[noreturn]] void refuse() const;

  /// Notes the records in the bytes, which are what the file has from `base` on, and sets aside the rest.
  void scan(std::size_t base, const std::string& bytes);

  /// Where the next record is; the end of the bytes when there is none.
  static std::size_t find_record(std::string_view bytes, std::size_t from);

  /// Copies what can't be read to a file beside this one, and then puts a record without events in its place.
  void set_aside(std::size_t at, std::string_view bytes);

  /// When it fails in between, the header still says that nothing begins before end_.
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
