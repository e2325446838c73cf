#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/outbox.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE outbox::outbox(const std::filesystem::path& file, outbox_options options)
    : options_(std::move(options)),
      path_(std::filesystem::absolute(file)),
      rejected_path_(path_.string() + ".rejected"),
      file_(path_) {
  if (file_.lost_its_header())
    report("was damaged at its beginning: its events are sent, perhaps some of them twice");
  report_damage(file_.damaged_bytes());
}

INNGEST_INLINE void outbox::keep(const std::string& events, const std::string& seed) {
  const std::lock_guard lock(mutex_);
  check_process();
  if (events.empty()) throw configuration_error("the list of events for the outbox is empty");
  if (file_.end_with(events, seed) > options_.max_size) {
    throw too_large("the outbox \"" + path_.string() + "\" is full: it has " + std::to_string(file_.end()) +
                    " bytes of at most " + std::to_string(options_.max_size));
  }
  file_.append(events, seed);
}

INNGEST_INLINE bool outbox::empty() const {
  const std::lock_guard lock(mutex_);
  return file_.empty();
}

INNGEST_INLINE std::size_t outbox::size() const {
  const std::lock_guard lock(mutex_);
  return file_.count();
}

INNGEST_INLINE void outbox::flush(const sender& send) {
  std::unique_lock lock(mutex_);
  check_process();
  idle_.wait(lock, [&] { return !sending_; });
  send_all(lock, send);
}

INNGEST_INLINE bool outbox::try_flush(const sender& send) {
  std::unique_lock lock(mutex_);
  check_process();
  if (sending_) return false;
  send_all(lock, send);
  return true;
}

INNGEST_INLINE std::vector<rejected_events> outbox::rejected() const {
  std::vector<rejected_events> out;
  std::ifstream file(rejected_path_, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    if (auto read = read_rejected(line)) out.push_back(std::move(*read));
  }
  return out;
}

INNGEST_INLINE std::size_t outbox::damaged_bytes() const {
  const std::lock_guard lock(mutex_);
  return file_.damaged_bytes();
}

INNGEST_INLINE outbox::sending_scope::~sending_scope() {
  if (!lock_.owns_lock()) lock_.lock();
  box_.sending_ = false;
  box_.idle_.notify_all();
}

INNGEST_INLINE void outbox::send_all(std::unique_lock<std::mutex>& lock, const sender& send) {
  const sending_scope until_return(*this, lock);
  while (!file_.empty()) {
    const std::size_t damaged = file_.damaged_bytes();
    const auto next = file_.front();
    const std::size_t now_damaged = file_.damaged_bytes() - damaged;
    lock.unlock();  // other threads can add events in the meantime
    report_damage(now_damaged);
    const auto refusal = next ? refusal_of(send, next->events, next->seed) : std::nullopt;
    if (refusal) set_aside(*next, *refusal);
    lock.lock();
    if (next) forget_first(lock);
  }
}

INNGEST_INLINE std::optional<std::string> outbox::refusal_of(const sender& send, const std::string& events,
                                                             const std::string& seed) {
  try {
    send(events, seed);
    return std::nullopt;
  } catch (const event_rejected& rejected) {
    return rejected.what();
  }
}

INNGEST_INLINE void outbox::forget_first(std::unique_lock<std::mutex>& lock) {
  try {
    file_.drop_front();
  } catch (const configuration_error& problem) {
    lock.unlock();
    report(std::string("cannot record that events were sent: ") + problem.what() +
           ". The next process sends them again, with the same seed");
    lock.lock();
  }
}

INNGEST_INLINE void outbox::set_aside(const detail::outbox_file::record& refused,
                                      const std::string& reason) const {
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

INNGEST_INLINE bool outbox::is_json_line(const std::string& text) {
  try {
    static_cast<void>(decode<json>(text));
    return text.find('\n') == std::string::npos;
  } catch (const payload_error&) {
    return false;
  }
}

INNGEST_INLINE std::optional<rejected_events> outbox::read_rejected(const std::string& line) {
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
  } catch (const payload_error&) {  // truncated by a crash: the outbox still has the list
    return std::nullopt;
  }
}

INNGEST_INLINE void outbox::check_process() const {
  if (detail::process_id() == process_) return;
  throw configuration_error("the outbox \"" + path_.string() +
                            "\" was opened before fork(): open a separate outbox in the child");
}

INNGEST_INLINE void outbox::report_damage(std::size_t bytes) const {
  if (bytes == 0) return;
  report("has " + std::to_string(bytes) +
         " unreadable bytes, from an interrupted write or from damage: they are in \"" +
         file_.damaged_path().string() + "\"");
}

INNGEST_INLINE void outbox::report(const std::string& what) const {
  options_.log.error("the outbox \"" + path_.string() + "\" " + what);
}

}  // namespace inngest::inline INNGEST_ABI
