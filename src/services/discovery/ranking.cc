#include "services/discovery/ranking.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace parley::discovery {
namespace {

double load_of(std::uint64_t load, std::uint64_t capacity) {
  return static_cast<double>(load) / static_cast<double>(capacity);
}

/// Above 0, up to 1, the same on every machine.
double draw(std::mt19937_64& random) { return static_cast<double>((random() >> 11) + 1) * 0x1p-53; }

}  // namespace

Ranking::Ranking(std::vector<GatewayRow> rows) {
  std::map<std::string, GatewayRow> by_url;
  for (auto& row : rows) {
    if (row.draining || row.load >= row.capacity) continue;
    const auto [at, added] = by_url.try_emplace(row.url, row);
    if (added) continue;
    at->second.capacity += row.capacity;
    at->second.load += row.load;
    at->second.ready |= row.ready;
  }
  for (auto& [url, row] : by_url) {
    auto site = std::ranges::find_if(sites_, [&](const Site& s) {
      return s.zone == row.zone && s.at == row.at && s.ready == row.ready;
    });
    if (site == sites_.end()) site = sites_.insert(site, Site{row.zone, row.at, row.ready, {}});
    site->rows.push_back(std::move(row));
  }
}

std::vector<const GatewayRow*> Ranking::best(const Whereabouts& client, std::string_view last,
                                             std::size_t limit, std::mt19937_64& random) const {
  std::vector<Reached> reached;
  reached.reserve(sites_.size());
  for (const auto& site : sites_) {
    double km = kUnknownKm;
    if (!client.zone.empty() && site.zone == client.zone)
      km = 0;
    else if (client.at && site.at)
      km = distance_km(*client.at, *site.at);
    reached.push_back({km, &site});
  }
  std::ranges::sort(reached, {}, [](const Reached& r) { return std::pair(!r.site->ready, r.km); });

  std::vector<const GatewayRow*> out;
  std::vector<const GatewayRow*> equals;
  for (std::size_t i = 0; i < reached.size() && out.size() < limit;) {
    const auto& nearest = reached[i];
    equals.clear();
    for (; i < reached.size() && reached[i].site->ready == nearest.site->ready &&
           reached[i].km <= nearest.km + kAsNearKm;
         ++i)
      for (const auto& row : reached[i].site->rows) equals.push_back(&row);
    order(equals, last, limit - out.size(), random);
    out.insert(out.end(), equals.begin(), equals.end());
  }
  return out;
}

/// Leaves the first `limit` of them, in order.
void Ranking::order(std::vector<const GatewayRow*>& equals, std::string_view last,
                    std::size_t limit, std::mt19937_64& random) {
  std::uint64_t capacity = 0, load = 0;
  std::vector<std::pair<double, const GatewayRow*>> keyed;
  keyed.reserve(equals.size());
  for (const auto* row : equals) {
    capacity += row->capacity;
    load += row->load;
    const auto free = static_cast<double>(row->capacity - row->load);
    keyed.emplace_back(-std::log(draw(random)) / free, row);
  }
  for (auto& [key, row] : keyed)
    if (row->url == last &&
        load_of(row->load, row->capacity) <= load_of(load, capacity) + kMoreLoaded)
      key = -1;
  const auto count = std::min(limit, keyed.size());
  std::ranges::partial_sort(keyed, keyed.begin() + static_cast<std::ptrdiff_t>(count), {},
                            [](const auto& k) { return k.first; });
  equals.clear();
  for (std::size_t i = 0; i < count; ++i) equals.push_back(keyed[i].second);
}

}  // namespace parley::discovery
