#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/slug.hpp>
#include <inngest/function.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE any_function::any_function(std::string app_id, function_options options,
                                          std::vector<trigger_definition> triggers, handler_type handler,
                                          std::vector<any_function> end_handlers, bool is_endpoint,
                                          std::span<const detail::event_shape> event_shapes)
    : shared_(std::make_shared<const definition>(definition{.slug = detail::slug_of(app_id, options.id),
                                                            .app_id = app_id,
                                                            .options = std::move(options),
                                                            .triggers = std::move(triggers),
                                                            .handler = std::move(handler),
                                                            .end_handlers = std::move(end_handlers),
                                                            .is_endpoint = is_endpoint,
                                                            .event_shapes = event_shapes})) {}

}  // namespace inngest::inline INNGEST_ABI
