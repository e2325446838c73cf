#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/serving/served_app.hpp>

// Answers to an Inngest server.

namespace inngest::inline INNGEST_ABI::serving {

http::response json_answer(const served_app& app, int status, std::string body);

http::response message_answer(const served_app& app, int status, const std::string& text);

/// The answer to methods other than GET, HEAD, PUT and POST.
http::response method_not_allowed(const served_app& app);

/// An answer to unauthenticated callers. It reveals nothing, not even that this is an Inngest app.
http::response bare_answer(int status, const char* why);

/// The answer to a call that can't be accepted now. A server retries it after a second.
http::response busy_answer(const served_app& app, const std::string& why);

/// The answer to calls and registrations while the app is stopping.
http::response stopping_answer(const served_app& app);

/// Whether an answer may have a body: not to HEAD, and not with a status that says otherwise. A client would
/// take the body for the beginning of the next answer.
bool may_have_body(int status, bool is_head);

/// Removes the body of an answer that must not have one.
void drop_forbidden_body(http::response& answer, bool is_head);

/// Calls the function and returns its answer. An exception becomes an answer that states the reason.
http::response guarded(const served_app& app, detail::function_ref<http::response()> answer);

void add_retry_headers(http::response& out, const protocol::failure& failure);

http::response step_not_reached(const served_app& app, const execution::outcome& outcome,
                                const http::request& request);

/// The answer to a call with this outcome.
http::response answer_for(const served_app& app, execution::outcome outcome, const http::request& request);

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/answers.ipp>
#endif
