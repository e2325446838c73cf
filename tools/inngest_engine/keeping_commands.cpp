#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/error.hpp>

#include "pages.hpp"
#include "printable.hpp"
#include "session.hpp"
#include "table.hpp"
#include "times.hpp"

namespace terminal {
namespace {

using inngest::json;
using inngest::embedded::sqlite_store;

/// Converts errors of a store to failures of this program.
template <class Work>
auto with_store(Work work) {
  try {
    return work();
  } catch (const inngest::store_error& problem) {
    throw failure(outcome::problem, problem.what());
  }
}

/// Makes the engine copy its store into its backup folder, under this name.
json back_up_there(session& in, const std::string& name) {
  if (name.find_first_of("/\\") != std::string::npos)
    throw failure(outcome::wrong_usage,
                  "backup: the engine copies into its own http_server_options::backup_folder, so \"" + name +
                      "\" must be a name without a folder. With --file the copy goes anywhere");
  return in.engine().post("/api/backup", {{"file", name}});
}

json back_up_here(session& in, const std::string& file) {
  const std::filesystem::path target = std::filesystem::absolute(file);
  return with_store([&] {
    sqlite_store::backup(in.of.file, target);
    return json{{"file", target.string()}, {"bytes", std::filesystem::file_size(target)}};
  });
}

outcome back_up(session& in, const std::string& file) {
  const json answer = in.of.file.empty() ? back_up_there(in, file) : back_up_here(in, file);
  if (in.in_json)
    print_json(answer);
  else
    say("The copy is complete: " + text_of(answer, "file") + ", " + text_of(answer, "bytes") + " bytes.");
  return outcome::ok;
}

json problems_of(session& in) {
  if (!in.of.file.empty())
    return with_store([&] { return json(sqlite_store({.path = in.of.file, .read_only = true}).check()); });
  const json answer = in.engine().get("/api/check");
  return answer.is_array() ? answer : answer.value("problems", json::array());
}

outcome check(session& in) {
  const json problems = problems_of(in);
  if (in.in_json) print_json({{"problems", problems}});
  if (!in.in_json && problems.empty()) say("The store is undamaged.");
  for (const json& problem : problems) {
    if (!in.in_json) say(printable(problem.is_string() ? problem.get<std::string>() : problem.dump()));
  }
  return problems.empty() ? outcome::ok : outcome::problem;
}

// ---- unreadable records ---------------------------------------------------------------------------------

outcome list_unreadable(session& in) {
  const json answer = in.engine().get("/api/unreadable");
  const json all = answer.is_array() ? answer : answer.value("records", json::array());
  if (in.in_json) {
    print_json(answer);
    return all.empty() ? outcome::ok : outcome::problem;
  }
  table shown({{"TABLE"}, {"KEY", true}, {"RUN"}, {"REASON", true}});
  for (const json& record : all)
    shown.add({text_of(record, "table"), text_of(record, "key"), text_of(record, "run_id"),
               text_of(record, "reason")});
  if (shown.empty())
    say("All records can be read.");
  else
    shown.print();
  return all.empty() ? outcome::ok : outcome::problem;
}

outcome export_unreadable(session& in, const std::string& file) {
  const std::string text = in.engine().text("/api/unreadable/export");
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw failure(outcome::problem, "can't write the file \"" + file + "\"");
  if (!in.in_json) say("Written: " + file);
  return outcome::ok;
}

outcome remove_unreadable(session& in, const std::string& table, const std::string& key, bool yes) {
  in.engine().require_engine("unreadable remove");
  if (!yes && !confirm("remove the record of " + table + " where " + key + "?")) return outcome::problem;
  const json answer = in.engine().remove("/api/unreadable", {{"table", table}, {"key", key}});
  if (in.in_json)
    print_json(answer);
  else
    say("Removed.");
  return outcome::ok;
}

void add_unreadable(CLI::App& program, session& to) {
  CLI::App* unreadable = add_command(program, to, "unreadable",
                                     "Lists, exports or removes records that can't be read", list_unreadable);
  unreadable->require_subcommand(0, 1);
  const auto file = std::make_shared<std::string>(), table = std::make_shared<std::string>(),
             key = std::make_shared<std::string>();
  const auto yes = std::make_shared<bool>(false);
  add_command(*unreadable, to, "export", "Writes the records to a file, as JSON lines",
              [=](session& in) { return export_unreadable(in, *file); })
      ->add_option("FILE", *file, "The file to write")
      ->required();
  CLI::App* removal = add_command(*unreadable, to, "remove", "Removes a record, after a confirmation",
                                  [=](session& in) { return remove_unreadable(in, *table, *key, *yes); });
  removal->add_option("TABLE", *table, "The record's table, as the list shows it")->required();
  removal->add_option("KEY", *key, "The record's key, as the list shows it")->required();
  removal->add_flag("--yes", *yes, "Does not ask for confirmation");
}

// ---- audit ----------------------------------------------------------------------------------------------

outcome show_audit(session& in, std::size_t limit) {
  const json answer = read_pages(in.engine(), "/api/audit", "entries", {}, limit);
  if (in.in_json) {
    print_json(answer);
    return outcome::ok;
  }
  table shown({{"TIME"}, {"WHO"}, {"DID"}, {"TO", true}, {"DETAILS", true}});
  for (const json& entry : answer["entries"])
    shown.add({readable_time(text_of(entry, "at")), text_of(entry, "actor"), text_of(entry, "action"),
               text_of(entry, "target"), text_of(entry, "details")});
  if (shown.empty())
    say("The audit trail is empty.");
  else
    shown.print();
  return outcome::ok;
}

}  // namespace

void add_keeping_commands(CLI::App& program, session& to) {
  const auto file = std::make_shared<std::string>();
  add_command(program, to, "backup", "Copies the store into a new file, while the engine works",
              [=](session& in) { return back_up(in, *file); })
      ->add_option("FILE", *file, "The new file; with --url, its name in the engine's backup folder")
      ->required();
  add_command(program, to, "check", "Checks the store for damage", check);
  add_unreadable(program, to);
  const auto limit = std::make_shared<std::size_t>(50);
  add_command(program, to, "audit", "Shows who changed what, newest first",
              [=](session& in) { return show_audit(in, *limit); })
      ->add_option("--limit", *limit, "Maximum number of entries")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace terminal
