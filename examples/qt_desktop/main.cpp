// A desktop program with durable background work. Close the window while it imports photos, or kill the
// process: the next one continues with the photo that was interrupted. Its state is in the user's application
// data.

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QMessageBox>
#include <QProgressBar>
#include <QStandardPaths>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;
namespace embedded = inngest::embedded;
using embedded::progress, embedded::timeline_entry;

constexpr int photos = 20;
using import_requested = inngest::event<"photos/import.requested">;

void import_photo(int number, std::stop_token stop) {
  for (int part = 0; part < 10; ++part) {
    if (stop.stop_requested()) throw std::runtime_error("interrupted");  // the next process repeats the step
    std::this_thread::sleep_for(20ms);
  }
  qInfo("imported photo %d", number);
}

void import_photos(inngest::context<import_requested>& ctx) {
  for (int number = 1; number <= photos; ++number)
    ctx.step.run("photo-" + std::to_string(number),
                 [&](std::stop_token stop) { import_photo(number, stop); });
}

// Shows the progress of an import. Here it is a window; it could also be a widget of another window.
class import_bar : public QProgressBar {
 public:
  import_bar(int imported, int stop_after) : steps_left_(stop_after) {
    connect(this, &QProgressBar::valueChanged, [](int value) { qInfo("the bar shows %d", value); });
    setRange(0, photos);
    setFormat("%v of %m photos");
    setValue(imported);
  }

  void follow(const timeline_entry& entry) {
    if (!isVisible()) return;  // it was closed
    if (entry.what == progress::step_completed) setValue(value() + 1);
    if (entry.what == progress::step_completed && --steps_left_ == 0) close();
    if (entry.what == progress::run_completed) end("All photos are imported");
    if (entry.what == progress::run_failed) end("Failed: " + QString::fromStdString(entry.detail));
  }

 private:
  void end(const QString& words) {
    setFormat(words);
    if (steps_left_ > 0) close();
  }

  int steps_left_;  // until the window closes itself; 0 or less: never
};

// The number of photos that an unfinished import has already; empty when there is no such import.
std::optional<int> imported_before(const embedded::store& store) {
  for (const embedded::run& run : store.runs()) {
    const auto steps = std::ranges::count(run.timeline, progress::step_completed, &timeline_entry::what);
    if (!run.ended()) return static_cast<int>(steps);
  }
  return std::nullopt;
}

int import_in_window(QApplication& program, int stop_after) {
  const inngest::client app({.id = "photos"});
  const auto importer = app.create_function({.id = "import"}, inngest::on<import_requested>(), import_photos);

  // [engine]
  const QDir folder(QStandardPaths::writableLocation(QStandardPaths::AppDataLocation));
  folder.mkpath(".");
  const auto store = std::make_shared<embedded::sqlite_store>(
      embedded::sqlite_options{.path = folder.filesystemPath() / "engine.db"});
  const std::optional<int> imported = imported_before(*store);
  import_bar bar(imported.value_or(0), stop_after);

  // The engine calls this in its threads; the bar is updated in the thread of the widgets.
  const auto on_progress = [&](const embedded::run&, const timeline_entry& entry) {
    QMetaObject::invokeMethod(
        &bar, [&bar, entry] { bar.follow(entry); }, Qt::QueuedConnection);
  };
  embedded::engine engine(app, {importer}, {.store = store, .on_progress = on_progress});
  QObject::connect(&program, &QApplication::aboutToQuit, [&] { engine.stop(5s); });
  if (!imported) engine.start(importer);
  bar.show();
  return QApplication::exec();  // until the window is closed
  // [engine]
}

int main(int argc, char** argv) {
  QApplication program(argc, argv);
  QCommandLineParser options;
  options.addOption({"stop-after", "Close the window after so many photos, or at the end.", "photos"});
  options.addHelpOption();
  options.process(program);
  try {
    return import_in_window(program, options.value("stop-after").toInt());
  } catch (const std::exception& problem) {  // another process has the file, for example
    QMessageBox::critical(nullptr, "Photo import", problem.what());
    return 1;
  }
}
