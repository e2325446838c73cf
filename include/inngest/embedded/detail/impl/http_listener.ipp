#pragma once

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/http_listener.hpp>
#include <inngest/http/detail/status.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE address_list resolve_listener(const std::string& host, int port) {
  start_sockets();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int problem =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (problem != 0)
    throw configuration_error("the engine can't listen on \"" + host + "\": " + name_problem(problem));
  return address_list(found);
}

INNGEST_INLINE bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

INNGEST_INLINE bool is_loopback_only(const std::string& host) {
  const address_list all = resolve_listener(host, 0);
  for (const addrinfo* address = all.get(); address != nullptr; address = address->ai_next) {
    if (!is_loopback(address->ai_addr)) return false;
  }
  return true;
}

INNGEST_INLINE http_listener::http_listener(listener_options options)
    : options_(limited(std::move(options))) {
  listen();
  if (!wake_.open())
    throw configuration_error("the engine can't listen: the process has too many open files");
}

INNGEST_INLINE void http_listener::start(judge look, answerer answer, refuser refuse, body_opener open) {
  open_ = std::move(open);
  judge_ = std::move(look);
  answer_ = std::move(answer);
  refuse_ = std::move(refuse);
  loop_ = std::thread([this] { run(); });
}

INNGEST_INLINE http_listener::~http_listener() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    waiting_.clear();
  }
  work_.notify_all();
  wake_.wake();
  if (loop_.joinable()) loop_.join();
  for (std::thread& worker : workers_) worker.join();
}

INNGEST_INLINE std::size_t http_listener::within_file_limit(std::size_t connections) {
  const std::size_t half = open_file_limit() / 2;
  return half < connections ? (std::min)(connections, (std::max)(std::size_t{16}, half)) : connections;
}

INNGEST_INLINE listener_options http_listener::limited(listener_options options) {
  options.max_connections = within_file_limit(options.max_connections);
  return options;
}

INNGEST_INLINE void http_listener::listen() {
  const address_list all = resolve_listener(options_.host, options_.port);
  std::vector<const addrinfo*> addresses;
  for (const addrinfo* address = all.get(); address != nullptr; address = address->ai_next)
    addresses.push_back(address);
  // apps resolve "localhost" to 127.0.0.1
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const addrinfo* address) { return address->ai_family == AF_INET; });
  std::error_code problem;
  for (const addrinfo* address : addresses) {
    problem = listen_at(*address);
    // If the port is in use, do not try another address: two servers would share the port.
    if (!problem || is_address_in_use(problem)) break;
  }
  if (!problem) return;
  throw configuration_error("the engine can't listen on " + options_.host + ":" +
                            std::to_string(options_.port) + ": " + problem.message() +
                            (is_address_in_use(problem) ? "; is another server running there?" : ""));
}

INNGEST_INLINE std::error_code http_listener::listen_at(const addrinfo& address) {
  unique_socket socket(::socket(address.ai_family, address.ai_socktype, address.ai_protocol));
  if (!socket) return last_socket_error();
  set_nonblocking(socket.get());
  set_listener_options(socket.get());
  if (address.ai_family == AF_INET6) {
    set_socket_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
  if (::bind(socket.get(), address.ai_addr, static_cast<socklen_t>(address.ai_addrlen)) != 0)
    return last_socket_error();
  if (::listen(socket.get(), SOMAXCONN) != 0) return last_socket_error();
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return last_socket_error();
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                            : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  listener_ = std::move(socket);
  return {};
}

INNGEST_INLINE void http_listener::run() {
  while (true) {
    try {
      if (!serve_all()) return;
    } catch (const std::exception&) {  // out of memory
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

INNGEST_INLINE bool http_listener::serve_all() {
  if (is_stopping() && end_all_but_answers()) return false;
  std::vector<pollfd> polled{{wake_.socket(), POLLIN, 0}};
  std::vector<std::uint64_t> ids;
  const auto now = clock::now();
  const bool accepts = listener_ && now >= accepts_again_;
  polled.push_back({accepts ? listener_.get() : no_socket, POLLIN, 0});
  auto next = accepts || !listener_ ? now + std::chrono::hours(1) : accepts_again_;
  for (auto& [id, client] : connections_) {
    if (client.at == phase::streaming) next = (std::min)(next, stream(client));
    polled.push_back({client.socket.get(), events_of(client), 0});
    ids.push_back(id);
    if (client.at != phase::answering) next = (std::min)(next, client.deadline);
  }
  if (is_stopping()) next = (std::min)(next, stop_deadline_);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  poll_sockets(polled.data(), polled.size(), static_cast<int>(std::clamp<decltype(wait)>(wait, 0, 60'000)));
  if (polled[0].revents != 0) wake_.clear();
  take_answers();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (polled[i + 2].revents != 0) serve(ids[i], polled[i + 2].revents);
  }
  close_late_connections();
  if (polled[1].revents != 0) accept_all();
  return true;
}

INNGEST_INLINE short http_listener::events_of(const connection& client) {
  const bool reads = client.at != phase::answering && client.at != phase::writing;
  return static_cast<short>((reads ? POLLIN : 0) | (client.written < client.out.size() ? POLLOUT : 0));
}

INNGEST_INLINE http_listener::clock::time_point http_listener::stream(connection& client) const {
  const auto now = clock::now();
  if (client.open->is_too_slow()) return client.deadline = now;  // closes it
  if (client.written < client.out.size()) return client.deadline;
  const auto ends = client.since + options_.stream_timeout;
  std::optional<std::string> bytes = client.open->take();
  if (now >= ends) bytes.reset();
  if (!bytes) {
    client.out = "0\r\n\r\n";
    client.open = open_answer_end();
    enter(client, phase::writing, options_.body_timeout);
    return client.deadline;
  }
  if (bytes->empty() && now >= client.keeps_alive) *bytes = ":\n\n";
  if (bytes->empty()) {
    client.deadline = ends + options_.body_timeout;
    return (std::min)(ends, client.keeps_alive);
  }
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, bytes->size(), 16).ptr;
  client.out.assign(size, end).append("\r\n").append(*bytes).append("\r\n");
  client.written = 0;
  client.deadline = now + options_.body_timeout;
  client.keeps_alive = now + options_.keep_alive;
  return client.deadline;
}

INNGEST_INLINE bool http_listener::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

INNGEST_INLINE bool http_listener::end_all_but_answers() {
  if (listener_) {
    listener_ = unique_socket();
    stop_deadline_ = clock::now() + std::chrono::seconds(2);
  }
  bool any_at_work = false;
  {
    const std::lock_guard lock(mutex_);
    any_at_work = at_work_ > 0 || !done_.empty();
  }
  const bool late = clock::now() >= stop_deadline_;
  std::erase_if(connections_, [&](const auto& entry) {
    return late || (entry.second.at != phase::answering && entry.second.at != phase::writing) ||
           (entry.second.at == phase::answering && !any_at_work);
  });
  return connections_.empty();
}

INNGEST_INLINE void http_listener::accept_all() {
  for (int i = 0; i < 64; ++i) {  // then serves the open connections
    if (connections_.size() >= options_.max_connections && !drop_connection()) return pause_accepting();
    unique_socket socket(::accept(listener_.get(), nullptr, nullptr));
    if (!socket) {
      if (!is_out_of_sockets(last_socket_error())) return;
      if (!drop_connection()) return pause_accepting();
      continue;
    }
    set_nonblocking(socket.get());
    set_socket_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    refuse_signals(socket.get());
    connection& fresh = connections_[++last_id_];
    fresh.socket = std::move(socket);
    enter(fresh, phase::head, options_.header_timeout);
  }
}

INNGEST_INLINE bool http_listener::drop_connection() {
  const auto rank = [](const connection& client) {
    if (client.at == phase::answering || client.at == phase::writing || client.at == phase::streaming)
      return 3;
    if (!client.was_answered || client.at == phase::draining) return 0;
    return client.is_idle() ? 1 : 2;
  };
  const auto key = [&](const auto& entry) { return std::pair(rank(entry.second), entry.second.since); };
  const auto found = std::min_element(connections_.begin(), connections_.end(),
                                      [&](const auto& a, const auto& b) { return key(a) < key(b); });
  if (found == connections_.end() || rank(found->second) == 3) return false;
  connections_.erase(found);
  return true;
}

INNGEST_INLINE void http_listener::close_late_connections() {
  const auto now = clock::now();
  std::vector<std::uint64_t> late;
  for (const auto& [id, client] : connections_) {
    if (client.at != phase::answering && now >= client.deadline) late.push_back(id);
  }
  for (const std::uint64_t id : late) {
    connection& client = connections_.at(id);
    const bool is_answered = (client.at == phase::head && !client.in.empty()) || client.at == phase::body;
    if (!is_answered || !refuse(client, 408, "the request took too long to arrive")) connections_.erase(id);
  }
}

INNGEST_INLINE void http_listener::enter(connection& client, phase next, std::chrono::milliseconds limit) {
  client.at = next;
  client.since = clock::now();
  client.deadline = client.since + limit;
}

INNGEST_INLINE void http_listener::extend(connection& client, std::size_t moved) const {
  client.deadline = client.since + options_.body_timeout + std::chrono::milliseconds(moved / 64);
}

INNGEST_INLINE void http_listener::serve(std::uint64_t id, short events) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  connection& client = found->second;
  bool goes_on = true;
  try {
    if ((events & POLLOUT) != 0) goes_on = write(id, client);
    if (goes_on && (events & (POLLIN | POLLHUP | POLLERR)) != 0) goes_on = read(id, client);
  } catch (const std::exception&) {  // out of memory: this connection needs too much
    goes_on = false;
  }
  if (!goes_on) connections_.erase(id);
}

INNGEST_INLINE bool http_listener::read(std::uint64_t id, connection& client) {
  char buffer[64 * 1024];
  // events in these phases mean that the client has closed the connection
  if (client.at == phase::answering || client.at == phase::writing) return false;
  const auto size = receive_some(client.socket.get(), buffer, sizeof buffer);
  if (size < 0) return may_succeed_later(last_socket_error());
  if (size == 0) return false;
  if (client.at == phase::draining || client.at == phase::streaming) {
    client.drained += static_cast<std::size_t>(size);
    return client.drained < 4 * 1024 * 1024;
  }
  if (client.is_idle()) enter(client, phase::head, options_.header_timeout);
  client.in.append(buffer, static_cast<std::size_t>(size));
  return advance(id, client);
}

INNGEST_INLINE bool http_listener::advance(std::uint64_t id, connection& client) {
  try {
    if (client.at == phase::head && !read_head(client)) return true;
    if (client.at == phase::body && read_body(client)) return dispatch(id, client);
    return true;
  } catch (const malformed_request& problem) {
    return refuse(client, problem.status, problem.what());
  }
}

INNGEST_INLINE bool http_listener::read_head(connection& client) {
  if (client.searched == 0) {  // empty lines before a request are allowed
    const std::size_t first = client.in.find_first_not_of("\r\n");
    client.in.erase(0, (std::min)(first, client.in.size()));
  }
  const std::size_t end = client.in.find("\r\n\r\n", client.searched);
  if ((std::min)(end, client.in.size()) > options_.max_header_size)
    throw malformed_request(
        431, "the headers are larger than " + std::to_string(options_.max_header_size) + " bytes");
  if (end == std::string::npos) {
    client.searched = client.in.size() < 3 ? 0 : client.in.size() - 3;
    return false;
  }
  client.head = request_head_parser::parse(std::string_view(client.in).substr(0, end));
  client.in.erase(0, end + 4);
  client.searched = 0;
  if (auto refusal = judge_(client.head.request)) {
    const bool closes = client.head.has_body() || !client.head.keeps_alive;
    write_answer(client, std::move(*refusal), closes);
    return false;
  }
  opened_body opened = open_ ? open_(client.head.request) : opened_body();
  if (opened.refusal) {
    write_answer(client, std::move(*opened.refusal), client.head.has_body() || !client.head.keeps_alive);
    return false;
  }
  client.sink = std::move(opened.sink);
  client.body = body_reader(client.head.is_chunked, client.head.content_length, options_.max_body_size);
  enter(client, phase::body, client.sink ? options_.stream_timeout : options_.body_timeout);
  if (client.head.expects_continue && client.head.has_body() && client.in.empty()) {
    client.out += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  return true;
}

INNGEST_INLINE bool http_listener::read_body(connection& client) {
  std::string& body = client.head.request.body;
  client.in.erase(0, client.body.read(client.in, body));
  if (client.sink) {
    if (!body.empty()) client.sink->take(body);
    body.clear();
    return client.body.is_done();
  }
  extend(client, body.size());
  if (client.body.is_done()) return true;
  if (body.size() > 64 * 1024) limit_incomplete(client);
  return false;
}

INNGEST_INLINE void http_listener::limit_incomplete(const connection& current) {
  std::size_t sum = 0;
  auto largest = connections_.end();
  for (auto entry = connections_.begin(); entry != connections_.end(); ++entry) {
    sum += entry->second.incomplete();
    if (largest == connections_.end() || entry->second.incomplete() > largest->second.incomplete())
      largest = entry;
  }
  if (sum <= options_.max_buffered) return;
  if (&largest->second == &current)
    throw malformed_request(503, "too many large requests are under way: try again later");
  connections_.erase(largest);
}

INNGEST_INLINE bool http_listener::dispatch(std::uint64_t id, connection& client) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t size = client.head.request.body.size();
    const bool fits = held_ == 0 || size <= options_.max_buffered - (std::min)(held_, options_.max_buffered);
    if (fits && waiting_.size() < options_.max_waiting && has_worker()) {
      held_ += size;
      waiting_.push_back({id, std::move(client.head.request), std::move(client.sink)});
      client.head.request = {.method = waiting_.back().request.method, .url = {}};
      enter(client, phase::answering, {});
    }
  }
  if (client.at != phase::answering)
    return refuse(client, 503, "too many requests are under way: try again later");
  work_.notify_one();
  return true;
}

INNGEST_INLINE bool http_listener::refuse(connection& client, int status, const std::string& problem) {
  write_answer(client, refuse_(status, problem), true);
  return true;
}

INNGEST_INLINE void http_listener::write_answer(connection& client, http::response answer, bool closes) {
  client.closes = closes;
  std::string head =
      "HTTP/1.1 " + std::to_string(answer.status) + " " + std::string(reason_phrase(answer.status)) + "\r\n";
  for (const auto& [name, value] : answer.headers)
    head += on_one_line(name) + ": " + on_one_line(value) + "\r\n";
  if (answer.status == 503 || answer.status == 429) head += "Retry-After: 1\r\n";
  if (answer.status != 204) head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  head += closes ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  client.out.erase(0, std::exchange(client.written, 0));
  client.out += head;
  if (client.head.request.method != "HEAD" && answer.status != 204) client.out += answer.body;
  client.head = {};
  enter(client, phase::writing, options_.body_timeout);
}

INNGEST_INLINE void http_listener::begin_stream(connection& client, listener_answer answer) const {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (const auto& [name, value] : answer.response.headers)
    head += on_one_line(name) + ": " + on_one_line(value) + "\r\n";
  client.out.erase(0, std::exchange(client.written, 0));
  client.out += head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  client.closes = true;
  client.open = std::move(answer.open);
  client.head = {};
  enter(client, phase::streaming, options_.body_timeout);
  client.keeps_alive = client.since;  // so that the client soon receives something
}

INNGEST_INLINE bool http_listener::write(std::uint64_t id, connection& client) {
  const auto size =
      send_some(client.socket.get(), client.out.data() + client.written, client.out.size() - client.written);
  if (size < 0) return may_succeed_later(last_socket_error());
  client.written += static_cast<std::size_t>(size);
  if (client.at == phase::writing) extend(client, client.written);
  if (client.at == phase::streaming) client.deadline = clock::now() + options_.body_timeout;
  if (client.written < client.out.size()) return true;
  client.out.clear();
  client.written = 0;
  return client.at != phase::writing || end_answer(id, client);
}

INNGEST_INLINE bool http_listener::end_answer(std::uint64_t id, connection& client) {
  client.was_answered = true;
  if (client.closes) {  // closing with unread bytes could discard the answer
    ::shutdown(client.socket.get(), stop_sending);
    enter(client, phase::draining, std::chrono::seconds(2));
    return true;
  }
  enter(client, phase::head, client.in.empty() ? options_.idle_timeout : options_.header_timeout);
  return client.in.empty() || advance(id, client);
}

INNGEST_INLINE void http_listener::take_answers() {
  std::vector<std::pair<std::uint64_t, listener_answer>> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (auto& [id, answer] : done) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;  // the client has disconnected
    connection& client = found->second;
    try {
      if (answer.open)
        begin_stream(client, std::move(answer));
      else
        write_answer(client, std::move(answer.response), !client.head.keeps_alive);
      if (!write(id, client)) connections_.erase(id);
    } catch (const std::exception&) {  // out of memory
      connections_.erase(id);
    }
  }
}

INNGEST_INLINE bool http_listener::has_worker() {
  if (waiting_.size() < idle_workers_ || workers_.size() >= options_.workers) return true;
  try {
    workers_.emplace_back([this] { answer_requests(); });
  } catch (const std::system_error&) {  // no more threads
  }
  return !workers_.empty();
}

INNGEST_INLINE listener_answer http_listener::answer_to(work& next) {
  try {
    listener_answer out = next.sink ? next.sink->end() : answer_(std::move(next.request));
    next.sink.reset();
    return out;
  } catch (...) {  // out of memory: this thread must go on for other requests
    return http::response{.status = 500};
  }
}

INNGEST_INLINE void http_listener::answer_requests() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_workers_;
    work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    --idle_workers_;
    if (stopping_) return;
    work next = std::move(waiting_.front());
    waiting_.pop_front();
    ++at_work_;
    const std::size_t size = next.request.body.size();
    lock.unlock();
    listener_answer answer = answer_to(next);
    lock.lock();
    --at_work_;
    held_ -= size;
    done_.emplace_back(next.id, std::move(answer));
    wake_.wake();
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
