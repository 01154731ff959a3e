#include "rpc/security.h"

#include <boost/asio/ssl/context.hpp>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <mutex>

namespace parley::rpc {
namespace asio = boost::asio;
namespace tls = grpc::experimental;
namespace {
constexpr unsigned kLookEverySeconds = 2;
}

struct Security::Impl {
  const CertificateFiles files;
  const std::string authority;
  const Clock& clock;
  std::shared_ptr<tls::CertificateProviderInterface> of_calls;
  mutable std::mutex mutex;
  std::shared_ptr<asio::ssl::context> of_streams;
};

Security::Security(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Security::~Security() = default;

Result<std::shared_ptr<Security>> Security::open(CertificateFiles files, std::string authority,
                                                 const Clock& clock) {
  std::shared_ptr<Security> out(
      new Security(std::make_unique<Impl>(std::move(files), std::move(authority), clock)));
  PARLEY_TRY_VOID(out->reload());
  const auto& impl = *out->impl_;
  out->impl_->of_calls = std::make_shared<tls::FileWatcherCertificateProvider>(
      impl.files.key, impl.files.certificate, impl.authority, kLookEverySeconds);
  return out;
}

Result<void> Security::reload() {
  auto fresh = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
  auto* context = fresh->native_handle();
  PARLEY_TRY_VOID(use_certificate(context, impl_->files, impl_->clock.wall()));
  boost::system::error_code bad;
  fresh->load_verify_file(impl_->authority, bad);
  if (bad)
    return refuse_file("peer_tls.authority", impl_->authority,
                       "it holds no certificate in PEM format by which others could be known");
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  fresh->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  const std::lock_guard lock(impl_->mutex);
  impl_->of_streams = std::move(fresh);
  return {};
}

std::shared_ptr<asio::ssl::context> Security::of_streams() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->of_streams;
}

std::shared_ptr<grpc::ChannelCredentials> Security::of_caller() const {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(impl_->of_calls);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> Security::of_called() const {
  tls::TlsServerCredentialsOptions options(impl_->of_calls);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

}  // namespace parley::rpc
