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

#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/platform/detail/file.hpp>

// The file of an outbox. It is a header, which says where the first record that is not sent begins, and
// records one behind the other. A record is the lengths of its two texts, the first bytes of a SHA-256 over
// all, and the texts. Damage is replaced by a record without events, so that it is set aside only once.

namespace inngest::detail {

/// A file whose problems are configuration errors.
class open_file {
 public:
  /// \throws configuration_error when it can't be opened.
  explicit open_file(const std::filesystem::path& path) : path_(path) {
    check(file_.open(path_), "can't be opened");
  }

  /// Only one process may have it.
  void lock() const {
    const std::error_code problem = file_.lock();
    const bool in_use = problem == std::errc::resource_unavailable_try_again;
    check(problem, in_use ? "is in use by another process or outbox" : "can't be locked");
  }

  std::size_t size() const {
    std::size_t out = 0;
    check(file_.get_size(out), "can't be read");
    return out;
  }
  bool is_deleted() const { return file_.is_deleted(); }

  /// What is there, up to so many bytes.
  std::string read(std::size_t at, std::size_t size) const {
    std::string out;
    check(file_.read(at, size, out), "can't be read");
    return out;
  }

  /// Writes, and waits until it is on the disk.
  void write(std::size_t at, std::string_view bytes) {
    check(file_.write(at, bytes), "can't be written");
    sync();
  }

  void truncate(std::size_t size) {
    check(file_.resize(size), "can't be written");
    sync();
  }
  /// After a write that failed: what it left must not be taken for a record. Tried as far as it goes.
  void cut_back(std::size_t size) noexcept {
    if (!file_.resize(size)) file_.sync();
  }

  /// Waits until the file's name is on the disk, too.
  void sync_directory() const { check(sync_directory_of(path_), "can't be written to the disk"); }

 private:
  void sync() { check(file_.sync(), "can't be written to the disk"); }

  void check(const std::error_code& problem, const char* what) const {
    if (problem)
      throw configuration_error("the outbox \"" + path_.string() + "\" " + what + ": " + problem.message());
  }

  const std::filesystem::path path_;
  disk_file file_;
};

/// Appends lines to a file that is made when it is needed, and waits until they are on the disk.
inline void append_lines(const std::filesystem::path& path, const std::string& lines) {
  open_file file(path);
  const std::size_t end = file.size();
  const bool cut_short = end > 0 && file.read(end - 1, 1) != "\n";  // by a crash: that line ends here
  try {
    file.write(end, cut_short ? "\n" + lines : lines);
  } catch (...) {
    file.cut_back(end);
    throw;
  }
  if (end == 0) file.sync_directory();
}

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
  explicit outbox_file(const std::filesystem::path& path)
      : path_(path), damaged_path_(path.string() + ".damaged"), file_(path) {
    file_.lock();
    recover();
  }

  bool empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  /// Where the next record would end.
  std::size_t end_with(const std::string& events, const std::string& seed) const {
    return end_ + record_header_size + events.size() + seed.size();
  }
  std::size_t end() const { return end_; }
  /// Bytes that could not be read since it was opened.
  std::size_t damaged_bytes() const { return damaged_bytes_; }
  const std::filesystem::path& damaged_path() const { return damaged_path_; }
  bool lost_its_header() const { return lost_its_header_; }

  /// The record is on the disk when it returns, and is not there when it throws.
  void append(const std::string& events, const std::string& seed) {
    if (file_.is_deleted())
      throw configuration_error("the outbox \"" + path_.string() + "\" was deleted while it was in use");
    const std::string bytes = record_of(events, seed);
    entries_.push_back({end_, bytes.size()});
    try {
      file_.write(end_, bytes);
    } catch (...) {
      entries_.pop_back();
      file_.cut_back(end_);
      throw;
    }
    end_ += bytes.size();
  }

  /// The first record; nothing when it can't be read any more: then it is set aside and no longer here.
  std::optional<record> front() {
    const entry first = entries_.front();
    record out = parse(file_.read(first.at, first.size));
    if (out.size == first.size) return out;
    set_aside(first.at, file_.read(first.at, first.size));
    entries_.pop_front();
    return std::nullopt;
  }

  /// Forgets the first record. When it throws, the record is forgotten until the file is opened again.
  void drop_front() {
    entries_.pop_front();
    file_.write(0, header_of(entries_.empty() ? end_ : entries_.front().at));
    if (entries_.empty()) clear();
  }

 private:
  struct entry {
    std::size_t at = 0;
    std::size_t size = 0;
  };

  static constexpr std::string_view magic = "inngest outbox 1\n";
  static constexpr std::size_t header_size = magic.size() + 8 + 4;
  static constexpr std::size_t record_header_size = 4 + 4 + 8;

  static void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  static std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
    return out;
  }
  static std::string checksum(std::string_view text, std::size_t bytes) {
    const auto digest = sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return std::string(reinterpret_cast<const char*>(digest.data()), bytes);
  }

  static std::string header_of(std::size_t begin) {
    std::string out(magic);
    append_number(out, begin, 8);
    return out + checksum(out, 4);
  }

  static std::string record_of(const std::string& events, const std::string& seed) {
    constexpr std::size_t most = (std::numeric_limits<std::uint32_t>::max)();
    if (events.size() > most || seed.size() > most) throw too_large("an outbox keeps lists of up to 4 GB");
    std::string lengths;
    append_number(lengths, events.size(), 4);
    append_number(lengths, seed.size(), 4);
    return lengths + checksum(lengths + events + seed, 8) + events + seed;
  }

  /// The record at the front of the bytes; of size 0 when there is none.
  static record parse(std::string_view bytes) {
    if (bytes.size() < record_header_size) return {};
    const std::size_t events = number_of(bytes.substr(0, 4)), seed = number_of(bytes.substr(4, 4));
    if (events + seed > bytes.size() - record_header_size) return {};
    const std::string_view texts = bytes.substr(record_header_size, events + seed);
    if (checksum(std::string(bytes.substr(0, 8)) += texts, 8) != bytes.substr(8, 8)) return {};
    return {.events = std::string(texts.substr(0, events)),
            .seed = std::string(texts.substr(events)),
            .size = record_header_size + events + seed};
  }

  /// Finds what is kept. The file may be larger than what is taken now, and it may be damaged.
  void recover() {
    const std::size_t size = file_.size();
    const std::string header = file_.read(0, header_size);
    if (header.size() < header_size) {
      if (header == header_of(header_size).substr(0, header.size())) {  // new, or cut short while it was made
        clear();
        return file_.sync_directory();
      }
      refuse();
    }
    const std::size_t begin = number_of(std::string_view(header).substr(magic.size(), 8));
    if (header == header_of(begin) && begin >= header_size) {
      if (begin > size) return clear();  // all was sent, and the process ended before it had said so
      scan(begin, file_.read(begin, size - begin));
      if (entries_.empty() && end_ > header_size) clear();
      return;
    }
    const std::string rest = file_.read(header_size, size - header_size);
    if (!header.starts_with(magic) && find_record(rest, 0) == rest.size()) refuse();
    lost_its_header_ = true;
    scan(header_size, rest);
    file_.write(0, header_of(entries_.empty() ? end_ : entries_.front().at));
  }

  [[noreturn]] void refuse() const {
    throw configuration_error("\"" + path_.string() + "\" is not an outbox, or it was damaged");
  }

  /// Notes the records in the bytes, which are what the file has from `base` on, and sets aside the rest.
  void scan(std::size_t base, const std::string& bytes) {
    end_ = base;
    for (std::size_t at = 0; at < bytes.size();) {
      const record found = parse(std::string_view(bytes).substr(at));
      if (found.size == 0) {
        const std::size_t next = find_record(bytes, at + 1);
        set_aside(base + at, std::string_view(bytes).substr(at, next - at));
        if (next == bytes.size()) return file_.truncate(end_);  // at the end nothing need be in its place
        at = next;
        continue;
      }
      if (!found.events.empty()) entries_.push_back({base + at, found.size});
      at += found.size;
      end_ = base + at;
    }
  }

  /// Where the next record is; the end of the bytes when there is none.
  static std::size_t find_record(std::string_view bytes, std::size_t from) {
    for (std::size_t at = from; at + record_header_size < bytes.size(); ++at) {
      if (number_of(bytes.substr(at, 4)) == 0) continue;  // no events: most often a run of zeros
      if (parse(bytes.substr(at)).size > 0) return at;
    }
    return bytes.size();
  }

  /// Copies what can't be read to a file beside this one, and then puts a record without events in its place.
  void set_aside(std::size_t at, std::string_view bytes) {
    append_lines(damaged_path_, std::to_string(bytes.size()) + " bytes from byte " + std::to_string(at) +
                                    " on:\n" + std::string(bytes) + "\n");
    damaged_bytes_ += bytes.size();
    if (bytes.size() >= record_header_size)
      file_.write(at, record_of({}, std::string(bytes.size() - record_header_size, '\0')));
  }

  /// When it fails in between, the header still says that nothing begins before end_.
  void clear() {
    file_.truncate((std::min)(file_.size(), header_size));
    file_.write(0, header_of(header_size));
    end_ = header_size;
  }

  const std::filesystem::path path_;
  const std::filesystem::path damaged_path_;
  open_file file_;
  std::deque<entry> entries_;
  std::size_t end_ = header_size;
  std::size_t damaged_bytes_ = 0;
  bool lost_its_header_ = false;
};

}  // namespace inngest::detail
