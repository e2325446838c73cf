// Functions as a CGI program: a web server starts it for each request.

#include <inngest/adapters/cgi.hpp>

#include "functions.hpp"

// [cgi]
int main() {
  const inngest::client app({.id = "shop"});
  inngest::cgi::program program;
  inngest::serve(program, app, functions(app));
  return program.run();
}
// [cgi]
