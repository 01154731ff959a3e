#include "adapters/blobs/s3/xml.h"

#include <ctime>

namespace parley::blobs {

std::vector<std::string> xml_parts(std::string_view xml, std::string_view name) {
  const auto begin = "<" + std::string(name) + ">", end = "</" + std::string(name) + ">";
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    at = xml.find(begin, at);
    if (at == xml.npos) return out;
    at += begin.size();
    const auto to = xml.find(end, at);
    if (to == xml.npos) return out;
    out.emplace_back(xml.substr(at, to - at));
    at = to + end.size();
  }
}

std::string xml_text(std::string_view xml, std::string_view name) {
  auto parts = xml_parts(xml, name);
  return parts.empty() ? "" : std::move(parts.front());
}

Result<std::int64_t> xml_time_ms(const std::string& text) {
  std::tm utc{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (!rest) return fail(Code::internal, "the S3 store says a time in another form: " + text);
  return static_cast<std::int64_t>(::timegm(&utc)) * 1'000;
}

}  // namespace parley::blobs
