#include "base/certificate_files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace parley {
namespace {

using File = std::unique_ptr<std::FILE, decltype([](std::FILE* f) { std::fclose(f); })>;
using Key = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* k) { EVP_PKEY_free(k); })>;

Result<File> open_file(std::string_view setting, const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (!file) return refuse_file(setting, path, std::strerror(errno));
  return file;
}

/// Nobody is asked: a server starts by itself.
int no_passphrase(char*, int, int, void*) { return 0; }

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

using Certificate = std::unique_ptr<X509, decltype([](X509* c) { X509_free(c); })>;

}  // namespace

Result<TimeMs> expiry_of(const std::string& certificate) {
  const File file(std::fopen(certificate.c_str(), "re"));
  if (!file)
    return fail(Code::invalid_argument, fmt::format("{}: {}", certificate, std::strerror(errno)));
  const Certificate read(PEM_read_X509(file.get(), nullptr, no_passphrase, nullptr));
  std::tm parts{};
  if (!read || ASN1_TIME_to_tm(X509_get0_notAfter(read.get()), &parts) != 1)
    return fail(Code::invalid_argument,
                fmt::format("{} holds no certificate in PEM format", certificate));
  return TimeMs(static_cast<std::int64_t>(timegm(&parts)) * 1000);
}

std::unexpected<Error> refuse_file(std::string_view setting, std::string_view file,
                                   std::string_view why) {
  return fail(Code::invalid_argument, fmt::format("{} = \"{}\": {}", setting, file, why));
}

Result<void> use_certificate(ssl_ctx_st* context, const CertificateFiles& files, TimeMs now) {
  ERR_clear_error();
  if (auto file = open_file(files.certificate_setting, files.certificate); !file)
    return std::unexpected(file.error());
  PARLEY_TRY(key_file, open_file(files.key_setting, files.key));
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return refuse_file(files.certificate_setting, files.certificate,
                       "it holds no certificate in PEM format that can be used here");
  const Key key(PEM_read_PrivateKey(key_file.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return refuse_file(files.key_setting, files.key,
                       "it holds no private key in PEM format (one that is protected by a "
                       "passphrase cannot be used)");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return refuse_file(
        files.key_setting, files.key,
        fmt::format("it is not the key of the certificate in {}", files.certificate));
  const X509* certificate = SSL_CTX_get0_certificate(context);
  std::time_t seconds = now.value / 1000;
  if (X509_cmp_time(X509_get0_notAfter(certificate), &seconds) < 0)
    return refuse_file(files.certificate_setting, files.certificate,
                       fmt::format("the certificate expired on {}: get a new one",
                                   day_of(X509_get0_notAfter(certificate))));
  if (X509_cmp_time(X509_get0_notBefore(certificate), &seconds) > 0)
    return refuse_file(files.certificate_setting, files.certificate,
                       fmt::format("the certificate is valid from {} on: is the clock of this "
                                   "machine right?",
                                   day_of(X509_get0_notBefore(certificate))));
  return {};
}

}  // namespace parley
