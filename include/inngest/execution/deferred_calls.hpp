#pragma once

#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The deferred calls that a handler makes and takes back during one call: see basic_context::defer. They are
/// operations which the run does not wait for, and which are reported with whatever the call reports.
class deferred_calls {
 public:
  /// The request says which deferred calls the server has. It must outlive this object.
  explicit deferred_calls(const protocol::call_request& request) : request_(request) {}

  /// Adds a deferred call, unless the server already has it. Returns false when the handler has made it
  /// before in this call.
  [[nodiscard]] bool add(protocol::operation op);

  /// Takes back the deferred call that `added` made, unless the server can no longer drop it. `slug` is the
  /// id of its function.
  void abort(const protocol::operation& added, std::string_view slug);

  bool empty() const { return unreported_.empty(); }
  std::size_t size() const { return unreported_.size(); }

  /// Removes and returns what is not reported yet.
  std::vector<protocol::operation> take();

  /// The same for what is saved while the handler continues: it can still be taken back.
  std::vector<protocol::operation> take_to_save();

 private:
  const protocol::call_request& request_;
  std::vector<protocol::operation> unreported_;
  std::set<step_hash> saved_;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/deferred_calls.ipp>
#endif
