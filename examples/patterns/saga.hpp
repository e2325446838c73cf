#pragma once

// A saga: several services must all succeed. When one of them refuses, the earlier steps are undone.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

namespace patterns {

struct trip {
  std::string id{}, traveller{}, flight{}, hotel{};
  int cents = 0;
};
INNGEST_FIELDS(trip, id, traveller, flight, hotel, cents)
using trip_requested = inngest::event<"travel/trip.requested", trip>;

struct trip_result {
  std::string status{};
  std::string reason{};
};
INNGEST_FIELDS(trip_result, status, reason)

/// The services that a trip needs. Each call takes the trip's id, so that a service can ignore a repeated
/// request.
struct travel_services {
  std::function<std::string(const std::string& trip, const std::string& flight)> book_flight;
  std::function<void(const std::string& booking)> cancel_flight;
  std::function<std::string(const std::string& trip, const std::string& hotel)> book_hotel;
  std::function<void(const std::string& booking)> cancel_hotel;
  std::function<void(const std::string& trip, int cents)> charge;
};

inline auto book_trip(const inngest::client& app, const travel_services& travel) {
  // [saga]
  return app.create_function(
      {.id = "book-trip", .retries = 3}, inngest::on<trip_requested>(),
      [travel](inngest::context<trip_requested>& ctx) -> trip_result {
        const trip& wanted = ctx.event.data;
        std::vector<std::function<void()>> undo;  // filled in the same order in every call
        try {
          const auto flight =
              ctx.step.run("book-flight", [&] { return travel.book_flight(wanted.id, wanted.flight); });
          undo.push_back(
              [&, flight] { ctx.step.run("cancel-flight", [&] { travel.cancel_flight(flight); }); });

          const auto room =
              ctx.step.run("book-hotel", [&] { return travel.book_hotel(wanted.id, wanted.hotel); });
          undo.push_back([&, room] { ctx.step.run("cancel-hotel", [&] { travel.cancel_hotel(room); }); });

          ctx.step.run("charge", [&] { travel.charge(wanted.id, wanted.cents); });
          return {.status = "booked"};
        } catch (const inngest::step_error& problem) {  // its retries are used up
          for (auto step = undo.rbegin(); step != undo.rend(); ++step) (*step)();
          return {.status = "undone", .reason = problem.what()};
        }
      });
  // [saga]
}

}  // namespace patterns
