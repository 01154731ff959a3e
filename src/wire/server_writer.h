#pragma once
#include <span>
#include <string>
#include <string_view>

#include "domain/entry.h"
#include "parley/v1/frames.pb.h"
#include "wire/subprotocol.h"

namespace parley::wire {

/// The payload of one WebSocket message with that frame: a ServerBatch of one, or a JSON object.
std::string encode(Subprotocol subprotocol, const v1::ServerFrame& frame);

/// An unasked `entry` frame, as a whole payload.
std::string encode_entry(Subprotocol subprotocol, const Entry& entry);

/// `result.sent`, as a whole payload.
std::string encode_sent(Subprotocol subprotocol, std::uint64_t re, const ConversationId& where,
                        const Head& sent);

/// Appends a frame to a payload of `parley.v1.pb`: the concatenation of batches is a batch.
void append_frame(std::string& batch, const v1::ServerFrame& frame);
void append_sent(std::string& batch, std::uint64_t re, const ConversationId& where,
                 const Head& sent);

/// Appends a v1::Entry without a tag of its own.
void append_entry(std::string& out, const Entry& entry);

/// For answers that are built as messages.
void to_proto(const Entry& entry, v1::Entry& out);

/// The bytes of a v1::Body that holds this text: one form for one content, whoever sent it.
std::string encode_body(std::string_view text);

}  // namespace parley::wire
