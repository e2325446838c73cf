#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/http_server_body.hpp>
#include <inngest/embedded/http_server.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE http_server::http_server(engine& engine, http_server_options options)
    : body_(std::make_unique<http_server_body>(engine, std::move(options))) {}

INNGEST_INLINE http_server::~http_server() = default;

INNGEST_INLINE int http_server::port() const { return body_->port(); }

INNGEST_INLINE std::string http_server::url() const { return body_->url(); }

INNGEST_INLINE std::string http_server::sign_in_url() { return body_->sign_in_url(); }

}  // namespace inngest::inline INNGEST_ABI::embedded
