#pragma once
#include <memory>
#include <string>

#include "base/certificate_files.h"
#include "base/clock.h"

namespace boost::asio::ssl {
class context;
}
namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc
namespace parley::rpc {

/// By what processes know each other: mutual TLS 1.3 (RFC 8446). Each shows a certificate that the
/// same authority has signed; that of the side that listens is also valid for the address by which
/// it was found. For any thread.
class Security {
 public:
  /// `authority`: a PEM file of one or more certificates. The error is a sentence for a person.
  /// `clock` outlives it.
  static Result<std::shared_ptr<Security>> open(CertificateFiles files, std::string authority,
                                                const Clock& clock);
  ~Security();
  Security(const Security&) = delete;

  /// Reads the files again. New connections get what they say now; where they are no good, the
  /// former ones stay. Connections that are open keep theirs.
  Result<void> reload();

  /// Of streams, as the files were last.
  std::shared_ptr<boost::asio::ssl::context> of_streams() const;
  /// Of single calls; they follow the files by themselves.
  std::shared_ptr<grpc::ChannelCredentials> of_caller() const;
  std::shared_ptr<grpc::ServerCredentials> of_called() const;

 private:
  struct Impl;
  explicit Security(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
using SecurityPtr = std::shared_ptr<const Security>;  // null: nothing is encrypted

}  // namespace parley::rpc
