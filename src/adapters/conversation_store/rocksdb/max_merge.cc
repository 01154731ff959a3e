#include "adapters/conversation_store/rocksdb/max_merge.h"

#include "adapters/shared/rows/rows.h"

namespace parley {
namespace {

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
      joined.merge(other);
    }
    encode(joined, *out);
    return true;
  }

 private:
  const char* name_;
};

}  // namespace

// The names are kept in the tables: another way to join what rows have needs another name. A field
// that older rows lack is zero in them.
std::shared_ptr<rocksdb::MergeOperator> inbox_merge() {
  return std::make_shared<MaxMerge<rows::InboxValue>>("parley.inbox.max");
}
std::shared_ptr<rocksdb::MergeOperator> marks_merge() {
  return std::make_shared<MaxMerge<Marks>>("parley.marks.max");
}

}  // namespace parley
