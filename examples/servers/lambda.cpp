// Functions on AWS Lambda: this program is the `bootstrap` of a function with the runtime provided.al2023.

#include <inngest/adapters/lambda.hpp>

#include "functions.hpp"

// [lambda]
int main() {
  return inngest::lambda::run([] {
    const inngest::client app({.id = "shop"});
    return inngest::handler(app, functions(app), {.framework = "aws-lambda"});
  });
}
// [lambda]
