#pragma once
#include "services/gateway/rest/call.h"

namespace parley::gateway::rest {

/// The HTTP interface of one loop: finds the operation, checks the caller's token and rate, runs
/// the handler, and turns an error into its answer. The loop's thread.
class Router {
 public:
  Router(Shared& shared, Inflight& inflight, Streams& streams, boost::asio::io_context& io);

  /// `connection`: where the request waits; an operation may have answered it by a stream, and
  /// what is returned is then for nobody.
  Awaitable<net::HttpResponse> answer(net::ConnectionId connection, net::HttpRequest request);

  /// Drops rate states that say nothing any more.
  void forget_idle();

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Found {
    const Route* route = nullptr;
    std::vector<std::string> parts;
    std::string allowed;  // methods of this path, where there is no route
  };
  Found find(std::string_view method, const std::vector<std::string>& path) const;
  Result<void> admit(const Route& route, Call& call);
  Result<Principal> identify(Route::Access access, Call& call);

  Context context_;
  std::vector<Route> routes_;
  RateTable strangers_;  // by address
  RateTable requests_;   // by device
  RateTable sends_;
};

}  // namespace parley::gateway::rest
