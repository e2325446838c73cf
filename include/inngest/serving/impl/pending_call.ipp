#pragma once

#include <exception>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/pending_call.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE pending_call::~pending_call() {
  if (!reply_) return;
  try {
    finish(message_answer(*app_, 500, "the call ended without an answer"));
  } catch (...) {  // out of memory: the reply tries again
  }
}

INNGEST_INLINE bool pending_call::enter_registry() {
  registered_ = std::make_shared<registered_call>(app_->calls, stop_);
  return !registered_->is_refused();
}

INNGEST_INLINE void pending_call::wait_with(const std::shared_ptr<pending_call>& call, http::reply reply,
                                            bool streamed) {
  if (call->registered_) {
    // The registry is a member of the app.
    struct registration {
      std::shared_ptr<const served_app> app;
      std::shared_ptr<registered_call> call;
    };
    reply.hold(std::make_shared<registration>(registration{call->app_, std::move(call->registered_)}));
  }
  const std::lock_guard lock(call->mutex_);
  call->heartbeat_.emplace(call->app_->beats, [weak = std::weak_ptr(call)] {
    if (const auto pending = weak.lock()) pending->beat();
  });
  call->reply_ = std::move(reply);
  call->is_streamed_ = streamed;
}

INNGEST_INLINE void pending_call::begin_reply() {
  if (std::exchange(has_begun_, true)) return;
  reply_->begin(json_answer(*app_, 201, {}));
}

INNGEST_INLINE void pending_call::begin() {
  const std::lock_guard lock(mutex_);
  if (reply_ && is_streamed_) begin_reply();
}

INNGEST_INLINE void pending_call::run() {
  {
    const std::lock_guard lock(mutex_);
    if (!reply_) return;
  }
  // A call that waits while the app stops still runs, up to its next step.
  if (stop_.is_requested() && !stop_.is_shutdown())
    return refuse(busy_answer(*app_, "the client has disconnected"));
  finish(answer_(stop_));
}

INNGEST_INLINE void pending_call::refuse(http::response answer) {
  {
    const std::lock_guard lock(mutex_);
    is_streamed_ = is_streamed_ && has_begun_;
  }
  finish(std::move(answer));
}

INNGEST_INLINE void pending_call::send(http::response answer) {
  complete_answer(answer, caller_);
  if (!is_streamed_) return reply_->send(std::move(answer));
  begin_reply();
  reply_->write(streamed_text(answer));
  reply_->end();
}

INNGEST_INLINE void pending_call::finish(http::response answer) {
  const std::lock_guard lock(mutex_);
  if (!reply_) return;
  try {
    send(std::move(answer));
  } catch (const std::exception& problem) {
    app_->client.log().error(std::string("serve: the answer could not be sent: ") + problem.what());
  } catch (...) {
    app_->client.log().error("serve: the answer could not be sent");
  }
  heartbeat_.reset();
  reply_.reset();
}

INNGEST_INLINE void pending_call::beat() {
  {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || !reply_ || !heartbeat_) return;  // without the lock: the answer is being sent
    try {
      if (has_begun_ ? reply_->write(" ") : reply_->is_open()) return;
    } catch (...) {  // the framework could not write: the client has disconnected
    }
    heartbeat_.reset();
  }
  // A body that ignores the stop request runs to its end. Callbacks of its token may take long.
  if (!app_->stops.post([stop = stop_] { stop.request(); })) stop_.request();
}

INNGEST_INLINE std::string streamed_text(const http::response& answer) {
  detail::json_object_text headers;
  for (const auto& [name, value] : answer.headers) headers.add(name, value);
  detail::json_object_text text;
  text.add("status", answer.status).add_raw("headers", headers.text());
  return text.add("body", answer.body).add("version", 2).text();
}

/// Writes to the body of an answer whose head the framework has already sent.
class body_exchange final : public http::exchange {
 public:
  explicit body_exchange(const http::chunk_writer& write) : write_(write) {}
  void send(http::response answer) override { write_(answer.body); }
  void begin(http::response) override {}
  bool write(std::string piece) override { return !is_closed_ && !(is_closed_ = !write_(piece)); }
  void end() override {}
  bool is_open() const override { return !is_closed_; }

 private:
  const http::chunk_writer& write_;
  bool is_closed_ = false;
};

INNGEST_INLINE http::response streamed_on_this_thread(const std::shared_ptr<pending_call>& call,
                                                      const served_app& app) {
  http::response out = json_answer(app, 201, {});
  out.stream = [call](const http::chunk_writer& write) {
    pending_call::wait_with(call, http::reply(std::make_shared<body_exchange>(write)), true);
    call->begin();
    call->run();
  };
  return out;
}

INNGEST_INLINE bool is_posted(const served_app& app, const std::shared_ptr<pending_call>& call) {
  try {
    return app.executor->post([call] { call->run(); });
  } catch (const std::exception& problem) {
    app.client.log().error(std::string("serve: the executor failed: ") + problem.what());
  } catch (...) {
    app.client.log().error("serve: the executor failed");
  }
  return false;
}

INNGEST_INLINE void post(const std::shared_ptr<pending_call>& call, const served_app& app, http::reply reply,
                         bool streamed) {
  pending_call::wait_with(call, std::move(reply), streamed);
  if (is_posted(app, call)) {
    if (streamed) call->begin();  // never waits behind an answer that a function of the user writes
    return;
  }
  call->refuse(busy_answer(app, "all threads of the app are busy"));
}

}  // namespace inngest::inline INNGEST_ABI::serving
