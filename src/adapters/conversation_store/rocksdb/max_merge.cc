#include "adapters/conversation_store/rocksdb/max_merge.h"

#include <algorithm>

#include "adapters/conversation_store/rocksdb/rows.h"

namespace parley {
namespace {

void join(rows::InboxValue& into, const rows::InboxValue& other) {
  into.changed = std::max(into.changed, other.changed);
  into.head = std::max(into.head, other.head);
}
void join(Marks& into, const Marks& other) { into.merge(other); }
void encode(const rows::InboxValue& value, std::string& out) { rows::encode_inbox(value, out); }
void encode(const Marks& value, std::string& out) { rows::encode_marks(value, out); }

template <class Value>
class MaxMerge final : public rocksdb::AssociativeMergeOperator {
 public:
  explicit MaxMerge(const char* name) : name_(name) {}
  const char* Name() const override { return name_; }
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* out, rocksdb::Logger*) const override {
    Value joined, other;
    if (!rows::decode(value.ToStringView(), joined)) return false;
    if (existing != nullptr) {
      if (!rows::decode(existing->ToStringView(), other)) return false;
      join(joined, other);
    }
    encode(joined, *out);
    return true;
  }

 private:
  const char* name_;
};

}  // namespace

// The names are kept in the tables: another way to join needs another name.
std::shared_ptr<rocksdb::MergeOperator> inbox_merge() {
  return std::make_shared<MaxMerge<rows::InboxValue>>("parley.inbox.max");
}
std::shared_ptr<rocksdb::MergeOperator> marks_merge() {
  return std::make_shared<MaxMerge<Marks>>("parley.marks.max");
}

}  // namespace parley
