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
  return net::Tls::open(config.server.tls_certificate, config.server.tls_key, clock);
}

CertificateWatch::CertificateWatch(boost::asio::io_context& io, const Config& config,
                                   std::shared_ptr<net::Tls> tls)
    : certificate_(config.server.tls_certificate),
      key_(config.server.tls_key),
      tls_(std::move(tls)),
      hang_up_(io),
      timer_(io) {
  if (!tls_) return;
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
  if (auto done = tls_->reload(); !done)
    log::error("tls", "{}: the new certificate is not used and the former one stays: {}", because,
               done.error().message);
  else
    log::warn("tls", "{}: new connections get the certificate of {} as it is now", because,
              certificate_);
}

/// Also symbolic links that now point elsewhere are seen: it is the file in the end that is looked
/// at.
std::string CertificateWatch::state() const {
  std::string out;
  for (const auto& path : {certificate_, key_}) {
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
