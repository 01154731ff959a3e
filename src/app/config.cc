#include "app/config.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <fmt/format.h>

#include "domain/coordinates.h"

namespace parley::app {
namespace {

bool is_loopback(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

ConfigReader::Check one_of(const std::string& value, std::vector<std::string> allowed) {
  return [&value, allowed = std::move(allowed)]() -> Result<void> {
    if (std::ranges::find(allowed, value) != allowed.end()) return {};
    return fail(Code::invalid_argument, fmt::format("is one of {}", fmt::join(allowed, ", ")));
  };
}

ConfigReader::Check between(const std::size_t& value, std::size_t low, std::size_t high) {
  return [&value, low, high]() -> Result<void> {
    if (value >= low && value <= high) return {};
    return fail(Code::invalid_argument, fmt::format("is {} to {}", low, high));
  };
}

ConfigReader::Check at_least(const std::chrono::milliseconds& value,
                             std::chrono::milliseconds low) {
  return [&value, low]() -> Result<void> {
    if (value >= low) return {};
    return fail(Code::invalid_argument, fmt::format("is at least {}", low.count()));
  };
}

Result<void> check_url(std::string_view url) {
  const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
  if (url.empty() ||
      (plain && url.size() <= 1'024 && (url.starts_with("ws://") || url.starts_with("wss://"))))
    return {};
  return fail(Code::invalid_argument, "begins with ws:// or wss://, and has at most 1024 letters");
}

Result<void> check_zone(std::string_view zone) {
  const bool plain = std::ranges::none_of(
      zone, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (plain && zone.size() <= 64) return {};
  return fail(Code::invalid_argument, "has at most 64 bytes, none of them a line end");
}

Result<void> check_coordinates(std::string_view text) {
  if (text.empty() || parse_coordinates(text)) return {};
  return fail(Code::invalid_argument, "is LATITUDE,LONGITUDE: -90 to 90, -180 to 180");
}

}  // namespace

void Config::declare(ConfigReader& reader) {
  reader.add("server", "target", &server.target,
             "which services this process runs, separated by commas; see --list-targets");
  reader.add("server", "listen", &server.listen,
             "address and port for clients; port 0: any free one");
  reader.add("server", "admin", &server.admin,
             "address and port of /livez, /readyz and /metrics; empty: the port after `listen`, on "
             "loopback");
  reader.add("server", "data", &server.data, "folder of the stores; made at the first start");
  reader.add("server", "tls", &server.tls,
             "off: an address that is not loopback may be served without TLS",
             one_of(server.tls, {"", "off"}));
  reader.add("server", "tls_certificate", &server.tls_certificate,
             "file of the certificate and its chain, PEM: clients are served by TLS 1.2 and 1.3; "
             "read again when it changes and on SIGHUP");
  reader.add("server", "tls_key", &server.tls_key, "file of the certificate's private key, PEM");
  reader.add("server", "loops", &server.loops, "event loops; 0: one per core",
             between(server.loops, 0, 256));
  reader.add("server", "pool_threads", &server.pool_threads, "threads for work that blocks",
             between(server.pool_threads, 1, 256));
  reader.add("server", "proxies", &server.proxies,
             "addresses or networks of balancers before the clients' port; their connections, and "
             "no others, begin with a PROXY header that says for whom");
  reader.add(
      "server", "forwarders", &server.forwarders,
      "addresses or networks of balancers that speak HTTP and no PROXY, as nginx: for whom a "
      "request is, is the last address of its X-Forwarded-For; nobody else's is read");
  reader.add("log", "level", &log.level, "debug, info, warn or error",
             one_of(log.level, {"debug", "info", "warn", "error"}));
  reader.add(
      "traces", "endpoint", &traces.endpoint,
      "http://HOST:PORT of an OTLP collector that gets what happens to some messages; empty: "
      "nothing is traced");
  reader.add("traces", "sample_per_million", &traces.sample_per_million,
             "of so many messages; the same in all processes",
             between(traces.sample_per_million, 0, 1'000'000));
  reader.add("auth", "sign_up", &auth.sign_up,
             "open, invite or closed; empty: open on loopback, else invite",
             one_of(auth.sign_up, {"", "open", "invite", "closed"}));
  reader.add("auth", "invites", &auth.invites,
             "codes that let people sign up where sign_up = \"invite\"");
  reader.add("auth", "access_token_ms", &auth.access_token_ms, "how long an access token is valid");
  reader.add("auth", "failed_sign_ins_per_minute", &auth.failed_sign_ins_per_minute,
             "failed sign-ins of one name", between(auth.failed_sign_ins_per_minute, 1, 1'000'000));
  auto& limits = gateway.limits;
  reader.add("limits", "sends_per_second", &limits.sends_per_second,
             "messages of one connection, averaged");
  reader.add("limits", "requests_per_second", &limits.requests_per_second,
             "other requests of one connection");
  reader.add("limits", "unauthenticated_per_second", &gateway.unauthenticated_per_second,
             "requests without a token of one address; 0: unlimited");
  reader.add("limits", "unanswered_requests", &limits.unanswered_requests,
             "of one connection; beyond, its socket is not read",
             between(limits.unanswered_requests, 1, 65'536));
  reader.add("limits", "connections_per_device", &limits.connections_per_device,
             "sockets of one device", between(limits.connections_per_device, 1, 1'000));
  reader.add("limits", "connections", &gateway.edge.max_connections,
             "sockets in all; each is an open file");
  reader.add("limits", "connections_per_address", &gateway.edge.max_per_address,
             "sockets of one address; 0: unlimited");
  reader.add("limits", "hello_timeout_ms", &gateway.edge.hello_timeout,
             "from the handshake to hello");
  reader.add("limits", "stalled_close_ms", &gateway.edge.stalled_close,
             "a client that takes nothing is closed after this");
  reader.add("limits", "ping_after_ms", &gateway.edge.ping_after,
             "silence after which a client is pinged; well below the time-outs of balancers");
  reader.add("limits", "idle_close_ms", &gateway.edge.idle_close,
             "silence after which a client is closed");
  for (auto [name, address] :
       {std::pair("session", &services.session), std::pair("presence", &services.presence),
        std::pair("auth", &services.auth), std::pair("notification", &services.notification),
        std::pair("message", &services.message), std::pair("group", &services.group)})
    reader.add(
        "services", name, address,
        std::string("address and port at which other processes find ") + name +
            (address == &services.auth
                 ? " and user: of the one process, or of a balancer before several; or those "
                   "of several, separated by commas; or zookeeper, where they list themselves"
                 : ""));
  reader.add(
      "services", "user", &services.user,
      "likewise of user, which then may run in other processes than auth, over MySQL; empty: "
      "they run together");
  reader.add("services", "listen", &services.listen,
             "address and port of this auth or user process for other processes, where it is not "
             "the one address that they are told");
  reader.add("gateways", "", &gateways,
             "address and port at which other processes find each gateway, by its number");
  reader.add("gateway", "id", &gateway_id, "number of this gateway; no other has it",
             between(gateway_id, 1, 1'000'000));
  reader.add("gateway", "advertised_url", &discovery.advertised_url,
             "where clients find this gateway, for GET /v1/connect: wss://HOST/v1/ws; empty: made "
             "from the request's Host header, in a cluster from `server.listen`",
             [this] { return check_url(discovery.advertised_url); });
  reader.add("gateway", "zone", &discovery.zone,
             "name of the place where this gateway is, for GET /v1/connect",
             [this] { return check_zone(discovery.zone); });
  reader.add("gateway", "coordinates", &discovery.coordinates,
             "where that is: LATITUDE,LONGITUDE in degrees, as 50.11,8.68",
             [this] { return check_coordinates(discovery.coordinates); });
  reader.add("gateway", "address_places", &discovery.address_places,
             "file in MaxMind's format (as GeoLite2 City) that says where clients are by their "
             "addresses; empty: that is not known");
  reader.add("peer_tls", "certificate", &peer_tls.certificate,
             "PEM file of the certificate by which other processes know this one, valid for its "
             "address; they then speak mutual TLS, and nobody is heard without; read again when it "
             "changes and on SIGHUP");
  reader.add("peer_tls", "key", &peer_tls.key, "PEM file of its key");
  reader.add("peer_tls", "authority", &peer_tls.authority,
             "PEM file of who signed the certificates of all processes");
  reader.add("messages", "", &messages,
             "address and port at which other processes find each message process, by its number; "
             "several share the conversations, which are then in Cassandra");
  reader.add("admin", "", &admins,
             "address and port at which each process answers operators (its server.admin), by a "
             "name: where `parleyd doctor` asks; gateways, message processes and what else "
             "ZooKeeper lists it finds by itself");
  reader.add("message", "id", &message_id, "number of this message process; no other has it",
             between(message_id, 1, 1'000'000));
  reader.add("message", "cached_conversations", &message.cached_conversations,
             "kept in memory while idle", between(message.cached_conversations, 64, 100'000'000));
  reader.add("message", "confirm_within_ms", &message.confirm_within,
             "no device confirms within this: push");
  reader.add("zookeeper", "addresses", &zookeeper.addresses,
             "HOST:PORT,HOST:PORT: who owns which conversations is decided there, and their logs "
             "are in Cassandra; empty: one message process, its log in the data folder");
  reader.add("zookeeper", "prefix", &zookeeper.prefix, "whose nodes below are this system's");
  reader.add("zookeeper", "session_timeout_ms", &zookeeper.session_timeout,
             "a process that is silent for so long has lost what it owned",
             at_least(zookeeper.session_timeout, std::chrono::seconds(1)));
  reader.add("zookeeper", "lease_ms", &zookeeper.lease,
             "how long after the sending of a renewal what a process owns is certainly its own",
             at_least(zookeeper.lease, std::chrono::milliseconds(500)));
  reader.add("kafka", "addresses", &kafka.addresses,
             "HOST:PORT,HOST:PORT: the stream of stored entries, where conversations are in "
             "Cassandra");
  reader.add("kafka", "topic", &kafka.topic, "name of that stream");
  reader.add("kafka", "lanes", &kafka.lanes, "its partitions, when it is made",
             between(kafka.lanes, 1, 10'000));
  reader.add("kafka", "replication", &kafka.replication, "its copies, when it is made",
             between(kafka.replication, 1, 9));
  reader.add(
      "session", "gateway_timeout_ms", &session.gateway_timeout,
      "a gateway that is silent for so long is dropped with its users; it is heard every 5 s",
      at_least(session.gateway_timeout, std::chrono::seconds(10)));
  reader.add("redis", "address", &redis.address,
             "address and port of the Redis that session services share; empty: one session "
             "service keeps who is where in its memory");
  reader.add("redis", "user", &redis.user, "name to sign in to Redis with; empty: its default");
  reader.add("redis", "password_file", &redis.password_file,
             "file of the password for Redis, one line; empty: it asks for none");
  reader.add("redis", "database", &redis.database, "number of the database in Redis",
             between(redis.database, 0, 65'535));
  reader.add("presence", "grace_ms", &presence.grace,
             "watchers hear that somebody is offline after this, unless there is a new session");
  reader.add("mysql", "address", &mysql.address,
             "host and port of a MySQL server (MariaDB), which then keeps accounts, groups and "
             "pushes; `parleyd migrate` makes its tables; empty: SQLite in the data folder");
  reader.add("mysql", "database", &mysql.database, "name of the database there");
  reader.add("mysql", "user", &mysql.user, "who signs in there");
  reader.add_secret("mysql", "password", &mysql.password, "their password");
  reader.add("mysql", "password_file", &mysql.password_file,
             "file whose first line is the password, instead of `password`");
  reader.add("mysql", "connections", &mysql.connections,
             "of one store of one process at once, opened when needed",
             between(mysql.connections, 1, 1'000));
  reader.add(
      "cassandra", "addresses", &cassandra.addresses,
      "some nodes of a Cassandra cluster, HOST:PORT,HOST:PORT, which then keeps when people "
      "were last seen; `parleyd migrate` makes its tables; empty: SQLite in the data folder");
  reader.add("cassandra", "keyspace", &cassandra.keyspace, "name of the keyspace there");
  reader.add("cassandra", "local_dc", &cassandra.local_dc,
             "only nodes of this data centre are asked; empty: all");
  reader.add("cassandra", "replication", &cassandra.replication,
             "copies of each row in a data centre, when `parleyd migrate` makes the keyspace",
             between(cassandra.replication, 1, 9));
  reader.add("cassandra", "user", &cassandra.user, "who signs in there; empty: nobody");
  reader.add_secret("cassandra", "password", &cassandra.password, "their password");
  reader.add("cassandra", "password_file", &cassandra.password_file,
             "file whose first line is the password, instead of `password`");
  reader.add("store", "flush_entries", &store.flush_entries,
             "messages kept in the log before they are sorted into tables",
             between(store.flush_entries, 1'000, 10'000'000));
  reader.add("store", "cache_mib", &store.cache_mib, "read cache",
             between(store.cache_mib, 1, 1'000'000));
}

Result<void> Config::complete() {
  PARLEY_TRY(listen, parse_address(server.listen));
  if (server.admin.empty())
    server.admin =
        fmt::format("127.0.0.1:{}", listen.port == 0 || listen.port == 65535 ? 0 : listen.port + 1);
  if (auto admin = parse_address(server.admin); !admin) return std::unexpected(admin.error());
  for (const auto& [name, address] : admins)
    if (auto good = parse_address(address); !good)
      return fail(Code::invalid_argument,
                  fmt::format("[admin] {}: {}", name, good.error().message));
  if (!traces.endpoint.empty() && !traces.endpoint.starts_with("http://") &&
      !traces.endpoint.starts_with("https://"))
    return fail(Code::invalid_argument,
                fmt::format("traces.endpoint = \"{}\" is not http://HOST:PORT", traces.endpoint));
  while (traces.endpoint.ends_with('/')) traces.endpoint.pop_back();
  if (!redis.address.empty()) PARLEY_TRY_VOID(parse_address(redis.address));
  auto proxies = net::Networks::parse(server.proxies);
  if (!proxies) return fail(Code::invalid_argument, "server.proxies: " + proxies.error().message);
  gateway.edge.proxies = std::move(*proxies);
  auto forwarders = net::Networks::parse(server.forwarders);
  if (!forwarders)
    return fail(Code::invalid_argument, "server.forwarders: " + forwarders.error().message);
  gateway.edge.forwarders = std::move(*forwarders);
  const bool loopback = is_loopback(listen.host);
  if (server.tls_certificate.empty() != server.tls_key.empty())
    return fail(Code::invalid_argument,
                fmt::format("server.{} is set and server.{} is not: TLS needs the certificate and "
                            "its key",
                            server.tls_key.empty() ? "tls_certificate" : "tls_key",
                            server.tls_key.empty() ? "tls_key" : "tls_certificate"));
  const bool encrypted = !server.tls_certificate.empty();
  if (encrypted && server.tls == "off")
    return fail(Code::invalid_argument,
                "server.tls = \"off\" and a certificate is set: leave out one of them");
  if (!loopback && !encrypted && server.tls != "off")
    return fail(Code::invalid_argument,
                fmt::format("server.listen = \"{}\" can be reached from other machines and there "
                            "is no TLS: set tls_certificate and tls_key under [server], or serve "
                            "it behind a proxy that ends TLS and say tls = \"off\" there",
                            server.listen));
  const std::pair<const char*, const std::string&> peer_files[] = {
      {"certificate", peer_tls.certificate},
      {"key", peer_tls.key},
      {"authority", peer_tls.authority}};
  for (const auto& [name, file] : peer_files)
    for (const auto& [other, other_file] : peer_files)
      if (file.empty() && !other_file.empty())
        return fail(Code::invalid_argument,
                    fmt::format("peer_tls.{} is set and peer_tls.{} is not: TLS between processes "
                                "needs certificate, key and authority",
                                other, name));
  if (many_logs() && (cassandra.addresses.empty() || kafka.addresses.empty() || messages.empty()))
    return fail(Code::invalid_argument,
                "zookeeper.addresses is set: cassandra.addresses, kafka.addresses and at least one "
                "line under [messages] are needed with it");
  if (!many_logs() && !messages.empty())
    return fail(Code::invalid_argument,
                "[messages] names message processes, which share conversations by ZooKeeper: set "
                "zookeeper.addresses, or name the one message process under [services]");
  if (!mysql.address.empty())
    if (auto parsed = parse_remote_address(mysql.address); !parsed)
      return fail(Code::invalid_argument, "mysql.address: " + parsed.error().message);
  if (!cassandra.password.empty() && !cassandra.password_file.empty())
    return fail(Code::invalid_argument,
                "cassandra.password and cassandra.password_file are both set: leave out one of "
                "them");
  if (!mysql.password.empty() && !mysql.password_file.empty())
    return fail(Code::invalid_argument,
                "mysql.password and mysql.password_file are both set: leave out one of them");
  if (mysql.database.empty() || mysql.database.size() > 64 ||
      mysql.database.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != std::string::npos)
    return fail(Code::invalid_argument,
                "mysql.database has 1 to 64 letters, digits and underscores");
  if (auth.sign_up.empty()) auth.sign_up = loopback ? "open" : "invite";
  return {};
}

}  // namespace parley::app
