#pragma once
#include <condition_variable>
#include <map>
#include <mutex>

#include "ports/stream.h"

namespace parley::stream {

class MemoryConsumer;

/// The records, and how far each group is. Any thread; outlives its ends.
class MemoryStream {
 public:
  explicit MemoryStream(std::uint32_t lanes) : lanes_(lanes) {}

 private:
  friend class MemoryPublisher;
  friend class MemoryConsumer;

  struct Group {
    std::vector<MemoryConsumer*> members;
    std::map<Lane, std::uint64_t> committed;  // the offset to begin at
    std::map<Lane, MemoryConsumer*> owners;
  };

  std::mutex mutex_;
  std::condition_variable published_;
  std::vector<std::vector<StreamRecord>> lanes_;
  std::map<std::string, Group> groups_;
};

/// Answers from within `publish`.
class MemoryPublisher final : public StreamPublisher {
 public:
  explicit MemoryPublisher(MemoryStream& stream) : stream_(stream) {}
  Result<void> publish(std::string_view key, std::string_view value, Done done) override;
  std::size_t waiting() const override { return 0; }

 private:
  MemoryStream& stream_;
  std::mutex answering_;
};

class MemoryConsumer final : public StreamConsumer {
 public:
  MemoryConsumer(MemoryStream& stream, std::string group, StreamLanes lanes);
  ~MemoryConsumer() override;
  Result<std::vector<StreamRecord>> read(std::size_t limit,
                                         std::chrono::milliseconds patience) override;
  void passed(StreamPlace place) override;
  Result<void> commit() override;
  Result<void> seek(StreamPlace place) override;
  std::vector<LaneLag> lag() const override;

 private:
  struct Own {
    std::uint64_t next = 0;    // to be read
    std::uint64_t passed = 0;  // everything before it is
  };

  /// Gives up, then takes, what the present members' shares demand.
  void rebalance();
  void give_up(const std::vector<Lane>& lanes);

  MemoryStream& stream_;
  MemoryStream::Group& group_;
  const StreamLanes listener_;
  std::map<Lane, Own> own_;
};

}  // namespace parley::stream
