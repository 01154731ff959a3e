#include "wire/json_reader.h"

#include <charconv>
#include <google/protobuf/descriptor.h>
#include <limits>
#include <optional>
#include <simdjson.h>

namespace parley::wire {
namespace {
namespace pb = google::protobuf;
using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kMaxDepth = 32;

std::unexpected<Error> wrong(std::string_view what, std::string path) {
  return fail(Code::malformed, path + ": " + std::string(what), path);
}

/// An integer, or the decimal string that JSON has for what a double cannot hold.
template <class Int>
std::optional<Int> integer(const element& value) {
  if (value.is_string()) {
    const std::string_view text = value.get_string().value_unsafe();
    Int parsed{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return parsed;
  }
  std::uint64_t positive = 0;
  std::int64_t negative = 0;
  if (value.get(positive) == simdjson::SUCCESS) {
    if (positive > static_cast<std::uint64_t>(std::numeric_limits<Int>::max())) return std::nullopt;
    return static_cast<Int>(positive);
  }
  if (std::numeric_limits<Int>::is_signed && value.get(negative) == simdjson::SUCCESS)
    return static_cast<Int>(negative);
  return std::nullopt;
}

/// The name of an enumerator, or its number.
std::optional<int> enumerator(const element& value, const pb::EnumDescriptor& type) {
  if (!value.is_string()) return integer<std::int32_t>(value);
  const auto* found = type.FindValueByName(std::string(value.get_string().value_unsafe()));
  return found ? std::optional(found->number()) : std::nullopt;
}

class Mapper {
 public:
  Result<void> message(const element& value, pb::Message& out) {
    if (!value.is_object()) return wrong("must be an object", path_.empty() ? "frame" : path_);
    const auto* type = out.GetDescriptor();
    for (const auto& [key, item] : value.get_object().value_unsafe()) {
      const std::string name(key);
      const auto* field = type->FindFieldByName(name);
      if (!field) field = type->FindFieldByCamelcaseName(name);
      if (!field || item.is_null()) continue;
      const std::size_t parent = path_.size();
      path_ += (parent ? "." : "") + std::string(field->name());
      PARLEY_TRY_VOID(this->field(item, out, field));
      path_.resize(parent);
    }
    return {};
  }

 private:
  Result<void> field(const element& value, pb::Message& out, const pb::FieldDescriptor* field) {
    const auto* access = out.GetReflection();
    if (const auto* oneof = field->real_containing_oneof()) {
      const auto* other = access->GetOneofFieldDescriptor(out, oneof);
      if (other && other != field)
        return wrong("excludes `" + std::string(other->name()) + "`, which is given too", path_);
    }
    if (!field->is_repeated()) return single(value, out, field);
    if (!value.is_array()) return wrong("must be an array", path_);
    const std::size_t parent = path_.size();
    std::size_t index = 0;
    for (const element item : value.get_array().value_unsafe()) {
      path_ += "[" + std::to_string(index++) + "]";
      PARLEY_TRY_VOID(single(item, out, field));
      path_.resize(parent);
    }
    return {};
  }

  Result<void> single(const element& value, pb::Message& out, const pb::FieldDescriptor* field) {
    const auto* access = out.GetReflection();
    const bool many = field->is_repeated();
    const auto put = [&](auto parsed, auto set, auto add, std::string_view what) -> Result<void> {
      if (!parsed) return wrong(what, path_);
      many ? (access->*add)(&out, field, *parsed) : (access->*set)(&out, field, *parsed);
      return {};
    };
    using pb::Reflection;
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return put(integer<std::uint64_t>(value), &Reflection::SetUInt64, &Reflection::AddUInt64,
                   "must be an unsigned 64-bit number, as a decimal string");
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return put(integer<std::int64_t>(value), &Reflection::SetInt64, &Reflection::AddInt64,
                   "must be a 64-bit number, as a decimal string");
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return put(integer<std::uint32_t>(value), &Reflection::SetUInt32, &Reflection::AddUInt32,
                   "must be an unsigned 32-bit number");
      case pb::FieldDescriptor::CPPTYPE_BOOL: {
        bool flag = false;
        if (value.get(flag) != simdjson::SUCCESS) return wrong("must be true or false", path_);
        return put(std::optional(flag), &Reflection::SetBool, &Reflection::AddBool, "");
      }
      case pb::FieldDescriptor::CPPTYPE_STRING: {
        std::string_view text;
        if (value.get(text) != simdjson::SUCCESS) return wrong("must be a string", path_);
        if (many)
          access->AddString(&out, field, std::string(text));
        else
          access->SetString(&out, field, std::string(text));
        return {};
      }
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return put(enumerator(value, *field->enum_type()), &Reflection::SetEnumValue,
                   &Reflection::AddEnumValue, "must be one of the names of the protocol");
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return message(
            value, many ? *access->AddMessage(&out, field) : *access->MutableMessage(&out, field));
      default:
        return wrong("has a type that this server does not read", path_);
    }
  }

  std::string path_;
};

}  // namespace

struct JsonReader::Impl {
  simdjson::dom::parser parser;
  element root;
};

JsonReader::JsonReader(std::size_t max_bytes)
    : impl_(std::make_unique<Impl>(simdjson::dom::parser(max_bytes), element())) {
  // A first, small allocation fixes the depth; buffers grow with what comes in.
  (void)impl_->parser.allocate(std::min<std::size_t>(max_bytes, 4096), kMaxDepth);
}
JsonReader::~JsonReader() = default;

Result<element*> JsonReader::parse(std::string_view text) {
  const auto failure = impl_->parser.parse(text.data(), text.size()).get(impl_->root);
  if (failure == simdjson::CAPACITY) return fail(Code::too_large, "the text is too long");
  if (failure == simdjson::DEPTH_ERROR)
    return fail(Code::malformed, "JSON is nested deeper than 32 levels");
  if (failure)
    return fail(Code::malformed, std::string("not JSON: ") + simdjson::error_message(failure));
  return &impl_->root;
}

Result<void> JsonReader::read(std::string_view text, pb::Message& out) {
  if (text.empty()) return {};
  PARLEY_TRY(root, parse(text));
  return read_json(*root, out);
}

std::optional<std::uint64_t> read_uint64(const element& value) {
  return integer<std::uint64_t>(value);
}

Result<void> read_json(const element& value, pb::Message& out) {
  return Mapper().message(value, out);
}

}  // namespace parley::wire
