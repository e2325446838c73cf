#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/codec.hpp>
#include <inngest/connect/detail/worker_body.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/http/detail/status.hpp>
#include <inngest/protocol/api.hpp>
#include <inngest/protocol/headers.hpp>

// The threads of a worker's connections, and its HTTP requests. Included by worker_body.hpp.

namespace inngest::inline INNGEST_ABI::connect::detail {

inline http::request protobuf_request(const char* path, std::string body) {
  http::request out{.method = "POST", .url = path, .body = std::move(body)};
  out.headers.add(protocol::header::content_type, "application/protobuf");
  return out;
}

inline start_response worker_body::ask_for_gateway(const std::vector<std::string>& excluded,
                                                   dial_failure& why) const {
  why.what = dial_failure::kind::no_gateway;
  const http::response answer =
      client().call_api(protobuf_request("/v0/connect/start", encode(start_request{excluded})));
  if (answer.status < 200 || answer.status > 299) {
    if (answer.status == 401 || answer.status == 403) why.what = dial_failure::kind::unauthorized;
    if (answer.status == 429) why.what = dial_failure::kind::limit;
    const std::string& url = client().settings().api_base_url();
    if (why.what == dial_failure::kind::unauthorized)
      throw unauthorized("the server at " + url + " refused the signing key: " + protocol::refusal(answer));
    throw request_rejected("the server at " + url + " names no gateway: " + protocol::refusal(answer),
                           answer.status);
  }
  auto out = decode<start_response>(answer.body);
  why.what = dial_failure::kind::no_connection;
  why.group = out.gateway_group;
  return out;
}

inline std::unique_ptr<websocket> worker_body::open_socket(const start_response& with) const {
  const std::string& url = options_.gateway_url.empty() ? with.gateway_endpoint : options_.gateway_url;
  if (!is_websocket_url(url))
    throw protocol_error("the server named a gateway without a valid ws or wss URL: \"" +
                         inngest::detail::shown_url(url) + "\"");
  return options_.connector(websocket_request{
      .url = url, .subprotocol = gateway_subprotocol, .max_message_size = max_message_size});
}

/// Runs one connection from start to end, on its own thread.
inline void worker_body::run_connection(connection_number number, const std::vector<std::string>& excluded,
                                        const std::shared_ptr<link>& over) {
  dial_failure why{};
  try {
    const start_response with = ask_for_gateway(excluded, why);
    if (over->open(open_socket(with))) {
      update_session([&](session& of, session::time now) { of.opened(number, with, now); });
      if (!io_.post([this, number, over] { send_all(number, *over); }))
        throw unreachable("the system has no thread for a connection");
      return receive_all(number, *over);
    }
    why.message = "it is no longer needed";
  } catch (const std::exception& problem) {
    why.message = problem.what();
  } catch (...) {
    why.message = "the WebSocket library threw something that is not a std::exception";
  }
  update_session([&](session& of, session::time now) { of.dial_failed(number, why, now); });
}

inline void worker_body::receive_all(connection_number number, link& over) {
  std::string why;
  try {
    for (;;) {
      const std::string frame = over.socket().receive();
      update_session([&](session& of, session::time now) { of.received(number, frame, now); });
    }
  } catch (const websocket_closed& ended) {
    why = ended.what();
    if (!ended.reason().empty())
      why += " (" + std::to_string(ended.close_code()) + " " + ended.reason() + ")";
  } catch (const std::exception& problem) {
    why = problem.what();
  } catch (...) {
    why = "the WebSocket library threw something that is not a std::exception";
  }
  over.end();
  update_session([&](session& of, session::time now) { of.lost(number, why, now); });
}

inline void worker_body::send_all(connection_number number, link& over) {
  send_frames(number, over);
  update_session([&](session& of, session::time) { of.sending_ended(number); });
}

inline void worker_body::send_frames(connection_number number, link& over) {
  while (auto item = over.next()) {
    if (item->close_code) {
      over.socket().close(*item->close_code, item->close_reason);
      return over.abort();
    }
    std::string why;
    try {
      over.socket().send(std::move(item->bytes));
      if (item->acknowledged.empty()) continue;
      update_session([&](session& of, session::time now) { of.acknowledged(item->acknowledged, now); });
      continue;
    } catch (const std::exception& problem) {
      why = problem.what();
    } catch (...) {
      why = "the WebSocket library threw something that is not a std::exception";
    }
    update_session([&](session& of, session::time now) { of.lost(number, why, now); });
    return over.abort();
  }
}

// ---- replies over HTTP ----------------------------------------------------------------------------------

inline void worker_body::flush_one(const flush_reply& what) {
  using result = session::flush_result;
  result ended = result::failed;
  std::string problem;
  try {
    const http::response answer = client().call_api(protobuf_request("/v0/connect/flush", what.bytes));
    const int status = answer.status;
    if (status >= 200 && status < 300)
      ended = result::done;
    else if (status >= 400 && status != 401 && status != 403 && !inngest::detail::may_pass(status))
      ended = result::refused;
    if (ended != result::done) problem = protocol::refusal(answer);
  } catch (const std::exception& failed) {
    problem = failed.what();
  } catch (...) {
    problem = "the transport threw something that is not a std::exception";
  }
  update_session([&](session& of, session::time now) { of.flushed(what.request_id, ended, problem, now); });
}

inline void worker_body::flush_some() {
  for (;;) {
    flush_reply next;
    {
      const std::lock_guard lock(mutex_);
      if (unflushed_.empty()) {
        --flushes_;
        return changed_.notify_all();
      }
      next = std::move(unflushed_.front());
      unflushed_.pop_front();
    }
    flush_one(next);
  }
}

}  // namespace inngest::inline INNGEST_ABI::connect::detail
