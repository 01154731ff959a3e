#pragma once
#include <ctime>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/codes.h"
#include "base/ids.h"
#include "net/http_message.h"

namespace parley::net {

/// The whole response, ready to be written. `head_only`: as for GET, but without the body. `date`
/// is what `http_date` gives.
SharedBytes encode_response(const HttpResponse& response, bool keep_alive, bool head_only,
                            std::string_view date);

/// The head of an answer whose body is server-sent events and ends with the connection, so that
/// proxies that know HTTP/1.0 alone pass it on, too.
SharedBytes encode_stream_head(std::string_view date);

/// The last event: `event: close`, with the code and the reason of a close frame as JSON.
SharedBytes encode_last_event(CloseCode code, std::string_view reason);

/// IMF-fixdate (RFC 9110 section 5.6.7). The process runs in the C locale.
std::string http_date(TimeMs now);

}  // namespace parley::net
