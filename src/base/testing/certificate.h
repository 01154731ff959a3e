#pragma once
#include <filesystem>
#include <string>

namespace parley::testing {

/// A certificate and its key (P-256), in PEM.
struct Certificate {
  std::string certificate, key;
};

/// What a certificate made for a test says.
struct CertificatePlan {
  std::string name = "localhost";  // valid for it and for the address
  std::string address = "127.0.0.1";
  long valid_from_s = -3600;               // from now
  long valid_for_s = 24 * 3600;            // after that
  const Certificate* authority = nullptr;  // who signs it; null: it signs itself, and may sign
};

Certificate make_certificate(const CertificatePlan& plan = {});

/// A folder with `certificate.pem` and `key.pem`, removed in the end.
class CertificateFolder {
 public:
  explicit CertificateFolder(const Certificate& pair = make_certificate());
  ~CertificateFolder();
  CertificateFolder(const CertificateFolder&) = delete;

  void write(const Certificate& pair) const;
  std::string certificate() const { return path_ / "certificate.pem"; }
  std::string key() const { return path_ / "key.pem"; }

 private:
  std::filesystem::path path_;
};

}  // namespace parley::testing
