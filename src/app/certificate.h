#pragma once
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/clock.h"
#include "net/tls.h"

namespace parley::app {

/// The certificate that the settings name, for the gateway's edges; null where there is none. The
/// error is a sentence for the person who starts the process.
Result<std::shared_ptr<net::Tls>> open_certificate(const Config& config, const Clock& clock);

/// Takes up a new certificate without a restart: on SIGHUP, and within seconds of a change of its
/// files. One that is no good is told in the log, and the former one stays. For the thread of `io`.
class CertificateWatch {
 public:
  CertificateWatch(boost::asio::io_context& io, const Config& config,
                   std::shared_ptr<net::Tls> tls);

 private:
  void wait_for_signal();
  void wait_for_change();
  void reload(std::string_view because);
  std::string state() const;

  const std::string certificate_, key_;
  std::shared_ptr<net::Tls> tls_;
  boost::asio::signal_set hang_up_;
  boost::asio::steady_timer timer_;
  std::string seen_;  // what the files looked like when they were last read
};

}  // namespace parley::app
