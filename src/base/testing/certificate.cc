#include "base/testing/certificate.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace parley::testing {
namespace {

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL does not make a certificate");
}

template <class Write>
std::string in_pem(Write write) {
  const std::unique_ptr<BIO, decltype([](BIO* b) { BIO_free(b); })> memory(BIO_new(BIO_s_mem()));
  must(write(memory.get()) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

using X509Ptr = std::unique_ptr<X509, decltype([](X509* x) { X509_free(x); })>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* k) { EVP_PKEY_free(k); })>;

template <class Read>
auto from_pem(const std::string& pem, Read read) {
  const std::unique_ptr<BIO, decltype([](BIO* b) { BIO_free(b); })> memory(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return read(memory.get(), nullptr, nullptr, nullptr);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype([](X509_EXTENSION* e) { X509_EXTENSION_free(e); })>
      made(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  must(made && X509_add_ext(certificate, made.get(), -1) == 1);
}

}  // namespace

Certificate make_certificate(const CertificatePlan& plan) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr made(X509_new());
  must(key && made);
  auto* x = made.get();
  std::uint32_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  must(X509_set_version(x, 2) == 1 &&
       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
       X509_gmtime_adj(X509_getm_notBefore(x), plan.valid_from_s) &&
       X509_gmtime_adj(X509_getm_notAfter(x), plan.valid_from_s + plan.valid_for_s) &&
       X509_set_pubkey(x, key.get()) == 1);
  auto* name = X509_get_subject_name(x);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                  reinterpret_cast<const unsigned char*>(plan.name.c_str()), -1, -1,
                                  0) == 1);
  add_extension(x, NID_basic_constraints, plan.authority ? "CA:FALSE" : "critical,CA:TRUE");
  add_extension(x, NID_subject_alt_name, "DNS:" + plan.name + ",IP:" + plan.address);
  if (plan.authority) {
    const X509Ptr issuer(from_pem(plan.authority->certificate, PEM_read_bio_X509));
    const KeyPtr signer(from_pem(plan.authority->key, PEM_read_bio_PrivateKey));
    must(issuer && signer && X509_set_issuer_name(x, X509_get_subject_name(issuer.get())) == 1 &&
         X509_sign(x, signer.get(), EVP_sha256()) > 0);
  } else {
    must(X509_set_issuer_name(x, name) == 1 && X509_sign(x, key.get(), EVP_sha256()) > 0);
  }
  return {in_pem([&](BIO* to) { return PEM_write_bio_X509(to, x); }), in_pem([&](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

CertificateFolder::CertificateFolder(const Certificate& pair) {
  auto path = (std::filesystem::temp_directory_path() / "parley-certificate-XXXXXX").string();
  if (!::mkdtemp(path.data())) throw std::runtime_error("cannot make a temporary folder");
  path_ = path;
  write(pair);
}

CertificateFolder::~CertificateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void CertificateFolder::write(const Certificate& pair) const {
  std::ofstream(certificate()) << pair.certificate;
  std::ofstream(key()) << pair.key;
}

}  // namespace parley::testing
