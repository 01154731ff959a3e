#include "app/certificate.h"

#include <boost/asio.hpp>
#include <csignal>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/log.h"

namespace parley::app {
namespace {
constexpr std::chrono::seconds kLookEvery{2};
}

Result<std::shared_ptr<net::Tls>> open_certificate(const Config& config, const Clock& clock) {
  if (config.server.tls_certificate.empty()) return nullptr;
  return net::Tls::open({"server.tls_certificate", "server.tls_key", config.server.tls_certificate,
                         config.server.tls_key},
                        clock);
}

Result<std::shared_ptr<rpc::Security>> open_peer_certificate(const Config& config,
                                                             const Clock& clock) {
  if (config.peer_tls.certificate.empty()) return nullptr;
  return rpc::Security::open(
      {"peer_tls.certificate", "peer_tls.key", config.peer_tls.certificate, config.peer_tls.key},
      config.peer_tls.authority, clock);
}

CertificateWatch::CertificateWatch(boost::asio::io_context& io, std::string whose,
                                   std::vector<std::string> files,
                                   std::function<Result<void>()> reload)
    : whose_(std::move(whose)),
      files_(std::move(files)),
      reload_(std::move(reload)),
      hang_up_(io),
      timer_(io) {
  seen_ = state();
  hang_up_.add(SIGHUP);
  wait_for_signal();
  wait_for_change();
}

void CertificateWatch::wait_for_signal() {
  hang_up_.async_wait([this](boost::system::error_code cancelled, int) {
    if (cancelled) return;
    reload("SIGHUP");
    wait_for_signal();
  });
}

void CertificateWatch::wait_for_change() {
  timer_.expires_after(kLookEvery);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    if (state() != seen_) reload("its files have changed");
    wait_for_change();
  });
}

void CertificateWatch::reload(std::string_view because) {
  seen_ = state();
  if (auto done = reload_(); !done)
    log::error("tls", "{}: the new certificate of {} is not used and the former one stays: {}",
               because, whose_, done.error().message);
  else
    log::warn("tls", "{}: new connections of {} get the certificate of {} as it is now", because,
              whose_, files_.front());
}

/// Also symbolic links that now point elsewhere are seen: it is the file in the end that is looked
/// at.
std::string CertificateWatch::state() const {
  std::string out;
  for (const auto& path : files_) {
    struct stat file{};
    if (::stat(path.c_str(), &file) == 0)
      out += fmt::format("{} {} {} {}.{};", file.st_dev, file.st_ino, file.st_size,
                         file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
    else
      out += "none;";
  }
  return out;
}

}  // namespace parley::app
