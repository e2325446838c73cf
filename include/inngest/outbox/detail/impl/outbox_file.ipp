#pragma once

#include <algorithm>
#include <limits>

#include <inngest/config.hpp>
#include <inngest/outbox/detail/outbox_file.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE open_file::open_file(const std::filesystem::path& path) : path_(path) {
  check(file_.open(path_), "can't be opened");
}

INNGEST_INLINE void open_file::lock() const {
  const std::error_code problem = file_.lock();
  const bool in_use = problem == std::errc::resource_unavailable_try_again;
  check(problem, in_use ? "is in use by another process or outbox" : "can't be locked");
}

INNGEST_INLINE std::size_t open_file::size() const {
  std::size_t out = 0;
  check(file_.get_size(out), "can't be read");
  return out;
}

INNGEST_INLINE std::string open_file::read(std::size_t at, std::size_t size) const {
  std::string out;
  check(file_.read(at, size, out), "can't be read");
  return out;
}

INNGEST_INLINE void open_file::write(std::size_t at, std::string_view bytes) {
  check(file_.write(at, bytes), "can't be written");
  sync();
}

INNGEST_INLINE void open_file::truncate(std::size_t size) {
  check(file_.resize(size), "can't be written");
  sync();
}

INNGEST_INLINE void open_file::cut_back(std::size_t size) noexcept {
  if (!file_.resize(size)) file_.sync();
}

INNGEST_INLINE void open_file::check(const std::error_code& problem, const char* what) const {
  if (problem)
    throw configuration_error("the outbox \"" + path_.string() + "\" " + what + ": " + problem.message());
}

INNGEST_INLINE void append_lines(const std::filesystem::path& path, const std::string& lines) {
  open_file file(path);
  const std::size_t end = file.size();
  // a crash may have cut the last line short
  const bool cut_short = end > 0 && file.read(end - 1, 1) != "\n";
  try {
    file.write(end, cut_short ? "\n" + lines : lines);
  } catch (...) {
    file.cut_back(end);
    throw;
  }
  if (end == 0) file.sync_directory();
}

INNGEST_INLINE outbox_file::outbox_file(const std::filesystem::path& path)
    : path_(path), damaged_path_(path.string() + ".damaged"), file_(path) {
  file_.lock();
  recover();
}

INNGEST_INLINE std::size_t outbox_file::end_with(const std::string& events, const std::string& seed) const {
  return end_ + record_header_size + events.size() + seed.size();
}

INNGEST_INLINE void outbox_file::append(const std::string& events, const std::string& seed) {
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

INNGEST_INLINE std::optional<outbox_file::record> outbox_file::front() {
  const entry first = entries_.front();
  record out = parse(file_.read(first.at, first.size));
  if (out.size == first.size) return out;
  set_aside(first.at, file_.read(first.at, first.size));
  entries_.pop_front();
  return std::nullopt;
}

INNGEST_INLINE void outbox_file::drop_front() {
  entries_.pop_front();
  file_.write(0, header_of(entries_.empty() ? end_ : entries_.front().at));
  if (entries_.empty()) clear();
}

INNGEST_INLINE void outbox_file::append_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

INNGEST_INLINE std::uint64_t outbox_file::number_of(std::string_view bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

INNGEST_INLINE std::string outbox_file::checksum(std::string_view text, std::size_t bytes) {
  const auto digest = sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return std::string(reinterpret_cast<const char*>(digest.data()), bytes);
}

INNGEST_INLINE std::string outbox_file::header_of(std::size_t begin) {
  std::string out(magic);
  append_number(out, begin, 8);
  return out + checksum(out, 4);
}

INNGEST_INLINE std::string outbox_file::record_of(const std::string& events, const std::string& seed) {
  constexpr std::size_t most = (std::numeric_limits<std::uint32_t>::max)();
  if (events.size() > most || seed.size() > most) throw too_large("an outbox stores lists of up to 4 GB");
  std::string lengths;
  append_number(lengths, events.size(), 4);
  append_number(lengths, seed.size(), 4);
  return lengths + checksum(lengths + events + seed, 8) + events + seed;
}

INNGEST_INLINE outbox_file::record outbox_file::parse(std::string_view bytes) {
  if (bytes.size() < record_header_size) return {};
  const std::size_t events = number_of(bytes.substr(0, 4)), seed = number_of(bytes.substr(4, 4));
  if (events + seed > bytes.size() - record_header_size) return {};
  const std::string_view texts = bytes.substr(record_header_size, events + seed);
  if (checksum(std::string(bytes.substr(0, 8)) += texts, 8) != bytes.substr(8, 8)) return {};
  return {.events = std::string(texts.substr(0, events)),
          .seed = std::string(texts.substr(events)),
          .size = record_header_size + events + seed};
}

INNGEST_INLINE void outbox_file::recover() {
  const std::size_t size = file_.size();
  const std::string header = file_.read(0, header_size);
  if (header.size() < header_size) {
    // the file is new, or its creation was interrupted
    if (header == header_of(header_size).substr(0, header.size())) {
      clear();
      return file_.sync_directory();
    }
    refuse();
  }
  const std::size_t begin = number_of(std::string_view(header).substr(magic.size(), 8));
  if (header == header_of(begin) && begin >= header_size) {
    if (begin > size) return clear();  // all records were sent, and the process ended during clear()
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

INNGEST_INLINE void outbox_file::refuse() const {
  throw configuration_error("\"" + path_.string() + "\" is not an outbox, or it was damaged");
}

INNGEST_INLINE void outbox_file::scan(std::size_t base, const std::string& bytes) {
  end_ = base;
  for (std::size_t at = 0; at < bytes.size();) {
    const record found = parse(std::string_view(bytes).substr(at));
    if (found.size == 0) {
      const std::size_t next = find_record(bytes, at + 1);
      set_aside(base + at, std::string_view(bytes).substr(at, next - at));
      if (next == bytes.size()) return file_.truncate(end_);  // damage at the end needs no replacement
      at = next;
      continue;
    }
    if (!found.events.empty()) entries_.push_back({base + at, found.size});
    at += found.size;
    end_ = base + at;
  }
}

INNGEST_INLINE std::size_t outbox_file::find_record(std::string_view bytes, std::size_t from) {
  for (std::size_t at = from; at + record_header_size < bytes.size(); ++at) {
    if (number_of(bytes.substr(at, 4)) == 0) continue;  // no events: most often zeros
    if (parse(bytes.substr(at)).size > 0) return at;
  }
  return bytes.size();
}

INNGEST_INLINE void outbox_file::set_aside(std::size_t at, std::string_view bytes) {
  append_lines(damaged_path_, std::to_string(bytes.size()) + " bytes from byte " + std::to_string(at) +
                                  " on:\n" + std::string(bytes) + "\n");
  damaged_bytes_ += bytes.size();
  if (bytes.size() >= record_header_size)
    file_.write(at, record_of({}, std::string(bytes.size() - record_header_size, '\0')));
}

INNGEST_INLINE void outbox_file::clear() {
  file_.truncate((std::min)(file_.size(), header_size));
  file_.write(0, header_of(header_size));
  end_ = header_size;
}

}  // namespace inngest::inline INNGEST_ABI::detail
