#include "services/gateway/heartbeat.h"

#include <boost/asio.hpp>

namespace parley::gateway {

void Heartbeat::beat() {
  shared_.services.sessions.heartbeat(shared_.id, [this](bool known) {
    if (!known && !stopped_) say_again_();
  });
  timer_.expires_after(shared_.settings.heartbeat_every);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled && !stopped_) beat();
  });
}

void Heartbeat::stop() {
  stopped_ = true;
  timer_.cancel();
}

}  // namespace parley::gateway
