#include "rpc/message_router.h"

#include <boost/asio.hpp>

#include "base/check.h"

namespace parley::rpc {
namespace {

constexpr std::uint32_t kAgainMs = 200;

Error nobody() {
  return {
      Code::unavailable, "nobody serves this conversation at the moment: try again", {}, kAgainMs};
}

/// The batch in parts by owner, in the order of first need; what nobody owns is left in `batch`.
template <class Request, class Owner>
std::vector<std::pair<MessageApi*, std::vector<Request>>> by_owner(std::vector<Request>& batch,
                                                                   Owner owner) {
  std::vector<std::pair<MessageApi*, std::vector<Request>>> parts;
  std::vector<Request> nobodys;
  for (auto& request : batch) {
    auto* api = owner(request.conversation);
    if (!api) {
      nobodys.push_back(std::move(request));
      continue;
    }
    auto part = std::ranges::find(parts, api, [](const auto& p) { return p.first; });
    if (part == parts.end()) part = parts.insert(part, {api, {}});
    part->second.push_back(std::move(request));
  }
  batch = std::move(nobodys);
  return parts;
}

}  // namespace

MessageRouter::MessageRouter(Loops& loops, std::map<std::string, MessageApi*> processes)
    : loops_(loops),
      processes_(std::move(processes)),
      owners_(std::make_shared<const Owners>(kShards, nullptr)) {
  PARLEY_CHECK(!processes_.empty(), "there is nobody to ask");
}

void MessageRouter::set_owners(std::vector<std::string> names) {
  PARLEY_CHECK(names.size() == kShards, "an owner by shard");
  auto owners = std::make_shared<Owners>();
  for (const auto& name : names) {
    const auto at = processes_.find(name);
    owners->push_back(at == processes_.end() ? nullptr : at->second);
  }
  const std::lock_guard lock(mutex_);
  owners_ = std::move(owners);
}

std::shared_ptr<const MessageRouter::Owners> MessageRouter::owners() const {
  const std::lock_guard lock(mutex_);
  return owners_;
}

MessageApi* MessageRouter::owner(const ConversationId& conversation) const {
  return (*owners())[shard_of(conversation).value];
}

void MessageRouter::send(std::vector<SendRequest> batch, MessageListener& listener) {
  const auto owners = this->owners();
  for (auto& [api, part] :
       by_owner(batch, [&](const ConversationId& id) { return (*owners)[shard_of(id).value]; }))
    api->send(std::move(part), listener);
  if (batch.empty()) return;
  std::vector<SendAnswer> answers;
  for (const auto& request : batch) answers.push_back({request.token, std::unexpected(nobody())});
  boost::asio::post(loops_.at(loops_.current()),
                    [&listener, answers = std::move(answers)]() mutable {
                      listener.on_sent(std::move(answers));
                    });
}

void MessageRouter::mark(std::vector<MarkRequest> batch, MessageListener& listener) {
  const auto owners = this->owners();
  for (auto& [api, part] :
       by_owner(batch, [&](const ConversationId& id) { return (*owners)[shard_of(id).value]; }))
    api->mark(std::move(part), listener);
  std::vector<MarkAnswer> answers;
  for (const auto& request : batch)
    if (request.token != 0) answers.push_back({request.token, std::unexpected(nobody())});
  if (answers.empty()) return;
  boost::asio::post(loops_.at(loops_.current()),
                    [&listener, answers = std::move(answers)]() mutable {
                      listener.on_marked(std::move(answers));
                    });
}

template <class Ask>
std::invoke_result_t<Ask, MessageApi&> MessageRouter::of_owner(ConversationId conversation,
                                                               Ask ask) const {
  auto* api = owner(conversation);
  if (!api) co_return std::unexpected(nobody());
  co_return co_await ask(*api);
}

template <class Ask>
std::invoke_result_t<Ask, MessageApi&> MessageRouter::of_any(UserId user, Ask ask) const {
  const auto first = std::hash<UserId>()(user) % processes_.size();
  for (std::size_t i = 0;; ++i) {
    const auto at =
        std::next(processes_.begin(), static_cast<std::ptrdiff_t>((first + i) % processes_.size()));
    auto answer = co_await ask(*at->second);
    if (answer || answer.error().code != Code::unavailable || i + 1 == processes_.size())
      co_return answer;
  }
}

Awaitable<Result<Changes>> MessageRouter::changes(UserId user, Cursor since) {
  return of_any(user, [user, since](MessageApi& api) { return api.changes(user, since); });
}

Awaitable<Result<std::vector<EntryPtr>>> MessageRouter::entries(UserId asker,
                                                                ConversationId conversation,
                                                                Seq from, Seq to,
                                                                std::size_t limit) {
  return of_owner(conversation, [=](MessageApi& api) {
    return api.entries(asker, conversation, from, to, limit);
  });
}

Awaitable<Result<HistoryPage>> MessageRouter::history(UserId asker, ConversationId conversation,
                                                      HistoryQuery query) {
  return of_owner(conversation,
                  [=](MessageApi& api) { return api.history(asker, conversation, query); });
}

Awaitable<Result<Head>> MessageRouter::head(ConversationId conversation) {
  return of_owner(conversation, [=](MessageApi& api) { return api.head(conversation); });
}

Awaitable<Result<Head>> MessageRouter::append(GroupId group, UserId actor, GroupChange change) {
  return of_owner(ConversationId::group(group.value),
                  [=](MessageApi& api) { return api.append(group, actor, change); });
}

Awaitable<Result<std::vector<Marks>>> MessageRouter::marks(ConversationId conversation,
                                                           std::vector<UserId> users) {
  return of_owner(conversation, [=](MessageApi& api) { return api.marks(conversation, users); });
}

Awaitable<Result<Receipts>> MessageRouter::receipts(UserId asker, ConversationId conversation,
                                                    Seq seq) {
  return of_owner(conversation,
                  [=](MessageApi& api) { return api.receipts(asker, conversation, seq); });
}

Awaitable<Result<std::vector<UserId>>> MessageRouter::visible(UserId asker,
                                                              std::vector<UserId> users) {
  return of_any(asker, [=](MessageApi& api) { return api.visible(asker, users); });
}

Awaitable<Result<ConversationView>> MessageRouter::view(UserId asker, ConversationId conversation) {
  return of_owner(conversation, [=](MessageApi& api) { return api.view(asker, conversation); });
}

Awaitable<Result<std::vector<ConversationView>>> MessageRouter::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  return of_any(user, [=](MessageApi& api) { return api.conversations(user, after, limit); });
}

}  // namespace parley::rpc
