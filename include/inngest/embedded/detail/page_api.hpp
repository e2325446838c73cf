#pragma once

#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/find_api.hpp>
#include <inngest/embedded/detail/page_run.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/version.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The data of the web page: an engine's functions, events and runs.
class page_api {
 public:
  explicit page_api(engine& engine) : engine_(engine) {}

  json state() const;

  std::optional<json> run_details(const std::string& id) const;

 private:
  /// Adds the metadata and the published messages of a run.
  static void add_notes(json& out, const std::vector<run_note>& notes);

  // ---- a run's steps, derived from its timeline --------------------------------------------------------

  struct shown_step {
    step_hash id{};
    json value{};
    bool has_attempts = false;
    bool ended = false;
  };

  static json steps_of(const run& run);

  /// The entry's step, which begins with its first entry.
  static shown_step& open_step(std::vector<shown_step>& steps, const timeline_entry& entry, timestamp before);

  static void add(shown_step& step, const timeline_entry& entry);

  engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/page_api.ipp>
#endif
