#pragma once

#include <exception>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/middleware/detail/server_span_id.hpp>
#include <inngest/middleware/tracing.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<trace_parent> read_traceparent(std::string_view text) {
  const auto is_hex = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(),
                       [](char c) { return hex_digit(c) >= 0 && !is_upper_case(c); });
  };
  const auto is_zero = [](std::string_view part) { return part.find_first_not_of('0') == part.npos; };
  constexpr std::size_t size = 55;  // of version 00; a later one may have more, after a dash
  if (text.size() < size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const std::string_view version = text.substr(0, 2), trace = text.substr(3, 32),
                         parent = text.substr(36, 16), flags = text.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return std::nullopt;
  if (text.size() > size && (version == "00" || text[size] != '-')) return std::nullopt;
  return trace_parent{std::string(trace), std::string(parent), (hex_digit(flags[1]) & 1) != 0};
}

INNGEST_INLINE std::string traceparent_of(const span& of) {
  return "00-" + of.trace_id + "-" + of.span_id + (of.sampled ? "-01" : "-00");
}

INNGEST_INLINE tracing_middleware::tracing_middleware(span_sink sink) {
  if (!sink) throw configuration_error("tracing: the sink must not be empty");
  sink_ = std::make_shared<const span_sink>(std::move(sink));
}

INNGEST_INLINE std::string tracing_middleware::open_traceparent(const call_info&) {
  const spans* open = call_state<spans>::find(this);
  if (open == nullptr) return {};
  return open->user != nullptr ? open->user->traceparent() : traceparent_of(open->innermost());
}

INNGEST_INLINE http::response tracing_middleware::wrap_request(const http::request& request,
                                                               next_call<http::response> next) {
  call_state<spans> here(this);
  spans& open = here.state;
  open.sink = sink_;
  open.request = begin("inngest.request", request.headers.find(protocol::header::traceparent).value_or(""));
  open.request.trace_state = request.headers.find(protocol::header::tracestate).value_or("");
  open.request.attributes = {{"http.request.method", request.method}, {"url.path", request.path()}};
  try {
    http::response answer = next();
    add(open.request, "http.response.status_code", std::to_string(answer.status));
    if (answer.status >= 400) open.request.status = span_status::error;
    finish_call(open);
    finish(open.request);
    return answer;
  } catch (const std::exception& problem) {
    fail(open.request, problem.what());
    finish_call(open);
    finish(open.request);
    throw;
  }
}

INNGEST_INLINE std::string tracing_middleware::wrap_function_handler(const call_info& call,
                                                                     next_call<std::string> next) {
  spans* open = call_state<spans>::find(this);
  if (open == nullptr) return next();  // other middleware has switched threads: there is no parent
  if (open->run) return next();        // strict mode calls the handler again to compare
  open->run = child("inngest.run", open->request);
  describe(*open->run, call);
  const end_of_scope at_end{*open->run};
  return next();
}

INNGEST_INLINE void tracing_middleware::on_run_complete(const call_info&, std::string_view) {
  if (spans* open = call_state<spans>::find(this); open && open->run) open->run->status = span_status::ok;
}

INNGEST_INLINE void tracing_middleware::on_run_error(const call_info&, const failure_info& failure) {
  if (spans* open = call_state<spans>::find(this); open && open->run) fail(*open->run, failure);
}

INNGEST_INLINE void tracing_middleware::on_step_start(const call_info& call, const step_info& step) {
  spans* open = call_state<spans>::find(this);
  if (open == nullptr) return;
  open->step = child("inngest.step", open->run ? *open->run : open->request);
  open->step_hash = to_hex(step.hash);
  describe(*open->step, call);
  add(*open->step, "inngest.step.id", std::string(step.id));
  add(*open->step, "inngest.step.name", std::string(step.name));
  add(*open->step, "inngest.step.kind", std::string(to_string(step.kind)));
  if (step.index > 0) add(*open->step, "inngest.step.index", std::to_string(step.index));
}

INNGEST_INLINE void tracing_middleware::on_step_complete(const call_info&, const step_info&,
                                                         std::string_view) {
  spans* open = call_state<spans>::find(this);
  if (open == nullptr || !open->step) return;
  open->step->status = span_status::ok;
  finish_step(*open);
}

INNGEST_INLINE void tracing_middleware::on_step_error(const call_info&, const step_info&,
                                                      const failure_info& failure) {
  spans* open = call_state<spans>::find(this);
  if (open == nullptr || !open->step) return;
  fail(*open->step, failure);
  finish_step(*open);
}

INNGEST_INLINE span tracing_middleware::begin(std::string name, std::string_view traceparent) {
  span out{.trace_id = {}, .span_id = random_span_id<8>(), .name = std::move(name)};
  if (auto parent = read_traceparent(traceparent)) {
    out.trace_id = std::move(parent->trace_id);
    out.parent_span_id = std::move(parent->span_id);
    out.sampled = parent->sampled;
  } else {
    out.trace_id = random_span_id<16>();
  }
  out.start = std::chrono::system_clock::now();
  return out;
}

INNGEST_INLINE span tracing_middleware::child(std::string name, const span& parent) {
  return {.trace_id = parent.trace_id,
          .span_id = random_span_id<8>(),
          .parent_span_id = parent.span_id,
          .name = std::move(name),
          .start = std::chrono::system_clock::now(),
          .sampled = parent.sampled};
}

INNGEST_INLINE void tracing_middleware::add(span& to, std::string key, std::string value) {
  to.attributes.emplace_back(std::move(key), std::move(value));
}

INNGEST_INLINE void tracing_middleware::describe(span& to, const call_info& call) {
  add(to, "inngest.function.id", std::string(call.function_id));
  add(to, "inngest.run.id", std::string(call.run_id));
  add(to, "inngest.attempt", std::to_string(call.attempt));
}

INNGEST_INLINE void tracing_middleware::fail(span& failed, std::string message) {
  failed.status = span_status::error;
  failed.status_message = std::move(message);
}

INNGEST_INLINE void tracing_middleware::fail(span& failed, const failure_info& failure) {
  fail(failed, std::string(failure.message));
  add(failed, "error.type", std::string(failure.name));
  add(failed, "inngest.is_final", failure.is_final ? "true" : "false");
  if (failure.retry_after)
    add(failed, "inngest.retry_after_ms", std::to_string(failure.retry_after->count()));
}

INNGEST_INLINE void tracing_middleware::finish_step(spans& open) const {
  finish(*open.step);
  open.step.reset();
  open.step_hash.clear();
}

INNGEST_INLINE void tracing_middleware::finish_call(spans& open) const {
  if (open.step) finish_step(open);
  if (open.run) report(*open.run);
}

INNGEST_INLINE void tracing_middleware::finish(span& ended) const {
  ended.end = std::chrono::system_clock::now();
  report(ended);
}

INNGEST_INLINE void tracing_middleware::report(const span& ended) const { report_to(*sink_, ended); }

INNGEST_INLINE void report_to(const span_sink& sink, const span& ended) noexcept {
  try {
    sink(ended);
  } catch (...) {
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::shared_ptr<middleware> tracing(span_sink sink) {
  return std::make_shared<detail::tracing_middleware>(std::move(sink));
}

INNGEST_INLINE user_span::user_span(std::string name)
    : open_(detail::call_state<detail::open_spans>::innermost()) {
  if (open_ == nullptr) return;
  sink_ = open_->sink;
  outer_ = open_->user;
  begin(std::move(name), outer_ != nullptr ? outer_->span_ : open_->innermost());
  span_.trace_state = open_->request.trace_state;
  if (outer_ != nullptr) {
    span_.attributes = outer_->inherited_;
    span_.parent_in_run = outer_->span_.span_id;
  } else {
    const detail::open_spans& at = *open_;
    for (const auto& attribute : at.innermost().attributes) {
      if (attribute.first.starts_with("inngest.")) span_.attributes.push_back(attribute);
    }
    if (at.step) {
      span_.attributes.emplace_back("inngest.step.hash", at.step_hash);
      span_.parent_in_run = detail::server_span_id(at.step_hash);
    }
  }
  inherited_ = span_.attributes;
  open_->user = this;
}

INNGEST_INLINE user_span::user_span(const user_span& parent, std::string name) : sink_(parent.sink_) {
  if (!sink_) return;
  begin(std::move(name), parent.span_);
  span_.trace_state = parent.span_.trace_state;
  span_.parent_in_run = parent.span_.span_id;
  span_.attributes = inherited_ = parent.inherited_;
}

INNGEST_INLINE user_span::~user_span() {
  if (!sink_) return;
  span_.end = std::chrono::system_clock::now();
  const bool is_here = open_ != nullptr && open_ == detail::call_state<detail::open_spans>::innermost();
  if (is_here && open_->user == this) open_->user = outer_;
  detail::report_to(*sink_, span_);
}

INNGEST_INLINE void user_span::begin(std::string name, const span& parent) {
  span_.trace_id = parent.trace_id;
  span_.span_id = detail::random_span_id<8>();
  span_.parent_span_id = parent.span_id;
  span_.name = std::move(name);
  span_.sampled = parent.sampled;
  span_.is_user_span = true;
  span_.start = std::chrono::system_clock::now();
}

INNGEST_INLINE user_span& user_span::set(std::string key, std::string value) {
  if (sink_) span_.attributes.emplace_back(std::move(key), std::move(value));
  return *this;
}

INNGEST_INLINE void user_span::succeed() {
  span_.status = span_status::ok;
  span_.status_message.clear();
}

INNGEST_INLINE void user_span::fail(std::string message) {
  span_.status = span_status::error;
  span_.status_message = std::move(message);
}

INNGEST_INLINE std::string user_span::traceparent() const {
  return sink_ ? detail::traceparent_of(span_) : std::string();
}

INNGEST_INLINE std::string current_traceparent() {
  const detail::open_spans* open = detail::call_state<detail::open_spans>::innermost();
  if (open == nullptr) return {};
  return open->user != nullptr ? open->user->traceparent() : detail::traceparent_of(open->innermost());
}

}  // namespace inngest::inline INNGEST_ABI
