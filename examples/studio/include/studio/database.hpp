#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/json.hpp>

#include <studio/events.hpp>
#include <studio/sqlite.hpp>

namespace studio {

/// A piece of knowledge about a brand.
struct knowledge_fragment {
  std::string asset_id;
  std::string filename;
  std::string text;
};
INNGEST_CAMEL_FIELDS(knowledge_fragment, asset_id, filename, text)

struct brand_summary {
  std::string summary;  // JSON
  std::string palette;  // JSON
};

/// The state of a workflow run for one function.
struct run_state {
  std::string status = "requested";
  std::string output{};  // JSON
  std::string error{};
  std::string finished_by{};  // the id of the Inngest run that finished it

  bool finished() const { return status == "completed" || status == "failed"; }
};

struct fashion_job {
  std::string status;
  std::int64_t attempts = 0;
  std::string url{};
  std::string reason{};
};

/// The studio's database: one SQLite file. Every write is idempotent, because retried steps repeat it.
class database {
 public:
  explicit database(const std::filesystem::path& file) : connection_(file) {
    connection_.script(R"sql(
      CREATE TABLE IF NOT EXISTS knowledge_fragments (
        workspace_id TEXT NOT NULL, asset_id TEXT NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL,
        filename TEXT NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (workspace_id, asset_id, kind, position));
      CREATE TABLE IF NOT EXISTS brand_summaries (
        workspace_id TEXT PRIMARY KEY, summary TEXT NOT NULL DEFAULT '', palette TEXT NOT NULL DEFAULT '');
      CREATE TABLE IF NOT EXISTS workflow_runs (
        id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL);
      -- Two functions work on every run, and each has its own state.
      CREATE TABLE IF NOT EXISTS workflow_run_states (
        run_id TEXT NOT NULL, processor TEXT NOT NULL, status TEXT NOT NULL, output TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '', finished_by TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run_id, processor));
      CREATE TABLE IF NOT EXISTS workflow_node_states (
        run_id TEXT NOT NULL, processor TEXT NOT NULL, node_id TEXT NOT NULL, status TEXT NOT NULL,
        output TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run_id, processor, node_id));
      CREATE TABLE IF NOT EXISTS fashion_jobs (
        id TEXT PRIMARY KEY, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        url TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '');
    )sql");
  }

  // ---- brand knowledge --------------------------------------------------------------------------------

  /// Replaces the asset's texts of this kind. The kinds separate a document's words from its looks.
  void replace_fragments(const BrandAsset& asset, std::string_view kind,
                         const std::vector<std::string>& texts) {
    const std::lock_guard lock(mutex_);
    sqlite::transaction all(connection_);
    connection_.run("DELETE FROM knowledge_fragments WHERE workspace_id = ? AND asset_id = ? AND kind = ?",
                    asset.workspace_id, asset.asset_id, kind);
    std::int64_t position = 0;
    for (const std::string& text : texts) {
      connection_.run("INSERT INTO knowledge_fragments VALUES (?, ?, ?, ?, ?, ?)", asset.workspace_id,
                      asset.asset_id, kind, position++, asset.filename, text);
    }
    all.commit();
  }

  std::vector<knowledge_fragment> fragments_of_workspace(std::string_view workspace,
                                                         std::int64_t most) const {
    const std::lock_guard lock(mutex_);
    return read_fragments(
        connection_.prepare("SELECT asset_id, filename, text FROM knowledge_fragments"
                            " WHERE workspace_id = ? ORDER BY rowid DESC LIMIT ?",
                            workspace, most));
  }

  std::vector<knowledge_fragment> fragments_of_asset(const BrandAsset& asset) const {
    const std::lock_guard lock(mutex_);
    return read_fragments(
        connection_.prepare("SELECT asset_id, filename, text FROM knowledge_fragments"
                            " WHERE workspace_id = ? AND asset_id = ? ORDER BY kind, position",
                            asset.workspace_id, asset.asset_id));
  }

  // ---- brand summaries --------------------------------------------------------------------------------

  void save_summary(std::string_view workspace, std::string_view summary) {
    const std::lock_guard lock(mutex_);
    connection_.run(
        "INSERT INTO brand_summaries (workspace_id, summary) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET summary = excluded.summary",
        workspace, summary);
  }

  void save_palette(std::string_view workspace, std::string_view palette) {
    const std::lock_guard lock(mutex_);
    connection_.run(
        "INSERT INTO brand_summaries (workspace_id, palette) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET palette = excluded.palette",
        workspace, palette);
  }

  std::optional<brand_summary> find_summary(std::string_view workspace) const {
    const std::lock_guard lock(mutex_);
    auto row =
        connection_.prepare("SELECT summary, palette FROM brand_summaries WHERE workspace_id = ?", workspace);
    if (!row.next()) return std::nullopt;
    return brand_summary{.summary = row.text(0), .palette = row.text(1)};
  }

  // ---- workflow runs ----------------------------------------------------------------------------------

  /// Stores a run before its event is sent. An existing run is not changed.
  void create_workflow_run(const StudioWorkflow& run) {
    const std::lock_guard lock(mutex_);
    connection_.run("INSERT OR IGNORE INTO workflow_runs VALUES (?, ?, ?, ?, ?)", run.run_id, run.workflow_id,
                    run.project_id, run.user_id, run.idempotency_key);
  }

  /// The run's state for the processor; `nullopt` when the run was not stored.
  std::optional<run_state> find_workflow_run(std::string_view run, std::string_view processor) const {
    const std::lock_guard lock(mutex_);
    auto row = connection_.prepare(
        "SELECT coalesce(status, 'requested'), output, error, finished_by FROM workflow_runs"
        " LEFT JOIN workflow_run_states ON run_id = id AND processor = ? WHERE id = ?",
        processor, run);
    if (!row.next()) return std::nullopt;
    return run_state{
        .status = row.text(0), .output = row.text(1), .error = row.text(2), .finished_by = row.text(3)};
  }

  void save_run_state(std::string_view run, std::string_view processor, const run_state& state) {
    const std::lock_guard lock(mutex_);
    connection_.run("INSERT OR REPLACE INTO workflow_run_states VALUES (?, ?, ?, ?, ?, ?)", run, processor,
                    state.status, state.output, state.error, state.finished_by);
  }

  void save_node_state(std::string_view run, std::string_view processor, std::string_view node,
                       std::string_view status, std::string_view output = {}) {
    const std::lock_guard lock(mutex_);
    connection_.run("INSERT OR REPLACE INTO workflow_node_states VALUES (?, ?, ?, ?, ?)", run, processor,
                    node, status, output);
  }

  // ---- fashion jobs -----------------------------------------------------------------------------------

  void save_fashion_job(std::string_view id, const fashion_job& job) {
    const std::lock_guard lock(mutex_);
    connection_.run("INSERT OR REPLACE INTO fashion_jobs VALUES (?, ?, ?, ?, ?)", id, job.status,
                    job.attempts, job.url, job.reason);
  }

  std::optional<fashion_job> find_fashion_job(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    auto row = connection_.prepare("SELECT status, attempts, url, reason FROM fashion_jobs WHERE id = ?", id);
    if (!row.next()) return std::nullopt;
    return fashion_job{
        .status = row.text(0), .attempts = row.integer(1), .url = row.text(2), .reason = row.text(3)};
  }

 private:
  static std::vector<knowledge_fragment> read_fragments(sqlite::statement rows) {
    std::vector<knowledge_fragment> out;
    while (rows.next())
      out.push_back({.asset_id = rows.text(0), .filename = rows.text(1), .text = rows.text(2)});
    return out;
  }

  mutable std::mutex mutex_;  // steps run on several threads
  sqlite::connection connection_;
};

}  // namespace studio
