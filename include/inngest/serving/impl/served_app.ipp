#pragma once

#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/served_app.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE served_app::served_app(inngest::client served, const std::vector<any_function>& list,
                                      serve_options chosen, std::shared_ptr<const serving::route> answers_all)
    : client(std::move(served)),
      functions(with_end_handlers(list)),
      options(std::move(chosen)),
      route(std::move(answers_all)),
      client_hooks(client.settings().middleware(), {}),
      executor(options.executor ? options.executor : std::make_shared<thread_pool>()),
      beats(options.heartbeat) {
  for (const any_function& function : functions) add(function);
  services.keep_log = options.on_log;
  services.now = options.clock ? options.clock : [] { return std::chrono::system_clock::now(); };
  services.is_preloaded = options.is_preloaded;
  services.name_of_step = options.name_of_step;
  services.send = [sender = client](std::vector<any_event> events, execution::replay& replay) {
    if (const std::string inherited = replay.propagated_sessions(); !inherited.empty()) {
      for (any_event& event : events) event.set_propagated_sessions(inherited);
    }
    return sender.send(std::move(events), replay.hooks(), &replay.info()).ids;
  };
  services.settings = &client.settings();
  services.call_api = [caller = client](http::request request) {
    return caller.call_api(std::move(request));
  };
}

INNGEST_INLINE std::vector<any_function> served_app::with_end_handlers(
    const std::vector<any_function>& list) {
  std::vector<any_function> out;
  for (const any_function& function : list) {
    out.push_back(function);
    out.insert(out.end(), function.end_handlers().begin(), function.end_handlers().end());
  }
  return out;
}

INNGEST_INLINE void served_app::add(const any_function& function) {
  if (function.app_id() != client.id()) {
    throw configuration_error("function \"" + function.id() + "\" belongs to app \"" + function.app_id() +
                              "\", not to \"" + client.id() + "\"");
  }
  execution::hooks hooks(client.settings().middleware(), function.options().middleware);
  hooks.for_each([&](middleware& layer) { layer.on_register(client, function); });
  if (!by_slug.emplace(function.slug(), served_function{&function, std::move(hooks)}).second) {
    throw configuration_error("two functions of app \"" + client.id() + "\" have the id \"" + function.id() +
                              "\"");
  }
}

}  // namespace inngest::inline INNGEST_ABI::serving
