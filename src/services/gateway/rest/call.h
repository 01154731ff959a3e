#pragma once
#include <map>
#include <string>
#include <vector>

#include "services/gateway/inflight.h"
#include "services/gateway/shared.h"
#include "services/gateway/streams.h"
#include "services/gateway/validate.h"
#include "wire/json_reader.h"

namespace parley::gateway::rest {

/// What handlers use of their loop.
struct Context {
  Shared& shared;
  Inflight& inflight;
  Streams& streams;
  boost::asio::io_context& io;
  wire::JsonReader json;
};

/// One request on its way through its handler.
struct Call {
  Context& context;
  net::ConnectionId connection;
  net::HttpRequest request;
  std::map<std::string, std::string, std::less<>> query;  // decoded; of a name, the last
  std::vector<std::string> parts;                         // what `{...}` of the pattern stood for
  Principal who = {};                                     // of operations for those signed in
  v1::ClientFrame hello = {};                             // of those that begin a session

  const Services& services() const { return context.shared.services; }
  Asker asker() const { return {who.user, who.device}; }

  /// The body, as JSON. `malformed` with the field at fault.
  Result<void> read_body(google::protobuf::Message& out);
  /// A number of the query, or of the path; 0 where it is absent.
  Result<std::uint64_t> number(std::string_view name) const;
  static Result<std::uint64_t> number(std::string_view text, std::string_view field);
  std::string_view text(std::string_view name) const;
};

using Answer = Result<net::HttpResponse>;
using Handler = Awaitable<Answer> (*)(Call&);

net::HttpResponse json(const google::protobuf::Message& body, unsigned status = 200);
/// `{}`: done, and nothing to say.
net::HttpResponse done();
net::HttpResponse error_response(const Error& error);
unsigned http_status(Code code);

struct Route {
  /// `by_hello`: the body is a hello, which says who, or else the header does. `in_session`: by an
  /// access token or a resume ticket.
  enum class Access { anyone, signed_in, by_hello, in_session };
  std::string_view method;
  std::string_view pattern;    // `/v1/users/{id}`
  std::string_view operation;  // its name in the OpenAPI description
  Access access;
  Handler handler;
};

// One file per group.
std::vector<Route> account_routes();
std::vector<Route> profile_routes();
std::vector<Route> message_routes();
std::vector<Route> group_routes();
std::vector<Route> stream_routes();
std::vector<Route> connect_routes();
std::vector<Route> public_routes();
/// The groups above together: what is served.
std::vector<Route> all_routes();

}  // namespace parley::gateway::rest
