#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include <inngest/adapters/detail/beast_session.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>

// The part of a beast_session that handles answers.

namespace inngest::inline INNGEST_ABI::detail {

inline void beast_exchange::send(http::response answer) {
  beast_session::garbage done;  // outlives the lock
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->send(std::move(answer));
}

inline void beast_exchange::begin(http::response head) {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->begin(std::move(head));
}

inline bool beast_exchange::write(std::string piece) {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->write(std::move(piece));
  return link_->is_open;
}

inline void beast_exchange::end() {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->end();
}

inline void beast_exchange::abort() {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->abort();
}

inline bool beast_session::has_body(const http::response& answer) const {
  return !is_head_ && answer.status != 204 && answer.status != 304;
}

inline std::string beast_session::head_of(const http::response& answer, bool is_whole) const {
  const auto status = static_cast<boost::beast::http::status>(answer.status);
  const auto reason = boost::beast::http::obsolete_reason(status);
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ");
  out.append(reason.data(), reason.size()).append("\r\n");
  for (const auto& [name, value] : answer.headers) {
    const auto ends_line = [](const std::string& text) { return text.find_first_of("\r\n") != text.npos; };
    if (ends_line(name) || ends_line(value)) continue;  // it would end the field
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (is_whole && has_body(answer)) {
    out.append("content-length: ").append(std::to_string(answer.body.size())).append("\r\n");
  } else if (!is_whole && !is_old_) {
    out.append("transfer-encoding: chunked\r\n");
  }
  if (!keeps_alive_) out.append("connection: close\r\n");
  if (keeps_alive_ && is_old_) out.append("connection: keep-alive\r\n");
  return out.append("\r\n");
}

inline beast_session::garbage beast_session::send(http::response answer) {
  out_.push_back(head_of(answer, true));
  if (has_body(answer) && !answer.body.empty()) out_.push_back(std::move(answer.body));
  is_ended_ = true;
  return flush();
}

inline beast_session::garbage beast_session::begin(http::response head) {
  if (is_old_) keeps_alive_ = false;  // closing the connection marks the end of the answer
  out_.push_back(head_of(head, false));
  return flush();
}

inline beast_session::garbage beast_session::write(std::string piece) {
  if (piece.empty() || is_head_) return {};
  if (is_old_) {
    out_.push_back(std::move(piece));
    return flush();
  }
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  out_.emplace_back(size, static_cast<std::size_t>(length));
  out_.push_back(std::move(piece));
  out_.emplace_back("\r\n");
  return flush();
}

inline beast_session::garbage beast_session::end() {
  if (!is_old_ && !is_head_) out_.emplace_back("0\r\n\r\n");
  is_ended_ = true;
  return flush();
}

inline beast_session::garbage beast_session::abort() {
  keeps_alive_ = false;
  is_ended_ = true;
  return flush();
}

/// Writes what the socket accepts now, and the rest when it accepts more.
inline beast_session::garbage beast_session::flush() {
  if (is_writing_) return {};
  while (!out_.empty()) {
    std::array<boost::asio::const_buffer, 4> pieces;
    for (std::size_t i = 0; i < (std::min)(out_.size(), pieces.size()); ++i)
      pieces[i] = boost::asio::buffer(out_[i]);
    pieces[0] += sent_;
    boost::system::error_code error;
    sent_ += socket_.write_some(pieces, error);
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) {
      await_writable();
      return {};
    }
    if (error) return close();
    std::size_t done = 0;
    while (done < out_.size() && sent_ >= out_[done].size()) sent_ -= out_[done++].size();
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  return is_ended_ ? finish() : nullptr;
}

inline void beast_session::await_writable() {
  const auto self = weak_from_this().lock();
  if (!self) return;
  is_writing_ = true;
  deadline_ = clock::now() + options_->timeout;
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_write, [self](boost::system::error_code error) {
    garbage done;
    const std::lock_guard lock(self->link_->mutex);
    self->is_writing_ = false;
    if (!self->link_->session) return;
    if (self->current_) self->deadline_ = never;
    done = error ? self->close() : self->flush();
  });
}

/// Completes an answer that has been written.
inline beast_session::garbage beast_session::finish() {
  garbage done = std::exchange(current_, nullptr);
  is_ended_ = false;
  deadline_ = clock::now() + options_->idle_timeout;
  if (!keeps_alive_) linger();
  if (self_) go_on_later();  // otherwise it is reading, or a thread is serving requests
  return done;
}

/// Waits until the client closes. Closing a connection with unread data may discard the answer.
inline void beast_session::linger() {
  constexpr auto longest = std::chrono::seconds(5);
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  is_lingering_ = true;
  deadline_ = clock::now() + longest;
}

}  // namespace inngest::inline INNGEST_ABI::detail
