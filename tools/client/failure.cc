#include "client/failure.h"

#include <fmt/format.h>

namespace parley::client {

std::string describe(const Failure& failure) {
  if (failure.code.empty()) return failure.message;
  if (failure.field.empty()) return fmt::format("{} ({})", failure.message, failure.code);
  return fmt::format("{} ({}, field {})", failure.message, failure.code, failure.field);
}

}  // namespace parley::client
