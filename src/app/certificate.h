#pragma once
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/clock.h"
#include "net/tls.h"
#include "rpc/security.h"

namespace parley::app {

/// The certificate that the settings name, for the gateway's edges; null where there is none. The
/// error is a sentence for the person who starts the process.
Result<std::shared_ptr<net::Tls>> open_certificate(const Config& config, const Clock& clock);
/// By which processes know each other; null where the settings name none. Likewise.
Result<std::shared_ptr<rpc::Security>> open_peer_certificate(const Config& config,
                                                             const Clock& clock);

/// Takes up a new certificate without a restart: on SIGHUP, and within seconds of a change of its
/// files. One that is no good is told in the log, and the former one stays. For the thread of `io`.
class CertificateWatch {
 public:
  /// `whose`: of what they are the certificates, for the log. `reload` reads the files again.
  CertificateWatch(boost::asio::io_context& io, std::string whose, std::vector<std::string> files,
                   std::function<Result<void>()> reload);

 private:
  void wait_for_signal();
  void wait_for_change();
  void reload(std::string_view because);
  std::string state() const;

  const std::string whose_;
  const std::vector<std::string> files_;
  const std::function<Result<void>()> reload_;
  boost::asio::signal_set hang_up_;
  boost::asio::steady_timer timer_;
  std::string seen_;  // what the files looked like when they were last read
};

}  // namespace parley::app
