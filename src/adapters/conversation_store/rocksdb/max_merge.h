#pragma once
#include <memory>
#include <rocksdb/merge_operator.h>

namespace parley {

/// How rows of `inbox` and `marks` join: the greater of each field (of a flag: set
/// once, set for ever), so a row is written without
/// reading the one before.
std::shared_ptr<rocksdb::MergeOperator> inbox_merge();
std::shared_ptr<rocksdb::MergeOperator> marks_merge();

}  // namespace parley
