#include "logs/event_store.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::logs {
namespace {

// Two records for each segment: what the start reads, and what only readers of events read.
constexpr std::string_view index_service = "logs.segments", text_service = "logs.events", segment_kind = "segment";

}  // namespace

/// The events of a query found so far, never more than a page of them.
class EventStore::Selection {
 public:
  explicit Selection(const Query& query) : query_(query), limit_(std::clamp<std::size_t>(query.limit, 1, limits::page_events_max)) {}

  void offer(std::size_t stream, Position position, std::int64_t ingestion_ms, std::string_view message) {
    if (position < query_.from || position >= query_.to || is_beyond(position)) return;
    if (query_.wanted && !query_.wanted(message)) return;
    if (!found_.emplace(position, Found{stream, {position, ingestion_ms, std::string(message)}}).second) return;
    byte_count_ += message.size() + event_overhead;
    while (found_.size() > 1 && (found_.size() > limit_ || byte_count_ > limits::page_bytes_max))
      drop(newest() ? found_.begin() : std::prev(found_.end()));
  }

  /// Can nothing of this segment, or of those after it in the order of reading, come in any more?
  bool is_complete_before(const Segment& segment) const {
    if (!full_) return false;
    return newest() ? segment.last_ms < found_.begin()->first.timestamp_ms : segment.first_ms > found_.rbegin()->first.timestamp_ms;
  }

  /// Ends before a time up to which all is known.
  Page cut_at(std::int64_t time_ms) {
    const Position end{time_ms, 0};
    found_.erase(found_.lower_bound(end), found_.end());
    auto page = take();
    if (!page.next) page.next = end;
    return page;
  }

  Page take() {
    Page page;
    if (full_ && !newest() && !found_.empty()) {
      const auto last = found_.rbegin()->first;
      page.next = Position{last.timestamp_ms, last.sequence + 1};
    }
    for (auto& [position, found] : found_) page.events.push_back(std::move(found));
    return page;
  }

 private:
  static constexpr std::size_t event_overhead = 26;  // as AWS counts
  using Events = std::map<Position, Found>;
  bool newest() const { return query_.which == Query::Which::newest; }
  // What once was too much stays out, or the page would have a gap.
  bool is_beyond(Position position) const { return full_ && (newest() ? position <= boundary_ : position >= boundary_); }
  void drop(Events::iterator event) {
    boundary_ = event->first;
    full_ = true;
    byte_count_ -= event->second.event.message.size() + event_overhead;
    found_.erase(event);
  }

  const Query& query_;
  const std::size_t limit_;
  Events found_;
  std::size_t byte_count_ = 0;
  Position boundary_;
  bool full_ = false;
};

store::Key EventStore::key_of(std::string_view service, const Stream& stream, std::string_view stream_id, std::uint64_t segment_id) {
  return {std::string(service), stream.account_id, stream.region, std::string(segment_kind), cat(stream_id, "/", segment_id)};
}

Result<> EventStore::load() {
  std::scoped_lock lock(mutex_);
  auto loaded = store_.load(index_service, [this](const store::Record& record) { return take_index(record); });
  for (auto& [id, stream] : streams_) std::ranges::sort(stream.segments, {}, &Segment::id);
  return loaded;
}

Result<> EventStore::take_index(const store::Record& record) {
  const auto damaged = [&] { return fail(cat("the index of log segment ", record.key.name, " is damaged")); };
  const auto slash = record.key.name.find('/');
  const auto value = json::parse(record.value, json::limits::document_depth_max);
  if (slash == std::string::npos || !value || !value->array() || value->array()->size() != 5) return damaged();
  const auto id = parse_number<std::uint64_t>(std::string_view(record.key.name).substr(slash + 1));
  std::int64_t numbers[5];
  for (std::size_t i = 0; i < 5; ++i) {
    const auto number = (*value->array())[i].integer();
    if (!number) return damaged();
    numbers[i] = *number;
  }
  if (!id) return damaged();
  auto& stream = streams_[record.key.name.substr(0, slash)];
  stream.account_id = record.key.account_id;
  stream.region = record.key.region;
  const Segment segment{
      *id, numbers[0], numbers[1], numbers[2], static_cast<std::uint64_t>(numbers[3]), static_cast<std::uint64_t>(numbers[4])};
  stream.segments.push_back(segment);
  kept_bytes_ += segment.byte_count + limits::segment_overhead;
  next_sequence_ = std::max(next_sequence_, segment.last_sequence + 1);
  return {};
}

void EventStore::append(const StreamPlace& place, const std::vector<NewEvent>& events, std::int64_t ingestion_ms,
                        std::move_only_function<void(Result<>)> done) {
  if (events.empty()) return done({});
  std::unique_lock lock(mutex_);
  auto& stream = streams_[place.id];
  stream.account_id = place.account_id;
  stream.region = place.region;
  // While a segment is being written nothing is built on it: should that fail, only its own events are lost.
  const bool grows = !stream.open.empty() && stream.under_way == 0;
  Segment segment = grows ? stream.segments.back() : Segment{next_sequence_, events.front().timestamp_ms, events.front().timestamp_ms};
  std::string text = grows ? stream.open : std::string();
  for (const auto& event : events) {
    segment.last_sequence = next_sequence_++;
    segment.first_ms = std::min(segment.first_ms, event.timestamp_ms);
    segment.last_ms = std::max(segment.last_ms, event.timestamp_ms);
    append_event(text, {{event.timestamp_ms, segment.last_sequence}, ingestion_ms, event.message});
  }
  segment.ingestion_ms = ingestion_ms;
  segment.byte_count = text.size();
  store::Batch batch;
  batch.put(key_of(index_service, stream, place.id, segment.id),
            json::to_text(json::Array{segment.first_ms, segment.last_ms, segment.ingestion_ms, segment.last_sequence, segment.byte_count}));
  batch.put(key_of(text_service, stream, place.id, segment.id), text);
  ++stream.under_way;
  lock.unlock();
  store_.commit(std::move(batch), [this, id = place.id, segment, text = std::move(text), done = std::move(done)](Result<> result) mutable {
    if (result) {
      stored(id, segment, std::move(text));
    } else {
      std::scoped_lock relock(mutex_);
      if (const auto found = streams_.find(id); found != streams_.end()) {
        --found->second.under_way;
        leave_if_empty(found);
      }
    }
    done(std::move(result));
  });
}

void EventStore::stored(const std::string& stream_id, const Segment& segment, std::string text) {
  store::Batch surplus;
  {
    std::scoped_lock lock(mutex_);
    const auto found = streams_.find(stream_id);
    // Forgotten while it was written: the sweep finds it by its records at the latest.
    if (found == streams_.end()) return;
    auto& stream = found->second;
    --stream.under_way;
    const auto place = std::ranges::lower_bound(stream.segments, segment.id, {}, &Segment::id);
    if (place != stream.segments.end() && place->id == segment.id) {
      kept_bytes_ -= place->byte_count;
      *place = segment;
    } else {
      kept_bytes_ += limits::segment_overhead;
      stream.segments.insert(place, segment);
    }
    kept_bytes_ += segment.byte_count;
    open_bytes_ -= stream.open.size();
    stream.open.clear();
    if (text.size() < limits::open_segment_bytes_max && stream.segments.back().id == segment.id) stream.open = std::move(text);
    open_bytes_ += stream.open.size();
    if (open_bytes_ > limits::open_bytes_max) {
      for (auto& [id, each] : streams_) std::string().swap(each.open);
      open_bytes_ = 0;
    }
    if (kept_bytes_ > kept_bytes_max_) drop_oldest(surplus);
  }
  commit_quietly(std::move(surplus));
}

// More than needed at once, so that not every append has to look for what is oldest.
void EventStore::drop_oldest(store::Batch& batch) {
  std::vector<std::pair<std::uint64_t, std::string_view>> order;
  for (const auto& [id, stream] : streams_)
    for (const auto& segment : stream.segments) order.emplace_back(segment.id, id);
  std::ranges::sort(order);
  for (const auto& [segment_id, stream_id] : order) {
    if (kept_bytes_ <= kept_bytes_max_ / 10 * 9) return;
    const auto stream = streams_.find(stream_id);
    auto& segments = stream->second.segments;
    if (may_be_growing(stream->second, segments.front())) continue;
    erase(stream->second, stream_id, segments.front(), batch);
    segments.erase(segments.begin());
    leave_if_empty(stream);
  }
}

// What is being written may hold younger events than the index says.
bool EventStore::may_be_growing(const Stream& stream, const Segment& segment) {
  return stream.under_way > 0 && segment.id == stream.segments.back().id;
}

void EventStore::leave_if_empty(Streams::iterator stream) {
  if (!stream->second.segments.empty()) return;
  open_bytes_ -= stream->second.open.size();
  stream->second.open.clear();
  // Whoever is writing to it will count it down.
  if (stream->second.under_way == 0) streams_.erase(stream);
}

void EventStore::erase(const Stream& stream, std::string_view stream_id, const Segment& segment, store::Batch& batch) {
  batch.erase(key_of(index_service, stream, stream_id, segment.id));
  batch.erase(key_of(text_service, stream, stream_id, segment.id));
  kept_bytes_ -= segment.byte_count + limits::segment_overhead;
}

// What could not be removed is found again at the next start.
void EventStore::commit_quietly(store::Batch batch) {
  if (!batch.empty()) store_.commit(std::move(batch), [](Result<>) {});
}

void EventStore::forget(const std::vector<std::string>& stream_ids) {
  store::Batch batch;
  {
    std::scoped_lock lock(mutex_);
    for (const auto& id : stream_ids) {
      const auto found = streams_.find(id);
      if (found == streams_.end()) continue;
      for (const auto& segment : found->second.segments) erase(found->second, id, segment, batch);
      found->second.segments.clear();
      leave_if_empty(found);
    }
  }
  commit_quietly(std::move(batch));
}

void EventStore::expire(std::string_view stream_id, std::int64_t before_ms) {
  store::Batch batch;
  {
    std::scoped_lock lock(mutex_);
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    auto& stream = found->second;
    std::vector<Segment> kept;
    for (const auto& segment : stream.segments) {
      if (segment.last_ms >= before_ms || may_be_growing(stream, segment))
        kept.push_back(segment);
      else
        erase(stream, stream_id, segment, batch);
    }
    if (!stream.segments.empty() && (kept.empty() || kept.back().id != stream.segments.back().id)) {
      open_bytes_ -= stream.open.size();
      stream.open.clear();
    }
    stream.segments = std::move(kept);
    leave_if_empty(found);
  }
  commit_quietly(std::move(batch));
}

std::vector<EventStore::Candidate> EventStore::candidates(const Query& query) const {
  std::vector<Candidate> out;
  std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < query.stream_ids.size(); ++i) {
    const auto stream = streams_.find(query.stream_ids[i]);
    if (stream == streams_.end()) continue;
    for (const auto& segment : stream->second.segments)
      if (segment.last_ms >= query.from.timestamp_ms && segment.first_ms <= query.to.timestamp_ms)
        out.push_back({i, key_of(text_service, stream->second, stream->first, segment.id), segment});
  }
  if (query.which == Query::Which::oldest)
    std::ranges::sort(out, {}, [](const auto& each) { return each.segment.first_ms; });
  else
    std::ranges::sort(out, std::greater(), [](const auto& each) { return each.segment.last_ms; });
  return out;
}

Result<Page> EventStore::read(const Query& query) const {
  Selection selection(query);
  std::uint64_t scanned = 0;
  for (const auto& candidate : candidates(query)) {
    if (selection.is_complete_before(candidate.segment)) break;
    // Only where a page would end further on than it began.
    const auto from_here = candidate.segment.first_ms;
    if (query.which == Query::Which::oldest && scanned > limits::scanned_bytes_max && from_here > query.from.timestamp_ms)
      return selection.cut_at(from_here);
    auto text = store_.read(candidate.key);
    if (!text) return std::unexpected(std::move(text.error()));
    if (!*text) continue;  // removed since the index was looked at
    scanned += (*text)->size();
    auto done = read_events(**text, [&](Position position, std::int64_t ingestion_ms, std::string_view message) {
      selection.offer(candidate.stream, position, ingestion_ms, message);
    });
    if (!done) return std::unexpected(std::move(done.error()));
  }
  return selection.take();
}

std::optional<Summary> EventStore::summary(std::string_view stream_id) const {
  std::scoped_lock lock(mutex_);
  const auto found = streams_.find(stream_id);
  if (found == streams_.end() || found->second.segments.empty()) return std::nullopt;
  Summary out{INT64_MAX};
  for (const auto& segment : found->second.segments) {
    out.first_ms = std::min(out.first_ms, segment.first_ms);
    out.last_ms = std::max(out.last_ms, segment.last_ms);
    out.last_ingestion_ms = std::max(out.last_ingestion_ms, segment.ingestion_ms);
    out.last_sequence = std::max(out.last_sequence, segment.last_sequence);
    out.byte_count += segment.byte_count;
  }
  return out;
}

std::vector<std::string> EventStore::stream_ids() const {
  std::vector<std::string> out;
  std::scoped_lock lock(mutex_);
  for (const auto& [id, stream] : streams_) out.push_back(id);
  return out;
}

}  // namespace sallyport::logs
