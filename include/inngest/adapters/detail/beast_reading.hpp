#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include <inngest/adapters/detail/beast_session.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

// The part of a beast_session that is about requests.

namespace inngest::inline INNGEST_ABI::detail {

/// Reads the next request, or watches for the client to disconnect.
inline void beast_session::read() {
  const auto self = weak_from_this().lock();
  if (!self) return;  // the session is being destroyed
  is_reading_ = true;
  constexpr std::size_t at_once = 8 * 1024;  // a header, or a chunk of a body
  socket_.async_read_some(
      reads_body() ? parser_->next_part() : buffer_.prepare(at_once),
      [self](boost::system::error_code error, std::size_t size) { self->on_read(error, size); });
}

inline bool beast_session::reads_body() const { return parser_ && parser_->reads_directly(); }

inline void beast_session::on_read(boost::system::error_code error, std::size_t size) {
  garbage done;
  {
    const std::lock_guard lock(link_->mutex);
    is_reading_ = false;
    if (!link_->session) return;
    if (error && current_) {  // the client has only closed its sending side and still gets the answer
      link_->is_open = false;
      keeps_alive_ = false;
      return stay();
    }
    if (error) {
      done = close();
      return;
    }
    reads_body() ? parser_->received(size) : buffer_.commit(size);
    if (current_) return stay();  // the next request waits until this one is answered
    if (is_lingering_) {
      buffer_.consume(size);
      return read();
    }
    is_serving_ = true;
  }
  serve_requests();
}

/// Continues after another thread has answered.
inline void beast_session::go_on() {
  {
    const std::lock_guard lock(link_->mutex);
    if (!link_->session || current_ || is_reading_ || is_serving_) return;
    if (is_lingering_) {
      buffer_.clear();
      return read();
    }
    is_serving_ = true;
  }
  serve_requests();
}

/// Serves the requests that were read, until one of them has to wait for its answer.
inline void beast_session::serve_requests() {
  try {
    do {
      const parsed result = parse();
      if (result == parsed::not_all) {
        const std::lock_guard lock(link_->mutex);
        is_serving_ = false;
        if (link_->session) read();
        return;
      }
      result == parsed::request ? answer_request() : refuse_request();
    } while (is_answered());
  } catch (...) {  // out of memory for the request
    garbage done;
    const std::lock_guard lock(link_->mutex);
    is_serving_ = false;
    done = close();
  }
}

inline beast_session::parsed beast_session::parse() {
  const bool begins = !parser_ && buffer_.size() > 0;
  if (begins) parser_.emplace(*routes_, options_->max_header_size);
  problem_ = {};
  while (buffer_.size() > 0 && !parser_->is_complete() && !problem_) {
    buffer_.consume(parser_->put(buffer_.data(), problem_));
  }
  // The parser leaves only a line that is not complete, and has no limit for lines around chunks.
  const bool is_incomplete = !problem_ || problem_ == boost::beast::http::error::need_more;
  if (is_incomplete && parser_ && !parser_->is_complete() && buffer_.size() > options_->max_header_size)
    problem_ = boost::beast::http::error::header_limit;
  if (problem_ && problem_ != boost::beast::http::error::need_more) return parsed::garbage;
  if (parser_ && parser_->is_complete()) return parsed::request;
  const bool has_header = parser_ && parser_->is_header_done();
  if (begins || has_header) {
    const std::lock_guard lock(link_->mutex);
    deadline_ = clock::now() + options_->timeout;
  }
  if (has_header && parser_->asks_to_continue()) send_continue();
  if (reads_body()) parser_->make_room();
  return parsed::not_all;
}

inline void beast_session::send_continue() {
  garbage done;
  const std::lock_guard lock(link_->mutex);
  if (!link_->session) return;
  out_.emplace_back("HTTP/1.1 100 Continue\r\n\r\n");
  done = flush();
}

inline void beast_session::answer_request() {
  const auto exchange = std::make_shared<beast_exchange>(link_);
  http::reply reply(exchange);
  {
    const std::lock_guard lock(link_->mutex);
    current_ = exchange;
    deadline_ = never;
    is_old_ = parser_->is_old();
    keeps_alive_ = parser_->keep_alive();
    is_head_ = parser_->request().method == "HEAD";
  }
  const handler* const route = parser_->route();
  http::request request = std::move(parser_->request());
  parser_.reset();
  if (route) return (*route)(std::move(request), std::move(reply));
  reply.send(serving::bare_answer(404, "not found"));
}

inline void beast_session::refuse_request() {
  namespace beast_http = boost::beast::http;
  const auto exchange = std::make_shared<beast_exchange>(link_);
  http::reply reply(exchange);
  {
    const std::lock_guard lock(link_->mutex);
    current_ = exchange;
    keeps_alive_ = false;
    is_old_ = parser_->is_old();
    is_head_ = false;  // the one before may have been one
  }
  parser_.reset();
  buffer_.clear();
  if (problem_ == beast_http::error::body_limit)
    return reply.send(serving::bare_answer(413, "the body is too large"));
  if (problem_ == beast_http::error::header_limit)
    return reply.send(serving::bare_answer(431, "the header fields are too large"));
  reply.send(serving::bare_answer(400, "not a request of HTTP/1"));
}

/// Whether this thread can serve the next request immediately. If not, starts to read if possible.
inline bool beast_session::is_answered() {
  const std::lock_guard lock(link_->mutex);
  if (link_->session && !current_ && !is_lingering_) return true;
  is_serving_ = false;
  if (!link_->session) return false;
  if (is_lingering_) buffer_.clear();
  buffer_.size() == 0 ? read() : stay();
  return false;
}

/// Keeps the session alive until the answer is written, without reading, because the next request has already
/// been read or the client sends no more.
inline void beast_session::stay() { self_ = weak_from_this().lock(); }

}  // namespace inngest::inline INNGEST_ABI::detail
