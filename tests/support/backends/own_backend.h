#pragma once
#include <filesystem>
#include <string>

namespace parley::test {

/// A real server of the test's own, to be killed and started again; its data goes with the object.
/// Started by scripts/backends. Throws std::runtime_error where that fails.
class OwnBackend {
 public:
  /// `name` as in backends.h.
  explicit OwnBackend(std::string name);
  ~OwnBackend();
  OwnBackend(const OwnBackend&) = delete;

  std::string address() const;
  void kill();   // kill -9; returns when the process has ended
  void start();  // on the same address with the same data; returns when it is ready

 private:
  void script(const std::string& command) const;

  const std::string name_;
  std::filesystem::path folder_;
};

}  // namespace parley::test
