#pragma once
#include "adapters/shared/cassandra/session.h"
#include "adapters/shared/mysql/settings.h"
#include "adapters/stream/kafka/settings.h"
#include "app/config.h"

namespace parley::app {

/// The MySQL server that the configuration names. `invalid_argument`: it names none, or its
/// password cannot be read.
Result<mysql::Settings> mysql_settings(const Config& config);

/// The same of the Cassandra cluster.
Result<cassandra::Settings> cassandra_settings(const Config& config);

/// The stream that the configuration names.
stream::KafkaSettings kafka_of(const Config& config);
stream::TopicSettings topic_of(const Config& config);

/// `parleyd migrate`: takes the tables of every store that the configuration names to the version
/// that this program needs, and prints what it did.
Result<void> migrate(const Config& config);

}  // namespace parley::app
