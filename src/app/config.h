#pragma once
#include <map>

#include "base/config_reader.h"
#include "base/host_port.h"
#include "rpc/security.h"
#include "services/gateway/settings.h"
#include "services/message/settings.h"
#include "services/presence/settings.h"
#include "services/session/settings.h"

namespace parley::app {

/// Every setting of a process; `declare` says what they mean.
struct Config {
  struct {
    std::string target = "all";
    std::string listen = "127.0.0.1:7070";
    std::string admin;
    std::string data = "parley-data";
    std::string tls;
    std::string tls_certificate, tls_key;
    std::vector<std::string> proxies, forwarders;
    std::size_t loops = 0;
    std::size_t pool_threads = 4;
  } server;
  struct {
    std::string level = "warn";
  } log;
  struct {
    std::string sign_up;
    std::vector<std::string> invites;
    std::chrono::milliseconds access_token_ms{15 * 60 * 1000};
    std::size_t failed_sign_ins_per_minute = 10;
  } auth;
  struct {  // where other processes find them
    std::string session, presence, auth, notification, message, group;
    std::string user;    // empty: with auth
    std::string listen;  // of auth and user, where the above does not say it
  } services;
  std::map<std::string, std::string> gateways;  // likewise, by id
  std::size_t gateway_id = 1;
  struct {
    std::string advertised_url, zone, coordinates, address_places;
  } discovery;
  std::map<std::string, std::string> messages;  // where several message processes are, by id
  std::size_t message_id = 1;
  struct {
    std::string endpoint;
    std::size_t sample_per_million = 1'000;
  } traces;
  std::map<std::string, std::string> admins;  // where processes answer operators, by any name
  struct {
    std::string addresses, prefix = "/parley";
    std::chrono::milliseconds session_timeout{6'000}, lease{2'000};
  } zookeeper;
  struct {
    std::string addresses, topic = "parley-feed";
    std::size_t lanes = 64, replication = 3;
  } kafka;
  gateway::Settings gateway;
  message::Settings message;
  session::Settings session;
  struct {  // by which processes know each other
    std::string certificate, key, authority;
    rpc::SecurityPtr opened;  // null: nothing is encrypted between them
  } peer_tls;
  struct {  // empty: what services share is in the memory of one process
    std::string address, user, password_file;
    std::size_t database = 0;
  } redis;
  presence::Settings presence;
  struct {
    std::string address, user = "parley", password, password_file, database = "parley";
    std::size_t connections = 8;
  } mysql;
  struct {
    std::string addresses, keyspace = "parley", local_dc;
    std::string user, password, password_file;
    std::size_t replication = 3;
  } cassandra;
  struct {
    std::size_t flush_entries = 100'000;
    std::size_t cache_mib = 8;
  } store;

  /// Conversations have logs of their own, in Cassandra, and any number of message processes.
  bool many_logs() const { return !zookeeper.addresses.empty(); }

  void declare(ConfigReader& reader);
  /// What no single setting can say: addresses are numeric, TLS, sign-up policy. Fills what follows
  /// from others.
  Result<void> complete();
};

}  // namespace parley::app
