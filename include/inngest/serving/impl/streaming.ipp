#pragma once

#include <future>

#include <inngest/config.hpp>
#include <inngest/serving/streaming.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE http::response streamed(
    const served_app& app, std::function<http::response(const execution::call_stop&)> make_answer) {
  http::response out = json_answer(app, 201, {});
  const auto pause = std::clamp<std::chrono::milliseconds>(
      app.options.heartbeat, std::chrono::milliseconds(1), std::chrono::hours(1));
  out.stream = [pause, make_answer = std::move(make_answer)](const http::chunk_writer& write) {
    const execution::call_stop stop;
    auto answer = std::async(std::launch::async, [&] { return make_answer(stop); });
    while (answer.wait_for(pause) != std::future_status::ready) {
      if (!write(" "))
        return stop.request();  // connection closed; a body that ignores the stop runs to its end
    }
    const http::response inner = answer.get();
    detail::json_object_text headers;
    for (const auto& [name, value] : inner.headers) headers.add(name, value);
    detail::json_object_text text;
    text.add("status", inner.status).add_raw("headers", headers.text());
    write(text.add("body", inner.body).add("version", 2).text());
  };
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::serving
