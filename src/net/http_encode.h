#pragma once
#include <ctime>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "net/http_message.h"

namespace parley::net {

/// The whole response, ready to be written. `head_only`: as for GET, but without the body. `date`
/// is what `http_date` gives.
SharedBytes encode_response(const HttpResponse& response, bool keep_alive, bool head_only,
                            std::string_view date);

/// IMF-fixdate (RFC 9110 section 5.6.7). The process runs in the C locale.
std::string http_date(TimeMs now);

}  // namespace parley::net
