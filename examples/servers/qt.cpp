// Functions on Qt's HTTP server, in the event loop of a Qt application.

#include <inngest/adapters/qt.hpp>

#include <QtCore/QCoreApplication>

#include <cstdlib>
#include <iostream>
#include <thread>

#include "functions.hpp"
#include "stop_signal.hpp"

int main(int argc, char** argv) {
  QCoreApplication application(argc, argv);
  const inngest::client app({.id = "shop"});

  // [serve]
  QHttpServer server;
  const inngest::handler endpoint = inngest::serve(server, app, functions(app));
  inngest::qt_tcp_server listener(endpoint);
  if (!listener.listen(QHostAddress::LocalHost, 3000)) {
    std::cerr << "can't listen on 127.0.0.1:3000: is the port in use?\n";
    return EXIT_FAILURE;
  }
  server.bind(&listener);
  // [serve]

  std::thread stopper([&] {
    wait_for_stop_signal();
    endpoint.drain();  // running calls end, and new ones are refused
    QMetaObject::invokeMethod(&application, &QCoreApplication::quit, Qt::QueuedConnection);
  });
  application.exec();
  stopper.join();
}
