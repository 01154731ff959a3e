#include "client/wire.h"

#include <fmt/format.h>

#include "base/codes.h"

namespace parley::client {

End closed_by(unsigned code, std::string_view reason) {
  const auto& row = parley::describe(static_cast<CloseCode>(code));
  const bool ours = code >= 4000 && code <= 4999;
  const bool come_back = row.number ? row.retryable : ours ? code < 4500 : true;
  return End{{.code = std::string(row.number ? row.name : "closed"),
              .message = std::string(!reason.empty() ? reason
                                     : row.number    ? row.meaning
                                                     : "the server closed"),
              .retryable = come_back},
             come_back};
}

std::unexpected<End> broke(std::string_view why) {
  return std::unexpected(End{unreachable(fmt::format("the connection broke: {}", why)).error()});
}

}  // namespace parley::client
