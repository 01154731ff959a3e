#include "adapters/coordination/zookeeper/session.h"

#include "base/log.h"
#include "base/thread.h"

namespace parley::coordination {

Session::Session(Settings settings, std::function<void(std::string)> changed)
    : settings_(std::move(settings)), changed_(std::move(changed)), since_(clock_.mono()) {}

Session::~Session() { stop(); }

void Session::start() {
  thread_ = std::thread([this] {
    name_thread("coordination");
    run_thread();
  });
}

void Session::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Session::listen(Coordination::Listener listener) {
  const std::lock_guard lock(telling_);
  listeners_.push_back(listener);
  if (told_open_) listener(SessionEvent::opened);
}

void Session::tell(SessionEvent event) {
  const std::lock_guard lock(telling_);
  told_open_ = event == SessionEvent::opened || event == SessionEvent::renewed;
  for (const auto& listener : listeners_) listener(event);
}

Result<Session::Present> Session::present() const {
  const std::lock_guard lock(mutex_);
  if (present_) return *present_;
  const auto ago = std::chrono::duration_cast<std::chrono::seconds>(clock_.mono() - since_);
  return fail(Code::unavailable,
              fmt::format("ZooKeeper at {} has not answered for {} s: is it running there?",
                          settings_.addresses, ago.count()));
}

bool Session::wait_open(std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, limit, [this] { return present_.has_value(); });
}

void Session::run_thread() {
  for (bool warned = false;;) {
    if (open()) {
      warned = false;
      tell(SessionEvent::opened);
      serve();
      close();
    } else {
      handle_.reset();
      if (!std::exchange(warned, true))
        log::warn("zookeeper", "event=no_session addresses={}", settings_.addresses);
    }
    std::unique_lock lock(mutex_);
    const auto pause = no_handle_.empty() ? kPause : kLongPause;
    if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
  }
}

bool Session::open() {
  {
    const std::lock_guard lock(mutex_);
    connected_ = gone_ = in_flight_ = false;
  }
  const auto mark = [this](bool& what) {
    {
      const std::lock_guard lock(mutex_);
      what = true;
    }
    wake_.notify_all();
  };
  auto opened = Handle::open(settings_.addresses, settings_.session_timeout,
                             {[this, mark] { mark(connected_); }, [this, mark] { mark(gone_); },
                              [this](std::string path) { changed_(std::move(path)); }});
  if (!opened) {
    if (std::exchange(no_handle_, opened.error().message) != opened.error().message)
      log::warn("zookeeper", "event=no_handle reason={}", opened.error().message);
    return false;
  }
  no_handle_.clear();
  handle_ = std::move(*opened);
  {
    // The library goes on trying by itself.
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return connected_ || gone_ || stopping_; });
    if (!connected_ || stopping_) return false;
  }
  const auto number = handle_->session();
  const auto id = id_of(number);
  const auto sent = clock_.mono();
  if (!make_nodes(*handle_, path("/sessions/" + id))) return false;
  lease_ = std::make_shared<Lease>(clock_);
  lease_->extend(sent + settings_.times.lease);
  const std::lock_guard lock(mutex_);
  present_ = Present{handle_, lease_, id, number};
  wake_.notify_all();
  return true;
}

bool Session::make_nodes(Handle& handle, const std::string& own) {
  // A creation that the connection's loss left open is made again: `exists` is as good, for
  // folders, and for a node that is named by this very session.
  const auto make = [&](const std::string& path, bool ephemeral) {
    for (;;) {
      const auto made = handle.create(path, ephemeral ? settings_.process : "", ephemeral);
      if (made == Zk::ok || made == Zk::exists) return true;
      std::unique_lock lock(mutex_);
      if (made != Zk::lost || wake_.wait_for(lock, kPause, [this] { return stopping_ || gone_; }))
        return false;
    }
  };
  for (auto end = settings_.prefix.find('/', 1); end != std::string::npos;
       end = settings_.prefix.find('/', end + 1))
    if (!make(settings_.prefix.substr(0, end), false)) return false;
  if (!make(settings_.prefix, false)) return false;
  for (const auto& folder : settings_.folders)
    if (!make(path(folder), false)) return false;
  return make(own, true);
}

void Session::serve() {
  const auto period = Clock::Mono(settings_.times.lease) / 5;
  auto next = clock_.mono() + period;
  bool lapsed = false;
  for (;;) {
    const auto now = clock_.mono();
    const bool holds = lease_->certainly_holds();
    if (lapsed == holds) {
      lapsed = !holds;
      log::warn("zookeeper", "event={}", lapsed ? "lease_lapsed" : "lease_renewed");
      tell(lapsed ? SessionEvent::lapsed : SessionEvent::renewed);
    }
    if (now >= next) {
      next = now + period;
      send_renewal();
    }
    const auto due = lapsed ? next : std::min(next, lease_->until());
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, due - clock_.mono(),
                   [&] { return stopping_ || gone_ || (lapsed && lease_->certainly_holds()); });
    if (stopping_ || gone_) return;
  }
}

void Session::send_renewal() {
  {
    const std::lock_guard lock(mutex_);
    if (in_flight_) return;
    in_flight_ = true;
  }
  const auto sent = clock_.mono();  // before anything of it can be on its way
  const auto own = path("/sessions/" + id_of(handle_->session()));
  handle_->renew(own, settings_.process, [this, sent, lease = lease_](Zk result) {
    if (result == Zk::ok) lease->extend(sent + settings_.times.lease);
    {
      const std::lock_guard lock(mutex_);
      in_flight_ = false;
      // Somebody removed the node: for others the session has ended.
      gone_ = gone_ || result == Zk::expired || result == Zk::no_node;
    }
    wake_.notify_all();
  });
}

void Session::close() {
  lease_->end();
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    present_.reset();
    since_ = clock_.mono();
    stopping = stopping_;
  }
  if (!stopping) {
    log::warn("zookeeper", "event=session_lost");
    tell(SessionEvent::lost);
  }
  handle_.reset();
}

}  // namespace parley::coordination
