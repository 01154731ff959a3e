#pragma once
#include <client/state.pb.h>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "client/failure.h"

namespace parley::client {

/// `$XDG_STATE_HOME/parley`, or `~/.local/state/parley`.
std::filesystem::path state_folder();

/// One account on this machine: its state file (mode 0600), shared by all processes that use it.
/// Every change is read, made and written under a lock, synced, and renamed into place: a crash
/// leaves the old file or the new one, and two processes never undo each other's changes. One
/// thread.
class Account {
 public:
  /// Names must be usable as a file name: letters, digits, `_ . -`, at most 64, not starting with a
  /// dot.
  static Outcome<Account> create(const std::filesystem::path& folder, const std::string& profile,
                                 AccountState state);
  static Outcome<Account> load(const std::filesystem::path& folder, const std::string& profile);
  /// Whose state files are there, sorted.
  static std::vector<std::string> list(const std::filesystem::path& folder);

  const AccountState& state() const { return state_; }
  const std::string& profile() const { return profile_; }
  std::uint64_t user() const { return state_.tokens().user_id(); }

  /// Takes in what other processes wrote.
  Outcome<void> reload();
  /// Durable when it returns.
  Outcome<void> update(const std::function<void(AccountState&)>& change);
  /// Signed out: the file goes.
  Outcome<void> remove();

  /// Holds other processes off from refreshing the same token (a refresh token works once). Never
  /// blocks: empty while another one refreshes. Released by the destructor, or by the end of the
  /// process.
  class RefreshLock {
   public:
    explicit RefreshLock(int fd) : fd_(fd) {}
    RefreshLock(RefreshLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    RefreshLock& operator=(RefreshLock&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }
    ~RefreshLock();

   private:
    int fd_;
  };
  Outcome<std::optional<RefreshLock>> try_lock_refresh();

 private:
  Account(std::filesystem::path folder, std::string profile)
      : folder_(std::move(folder)), profile_(std::move(profile)) {}
  std::filesystem::path file(std::string_view suffix) const {
    return folder_ / (profile_ + std::string(suffix));
  }
  Outcome<void> write();

  std::filesystem::path folder_;
  std::string profile_;
  AccountState state_;
};

}  // namespace parley::client
