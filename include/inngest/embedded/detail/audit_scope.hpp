#pragma once

#include <string>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Sets on whose behalf this thread works during its lifetime: this actor is used for entries that the engine
/// adds to its audit trail on this thread. Without a scope the actor is the program.
class audit_scope {
 public:
  explicit audit_scope(std::string actor)
      : actor_(std::move(actor)), outer_(std::exchange(current(), this)) {}
  ~audit_scope() { current() = outer_; }
  audit_scope(const audit_scope&) = delete;
  audit_scope& operator=(const audit_scope&) = delete;

  /// The innermost scope of this thread; null when there is none.
  static audit_scope*& current();
  /// The actor of this thread.
  static std::string current_actor() { return current() ? current()->actor_ : "program"; }

  const std::string& actor() const { return actor_; }
  /// Whether an entry was added.
  bool has_entry() const { return has_entry_; }
  void note_entry() { has_entry_ = true; }

 private:
  const std::string actor_;
  bool has_entry_ = false;
  audit_scope* const outer_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/audit_scope.ipp>
#endif
