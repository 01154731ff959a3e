#pragma once
// Between gRPC's buffers and messages.
namespace google::protobuf {
class MessageLite;
}
namespace grpc {
class ByteBuffer;
}
namespace parley::rpc {

grpc::ByteBuffer to_buffer(const google::protobuf::MessageLite& message);
/// False: not a message of this kind.
bool from_buffer(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite& message);

/// Metadata of every call.
inline constexpr const char* kVersionHeader = "parley-rpc-version";

}  // namespace parley::rpc
