#pragma once

#include <algorithm>
#include <chrono>
#include <exception>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/app_contacts.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A route to an app that records its calls.
class app_contacts::noted_route final : public app_route {
 public:
  noted_route(std::unique_ptr<app_route> inner, std::shared_ptr<app_contacts> contacts, std::string app)
      : inner_(std::move(inner)), contacts_(std::move(contacts)), app_(std::move(app)) {}

  std::optional<http::response> call(remote_call call) override {
    const stop_token abandoned = call.abandoned;
    try {
      auto answer = inner_->call(std::move(call));
      if (!answer && !abandoned.stop_requested())
        contacts_->note_error(app_, "no worker of the app accepted the call", false);
      if (!answer) return answer;
      const std::string problem = app_problem(*answer);
      problem.empty() ? contacts_->note_contact(app_) : contacts_->note_error(app_, problem, true);
      return answer;
    } catch (const std::exception& problem) {
      contacts_->note_error(app_, problem.what(), false);
      throw;
    } catch (...) {
      contacts_->note_error(app_, "something was thrown that is not a std::exception", false);
      throw;
    }
  }

 private:
  const std::unique_ptr<app_route> inner_;
  const std::shared_ptr<app_contacts> contacts_;
  const std::string app_;
};

INNGEST_INLINE void app_contacts::note_contact(const std::string& app) {
  const timestamp now = now_();
  const std::lock_guard lock(mutex_);
  of(app) = {.heard_at = now};
}

INNGEST_INLINE void app_contacts::note_error(const std::string& app, std::string_view error, bool is_answer) {
  const timestamp now = now_();
  const std::lock_guard lock(mutex_);
  contact& known = of(app);
  if (is_answer) known.heard_at = now;
  known.error = detail::to_printable(error.substr(0, 500));
  known.error_at = now;
}

INNGEST_INLINE std::unique_ptr<app_route> app_contacts::noted(std::unique_ptr<app_route> route,
                                                              std::string app) {
  if (!route) return nullptr;
  return std::make_unique<noted_route>(std::move(route), shared_from_this(), std::move(app));
}

INNGEST_INLINE std::map<std::string, app_contacts::contact> app_contacts::all() const {
  const std::lock_guard lock(mutex_);
  return contacts_;
}

INNGEST_INLINE app_contacts::contact& app_contacts::of(const std::string& app) {
  const auto known = contacts_.find(app);
  if (known != contacts_.end()) return known->second;
  if (contacts_.size() >= most) {
    const auto heard = [](const auto& entry) {
      return (std::max)(entry.second.heard_at, entry.second.error_at);
    };
    contacts_.erase(std::min_element(contacts_.begin(), contacts_.end(),
                                     [&](const auto& a, const auto& b) { return heard(a) < heard(b); }));
  }
  return contacts_[app];
}

INNGEST_INLINE void add_contact(app_info& to, const app_contacts::contact& heard,
                                const connected_app& connections) {
  to.last_contact = heard.heard_at;
  to.last_error = heard.error;
  to.last_error_at = heard.error_at;
  to.workers = connections.workers;
  if (!connections.heard_at) return;
  const auto beat = std::chrono::floor<std::chrono::milliseconds>(*connections.heard_at);
  to.last_contact = (std::max)(to.last_contact, std::optional<timestamp>(beat));
}

INNGEST_INLINE std::string app_problem(const http::response& answer) {
  const bool is_of_sdk = answer.headers.find(protocol::header::sdk).has_value();
  const bool is_of_protocol =
      answer.status == 200 || answer.status == 206 || answer.status == 400 || answer.status == 500;
  if (is_of_sdk && is_of_protocol) return {};
  if (std::string refusal = refused_signature(answer); !refusal.empty()) return refusal;
  return "it answered a call with status " + std::to_string(answer.status) +
         (is_of_sdk ? "" : ", without the header of an Inngest SDK");
}

}  // namespace inngest::inline INNGEST_ABI::embedded
