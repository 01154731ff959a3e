#pragma once
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "tests/support/disk/disk.h"

namespace parley::test {

inline const ConversationId kNotes = ConversationId::direct(UserId(7), UserId(7));

inline Result<std::unique_ptr<RocksdbConversationStore>> open_on(const Disk& disk) {
  RocksdbConversationStoreSettings settings;
  settings.segment_bytes = 16 << 10;
  settings.reserve_bytes = 64 << 10;
  settings.flush_bytes = 64 << 10;
  settings.files = disk.log_files();
  settings.env = disk.env();
  return RocksdbConversationStore::open("/store", settings);
}

/// Commits entry `seq` of one conversation, `bytes` long, and waits for the answer.
inline Result<std::uint64_t> send(ConversationStore& store, std::uint64_t seq,
                                  std::size_t bytes = 200) {
  auto entry = std::make_shared<Entry>();
  entry->conversation = kNotes;
  entry->seq = Seq(seq);
  entry->id = MessageId(seq);
  entry->sender = UserId(7);
  entry->time = TimeMs(static_cast<std::int64_t>(seq));
  entry->client_message_id = "key " + std::to_string(seq);
  entry->body = std::string(bytes, static_cast<char>('a' + seq % 26));
  std::promise<Result<std::uint64_t>> answer;
  auto future = answer.get_future();
  store.commit(store.info().generation, entry->time, {{kNotes, {entry}, {UserId(7)}, false, {}}},
               [&](Result<std::uint64_t> result) { answer.set_value(std::move(result)); });
  if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
    ADD_FAILURE() << "not answered within 30 s";
    std::abort();  // the answer would come to a promise that is gone
  }
  return future.get();
}

/// Whether exactly the first `count` entries are there.
inline void expect_entries(ConversationStore& store, std::uint64_t count) {
  const auto read = store.read(kNotes, Seq(1), Seq(UINT64_MAX), 1'000'000, false);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), count);
  for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ((*read)[i]->seq, Seq(i + 1));
}

inline void expect_one_line(const Error& error, Code code, const std::string& names) {
  EXPECT_EQ(error.code, code) << error.message;
  EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(names), std::string::npos) << names << ": " << error.message;
}

}  // namespace parley::test
