#pragma once
#include "parley/rpc/v1/message.pb.h"
#include "rpc/method.h"

namespace parley::rpc::message_methods {

inline constexpr Method<v1::ChangesRequest, v1::ChangesAnswer> kChanges{
    "/parley.rpc.v1.Message/Changes"};
inline constexpr Method<v1::EntriesRequest, v1::EntriesAnswer> kEntries{
    "/parley.rpc.v1.Message/Entries"};
inline constexpr Method<v1::HistoryRequest, v1::HistoryAnswer> kHistory{
    "/parley.rpc.v1.Message/History"};
inline constexpr Method<v1::HeadRequest, v1::HeadAnswer> kHead{"/parley.rpc.v1.Message/Head"};
inline constexpr Method<v1::AppendRequest, v1::HeadAnswer> kAppend{"/parley.rpc.v1.Message/Append"};
inline constexpr Method<v1::MarksRequest, v1::MarksAnswer> kMarks{"/parley.rpc.v1.Message/Marks"};
inline constexpr Method<v1::ReceiptsRequest, v1::ReceiptsAnswer> kReceipts{
    "/parley.rpc.v1.Message/Receipts"};
inline constexpr Method<v1::VisibleRequest, v1::VisibleAnswer> kVisible{
    "/parley.rpc.v1.Message/Visible"};
inline constexpr Method<v1::ViewRequest, v1::ConversationView> kView{"/parley.rpc.v1.Message/View"};
inline constexpr Method<v1::ConversationsRequest, v1::ConversationsAnswer> kConversations{
    "/parley.rpc.v1.Message/Conversations"};

}  // namespace parley::rpc::message_methods
