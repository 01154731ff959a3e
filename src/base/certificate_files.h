#pragma once
#include <string>

#include "base/ids.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace parley {

/// Two PEM files, of a certificate with its chain and of its key, and the settings that name them,
/// such as `server.tls_certificate`.
struct CertificateFiles {
  std::string certificate_setting, key_setting;
  std::string certificate, key;
};

/// Gives them to `context`. The error is a sentence for a person: a file that cannot be read or
/// holds something else, a key of another certificate, a certificate whose time is over or has not
/// come.
Result<void> use_certificate(ssl_ctx_st* context, const CertificateFiles& files, TimeMs now);

/// Until when the certificate in a PEM file is valid. The error is a sentence for a person, without
/// the name of the setting.
Result<TimeMs> expiry_of(const std::string& certificate);

/// What is wrong with the file that a setting names.
std::unexpected<Error> refuse_file(std::string_view setting, std::string_view file,
                                   std::string_view why);

}  // namespace parley
